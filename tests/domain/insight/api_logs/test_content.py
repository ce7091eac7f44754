"""What the log of API calls keeps of a call."""

from __future__ import annotations

from typing import Any

import pytest

from domain.insight.api_logs.content import FILTERED, MOST_BYTES, kept_answer, kept_body

SECRETS = (
    "password", "Email", "client_secret", "access_token", "api_key", "encrypted", "salted", "certificate_pem", "totp",
    "ssn", "hmac_KEY",
)  # fmt: skip


@pytest.mark.parametrize("name", SECRETS)
def test_what_is_named_as_a_secret_is_left_out_at_any_depth(name: str) -> None:
    sent = {"customer": {"name": "Hooli", name: {"a": 1}, "list": [{name: "x", "key": "kept"}]}}
    kept: Any = {"customer": {"name": "Hooli", name: FILTERED, "list": [{name: FILTERED, "key": "kept"}]}}
    assert kept_body(sent, 100, {}) == kept
    assert kept_body({}, 0, {name: "x", "page": "1"}) == {name: FILTERED, "page": "1"}


def test_query_and_body_are_one_object_where_they_can_be() -> None:
    assert kept_body({"a": 1}, 7, {"a": "0", "b": "2"}) == {"a": 1, "b": "2"}
    assert kept_body([1], 3, {"b": "2"}) == {"b": "2", "body": [1]}
    assert kept_body([1], 3, {}) == [1]


def test_of_what_is_large_or_cannot_be_stored_the_size_is_kept() -> None:
    assert kept_body({"a": 1}, MOST_BYTES + 1, {"b": "2"}) == {"b": "2", "truncated": True, "bytes": MOST_BYTES + 1}
    assert kept_answer(b'"' + b"x" * MOST_BYTES + b'"') == {"truncated": True, "bytes": MOST_BYTES + 2}
    assert kept_body({"a": "\x00"}, 9, {}) == {"truncated": True, "bytes": 9}


def test_an_answer_is_kept_as_json() -> None:
    assert kept_answer(b'{"customer": {"lago_id": "1", "email": "x@y.z"}}') == {
        "customer": {"lago_id": "1", "email": FILTERED}
    }
    assert [kept_answer(body) for body in (b"", b"<html>")] == [None, None]
