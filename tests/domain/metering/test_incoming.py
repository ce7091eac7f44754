"""The quick and the slow way of reading events accept the same, and whatever is accepted can be stored."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.kernel.errors import BadRequest, ValidationFailed
from domain.metering import incoming
from domain.metering.incoming import Envelope, EventRow, read_batch, read_single
from infrastructure import exact_json
from tests.metering_world import World

NOW = Envelope.of("0", datetime(2024, 3, 1, tzinfo=UTC), "agent", "127.0.0.1")

texts = st.text(max_size=8) | st.sampled_from(["tx", "", " ", "a\x00", "\ud800", "x" * 300, "ü", "1"])
numbers = (
    st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False, places=7).map(str)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([10**400, 1651240791, "1651240791.123456789", "-0.5", "1e400", "NaN", "0x10", 253402300800])
)
anything = st.recursive(
    st.none() | st.booleans() | texts | numbers,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
fields = st.fixed_dictionaries(
    {},
    optional={
        "transaction_id": texts | anything,
        "code": texts | anything,
        "external_subscription_id": texts | anything,
        "timestamp": numbers | anything,
        "precise_total_amount_cents": numbers | anything,
        "properties": st.dictionaries(texts, anything, max_size=4) | anything,
        "other": anything,
    },
)


def read(body: bytes) -> Any:
    try:
        return read_single(body, NOW)
    except (BadRequest, ValidationFailed) as refusal:
        return type(refusal), getattr(refusal, "details", None)


def comparable(result: Any) -> Any:
    if not isinstance(result, EventRow):
        return result
    row = {name: getattr(result, name) for name in EventRow.__struct_fields__ if name != "id"}
    row["properties"] = exact_json.load(bytes(result.properties))
    row["event_metadata"] = bytes(result.event_metadata)
    return row


@settings(max_examples=400, deadline=None)
@given(fields)
def test_both_ways_read_the_same(event: Any) -> None:
    body = json.dumps({"event": event}).encode()
    quick = read(body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(incoming, "_plain_row", lambda sent, envelope: None)
        slow = read(body)
    assert comparable(quick) == comparable(slow)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(fields | anything, min_size=1, max_size=6))
async def test_a_body_of_any_json_is_stored_or_refused_with_its_fields(world: World, events: list[Any]) -> None:
    """Over HTTP, into PostgreSQL: never a 500, and never half of a batch."""
    before = world.rows("SELECT count(*) FROM events")[0][0]
    answer = await world.post("/events/batch", content=json.dumps({"events": events}).encode())
    stored = world.rows("SELECT count(*) FROM events")[0][0] - before
    assert answer.status_code in (200, 400, 422), answer.text
    assert stored == (len(events) if answer.status_code == 200 else 0)
    if answer.status_code == 422:
        assert all(key.isdigit() and int(key) < len(events) for key in answer.json()["error_details"])


@pytest.mark.parametrize("text", [b'{"a":1.10}', b'{ "b" : 1E5 , "a":"\xc3\xbc" }', b'{"a":{"b":[1.0]}}', b'{"a":1e2}'])
def test_properties_keep_the_value_of_every_number(text: bytes) -> None:
    row = read_single(b'{"event":{"transaction_id":"t","code":"c","properties":' + text + b"}}", NOW)
    assert exact_json.load(bytes(row.properties)) == exact_json.load(text)


def test_a_batch_of_a_hundred_is_read_without_taking_properties_apart() -> None:
    events = [{"transaction_id": str(n), "code": "c", "timestamp": 1.5, "properties": {"a": 1}} for n in range(100)]
    rows = read_batch(msgspec.json.encode({"events": events}), NOW, 100)
    assert [row.transaction_id for row in rows] == [str(n) for n in range(100)]
    assert {row.timestamp for row in rows} == {"1970-01-01T00:00:01.500000+00:00"}
    assert len({row.id for row in rows}) == 100


@pytest.mark.parametrize(
    ("sent", "kept"), [("12.5", "12.5"), (3, "3.0"), ("0.1234567890123456", "0.123456789012346"), ("-1e2", "-100.0")]
)
def test_a_precise_amount_is_kept_to_fifteen_decimals(sent: Any, kept: str) -> None:
    body = {"event": {"transaction_id": "t", "code": "c", "precise_total_amount_cents": sent}}
    assert read_single(json.dumps(body).encode(), NOW).precise_total_amount_cents == kept
