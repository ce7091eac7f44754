from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from infrastructure import passwords
from infrastructure.passwords import MAX_PASSWORD_LENGTH, hash_password, needs_rehash, verify_password


@pytest.fixture(scope="module", autouse=True)
def real_cost() -> Iterator[None]:
    """The hasher as servers have it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher())
        passwords._hash_of_nobody.cache_clear()
        yield
    passwords._hash_of_nobody.cache_clear()


async def test_a_password_is_verified_and_another_is_not() -> None:
    stored = await hash_password("correct horse")
    assert stored.startswith("$argon2id$")
    assert await verify_password(stored, "correct horse")
    assert not await verify_password(stored, "correct horsf")
    assert not needs_rehash(stored)


async def test_two_hashes_of_one_password_differ() -> None:
    assert await hash_password("correct horse") != await hash_password("correct horse")


@pytest.mark.parametrize("bad", ["", "x" * (MAX_PASSWORD_LENGTH + 1), "\ud800"])
async def test_a_password_that_cannot_be_stored_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match=r"characters|surrogates"):
        await hash_password(bad)
    assert not await verify_password(await hash_password("x"), bad)


@pytest.mark.parametrize("stored", [None, "", "nonsense", "$argon2id$v=19$m=65536"])
async def test_nobody_logs_in_without_a_proper_hash(stored: str | None) -> None:
    assert not await verify_password(stored, "anything")
    assert not await verify_password(stored, "")


def test_a_hash_of_lower_cost_asks_to_be_made_anew() -> None:
    assert needs_rehash(PasswordHasher(time_cost=1, memory_cost=1024).hash("x"))


async def test_an_unknown_user_costs_as_much_as_a_wrong_password() -> None:
    stored = await hash_password("x")
    await verify_password(None, "warm")

    async def cost(value: str | None) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            await verify_password(value, "wrong")
            times.append(time.perf_counter() - start)
        return min(times)

    known, unknown = await cost(stored), await cost(None)
    assert 0.4 < unknown / known < 2.5


async def test_the_event_loop_keeps_running_while_hashes_are_made() -> None:
    work = asyncio.gather(*(hash_password("x") for _ in range(4)))
    turns = 0
    while not work.done():
        await asyncio.sleep(0.002)
        turns += 1
    assert turns > 5
