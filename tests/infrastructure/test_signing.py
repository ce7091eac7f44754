from __future__ import annotations

import string
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from infrastructure.signing import Expired, Invalid, read, sign
from tests.infrastructure.conftest import Configure

WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def secret(configure: Configure) -> None:
    configure(SECRET_KEY_BASE="one-secret-of-the-server")


@pytest.mark.parametrize("payload", ["id", 7, None, {"id": "é漢", "n": [1, {}]}, "x" * 3_000])
def test_a_payload_comes_back(payload: Any) -> None:
    assert read("download", sign("download", payload, WEEK)) == payload


@pytest.mark.parametrize("payload", ["a", "ab", "abc", {"id": "0195f2f6-0000-7000-8000-000000000000"}, "z" * 200])
def test_no_single_changed_character_goes_unseen(payload: Any) -> None:
    token = sign("download", payload, WEEK)
    for place, kept in enumerate(token):
        for other in string.ascii_letters + string.digits + "-_.=+/ \n":
            if other != kept:
                with pytest.raises(Invalid):
                    read("download", token[:place] + other + token[place + 1 :])


def test_no_dropped_or_added_character_goes_unseen() -> None:
    token = sign("download", "id", WEEK)
    for place in range(len(token)):
        with pytest.raises(Invalid):
            read("download", token[:place] + token[place + 1 :])
    for extra in (" ", "\n", "=", "==", "A", "."):
        for changed in (token + extra, extra + token):
            with pytest.raises(Invalid):
                read("download", changed)


@pytest.mark.parametrize("junk", ["", ".", "a.b", "é", "\x00", "." * 5_000, "A" * 100_000])
def test_what_is_no_token_is_invalid(junk: str) -> None:
    with pytest.raises(Invalid):
        read("download", junk)


def test_a_token_of_another_purpose_or_server_is_invalid(configure: Configure) -> None:
    token = sign("password_reset", "id", WEEK)
    with pytest.raises(Invalid):
        read("download", token)
    configure(SECRET_KEY_BASE="the-secret-of-another-server")
    with pytest.raises(Invalid):
        read("password_reset", token)


def test_a_token_ends_to_the_second() -> None:
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        token = sign("download", "id", timedelta(minutes=5))
        clock.shift(299)
        assert read("download", token) == "id"
        clock.shift(1)
        with pytest.raises(Expired):
            read("download", token)


def test_a_changed_token_is_invalid_even_when_expired() -> None:
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        token = sign("download", "id", timedelta(minutes=5))
        clock.shift(10_000)
        with pytest.raises(Invalid):
            read("download", token[:-1] + ("A" if token[-1] != "A" else "B"))


@pytest.mark.parametrize("lifetime", [timedelta(0), timedelta(seconds=-1)])
def test_a_token_without_a_life_is_not_made(lifetime: timedelta) -> None:
    with pytest.raises(ValueError, match="lifetime"):
        sign("download", "id", lifetime)


def test_a_payload_too_long_for_a_link_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        sign("download", [str(n) for n in range(20_000)], WEEK)
