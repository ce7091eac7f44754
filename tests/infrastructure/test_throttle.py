from __future__ import annotations

import asyncio
import socket
from uuid import uuid4

import pytest
import redis.asyncio
from structlog.testing import capture_logs

from infrastructure import throttle
from infrastructure.throttle import LIMITS, Throttled, check, failed, reset
from tests.infrastructure.conftest import Configure


@pytest.fixture(autouse=True)
def store(configure: Configure, servers: dict[str, str]) -> None:
    configure(LAGO_REDIS_STORE_URL=servers["LAGO_REDIS_STORE_URL"], LAGO_REDIS_STORE_PASSWORD="")


@pytest.fixture
def account() -> str:
    return f"{uuid4().hex}@example.com"


async def test_the_eleventh_try_of_an_account_has_to_wait(account: str) -> None:
    for _ in range(LIMITS["account"].amount):
        await check("account", account)
        await failed("account", account)
    with pytest.raises(Throttled) as caught:
        await check("account", account)
    assert 0 < caught.value.retry_after <= 15 * 60


async def test_an_account_is_the_same_in_any_spelling_of_its_address(account: str) -> None:
    for _ in range(LIMITS["account"].amount):
        await failed("account", f" {account.upper()} ")
    with pytest.raises(Throttled):
        await check("account", account)


async def test_accounts_and_scopes_do_not_disturb_each_other(account: str) -> None:
    for _ in range(LIMITS["account"].amount):
        await failed("account", account)
    await check("account", f"x{account}")
    await check("address", account)


async def test_a_successful_login_forgets_the_failures(account: str) -> None:
    for _ in range(LIMITS["account"].amount):
        await failed("account", account)
    await reset("account", account)
    await check("account", account)


async def test_checking_alone_uses_nothing_up(account: str) -> None:
    for _ in range(LIMITS["account"].amount * 2):
        await check("account", account)


async def test_many_guesses_at_the_same_moment_are_caught_by_the_second_check(account: str) -> None:
    async def guess() -> str:
        try:
            await check("account", account)
            await failed("account", account)
        except Throttled:
            return "refused"
        return "wrong"

    await asyncio.gather(*(guess() for _ in range(60)))
    with pytest.raises(Throttled):  # what a correct guess among them asks before it is let in
        await check("account", account)


@pytest.mark.parametrize("key", ["", "\x00", "\ud800", "x" * 100_000, "::ffff:10.0.0.1", "*"])
async def test_any_key_is_taken(key: str) -> None:
    await failed("address", key)
    await check("address", key)
    await reset("address", key)


async def test_no_address_of_a_person_stands_in_redis(account: str, servers: dict[str, str]) -> None:
    await failed("account", account)
    async with redis.asyncio.Redis.from_url(servers["LAGO_REDIS_STORE_URL"]) as client:
        keys = [key.decode() async for key in client.scan_iter("*tarn-login-account*")]
    assert keys
    assert not any(account in key for key in keys)


async def test_without_redis_logins_go_on_and_the_log_says_so(configure: Configure, account: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    configure(LAGO_REDIS_STORE_URL=f"redis://127.0.0.1:{port}/0")
    with capture_logs() as lines:
        await check("account", account)
        await failed("account", account)
        await reset("account", account)
    assert [line["event"] for line in lines] == ["login_throttle_unavailable"] * 3


async def test_a_redis_that_does_not_answer_holds_a_login_up_for_about_a_second(
    configure: Configure, account: str
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        configure(LAGO_REDIS_STORE_URL=f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        async with asyncio.timeout(throttle.REDIS_SECONDS * 5):
            await check("account", account)


def test_each_event_loop_has_connections_of_its_own(account: str) -> None:
    for _ in range(2):
        asyncio.run(failed("account", account))
        asyncio.run(check("account", account))
