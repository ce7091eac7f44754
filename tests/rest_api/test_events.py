"""Sending and reading events over HTTP, on a real database."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from domain.kernel import clock
from infrastructure.settings import settings
from rest_api.events_shortcut import EventsShortcut
from tests.metering_world import Makers, World, event, makers, world

__all__ = ["makers", "world"]


def details(answer: Any) -> Any:
    assert answer.status_code == 422, answer.text
    body = answer.json()
    assert body["code"] == "validation_errors"
    return body["error_details"]


async def test_an_event_is_answered_as_it_was_stored(world: World) -> None:
    sent = event(
        "tx-1", timestamp="1651240791.123456789", properties={"b": 1.10, "a": "ü", "n": None, "deep": {"x": [1]}}
    )
    answer = await world.post("/events", {"event": sent})
    assert answer.status_code == 200
    stored = answer.json()["event"]
    assert stored["timestamp"] == "2022-04-29T13:59:51.123Z"
    assert stored["lago_customer_id"] is None
    assert stored["lago_subscription_id"] is None
    assert stored["precise_total_amount_cents"] is None
    again = (await world.get("/events/tx-1")).json()["event"]
    assert again == stored
    ((microseconds, metadata),) = world.rows(
        "SELECT extract(microseconds FROM timestamp), event_metadata FROM events WHERE transaction_id = 'tx-1'"
    )
    assert int(microseconds) == 51_123_456
    assert set(metadata) == {"user_agent", "ip_address"}


async def test_properties_keep_every_digit_they_were_sent_with(world: World) -> None:
    properties = b'{"p":1.10,"q":12345678901234567890.123456789,"s":"1.10"}'
    content = b'{"event":{"transaction_id":"d","code":"c","properties":' + properties + b"}}"
    answer = await world.post("/events", content=content)
    assert answer.status_code == 200
    assert properties in answer.content
    read = await world.get("/events/d")
    assert b'"p":1.10' in read.content
    assert b'"q":12345678901234567890.123456789' in read.content


async def test_without_a_timestamp_the_event_happens_now(world: World) -> None:
    before = clock.wall()
    answer = await world.post("/events", {"event": event("now")})
    instant = datetime.fromisoformat(answer.json()["event"]["timestamp"])
    assert before.replace(microsecond=0) <= instant <= clock.wall()


async def test_in_a_sandbox_now_is_where_its_clock_stands(makers: Makers) -> None:
    sandbox = await makers.organization(frozen_at=datetime(2031, 5, 6, 7, 8, 9, 123456, tzinfo=UTC))
    stored = (await sandbox.post("/events", {"event": event()})).json()["event"]
    assert stored["timestamp"] == "2031-05-06T07:08:09.123Z"
    assert stored["created_at"] == "2031-05-06T07:08:09Z"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"transaction_id": None}, {"transaction_id": ["value_is_mandatory"]}),
        ({"transaction_id": " "}, {"transaction_id": ["value_is_mandatory"]}),
        ({"transaction_id": "x" * 256}, {"transaction_id": ["value_is_too_long"]}),
        ({"transaction_id": ["x"]}, {"transaction_id": ["value_is_invalid"]}),
        ({"transaction_id": "a\x00b"}, {"transaction_id": ["value_is_invalid"]}),
        ({"code": ""}, {"code": ["value_is_mandatory"]}),
        ({"code": True}, {"code": ["value_is_invalid"]}),
        ({"external_subscription_id": {}}, {"external_subscription_id": ["value_is_invalid"]}),
        ({"external_subscription_id": "s" * 256}, {"external_subscription_id": ["value_is_too_long"]}),
        ({"timestamp": "2024-01-01T00:00:00Z"}, {"timestamp": ["invalid_format"]}),
        ({"timestamp": ""}, {"timestamp": ["invalid_format"]}),
        ({"timestamp": True}, {"timestamp": ["invalid_format"]}),
        ({"timestamp": "NaN"}, {"timestamp": ["invalid_format"]}),
        ({"timestamp": "1_000"}, {"timestamp": ["invalid_format"]}),
        ({"timestamp": 253402300800}, {"timestamp": ["value_is_out_of_range"]}),
        ({"timestamp": "1e300"}, {"timestamp": ["value_is_out_of_range"]}),
        ({"timestamp": -62135596801}, {"timestamp": ["value_is_out_of_range"]}),
        ({"properties": []}, {"properties": ["value_is_invalid"]}),
        ({"properties": "x"}, {"properties": ["value_is_invalid"]}),
        ({"properties": {"a": "\x00"}}, {"properties": ["value_is_invalid"]}),
        ({"properties": {"\x00": 1}}, {"properties": ["value_is_invalid"]}),
        ({"properties": {"a": 10**2000}}, {"properties": ["value_is_invalid"]}),
        ({"precise_total_amount_cents": "abc"}, {"precise_total_amount_cents": ["value_is_invalid"]}),
        ({"precise_total_amount_cents": "1e25"}, {"precise_total_amount_cents": ["value_is_out_of_range"]}),
        ({"code": None, "timestamp": "x"}, {"code": ["value_is_mandatory"], "timestamp": ["invalid_format"]}),
    ],
)
async def test_a_wrong_field_is_named(world: World, fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert details(await world.post("/events", {"event": event() | fields})) == expected
    assert details(await world.post("/events/batch", {"events": [event(), event() | fields]})) == {"1": expected}
    assert world.rows("SELECT count(*) FROM events WHERE organization_id = %s", world.tenant.organization_id) == [(0,)]


@pytest.mark.parametrize(
    ("timestamp", "shown"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (-0.5, "1969-12-31T23:59:59.500Z"),
        ("1651240791.9999999", "2022-04-29T13:59:51.999Z"),
        ("1.65124e9", "2022-04-29T13:46:40.000Z"),
        ("253402300799.999999", "9999-12-31T23:59:59.999Z"),
        (-62135596800, "0001-01-01T00:00:00.000Z"),
    ],
)
async def test_a_timestamp_is_read_exactly(world: World, timestamp: Any, shown: str) -> None:
    answer = await world.post("/events", {"event": event(timestamp=timestamp)})
    assert answer.status_code == 200, answer.text
    assert answer.json()["event"]["timestamp"] == shown
    stored = (await world.get("/events")).json()["events"][0]
    assert stored["timestamp"] == shown


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'{"event":null}', 400),
        (b'{"event":{}}', 400),
        (b'{"event":[1]}', 400),
        (b'{"event":{"transaction_id":"a","code":"b","properties":{"x":"\xff"}}}', 400),
        (b'{"event":{"transaction_id":"a","code":"b","properties":{"x":"\\ud800"}}}', 400),
        (b'{"event":{"transaction_id":"a","code":"b","properties":{"x":1e-999999}}}', 422),
        (b'{"event":{"transaction_id":"a","code":"b","properties":{"x":1e999999}}}', 422),
        (b'{"event":{"transaction_id":"a","code":"b","properties":' + b'{"a":' * 40 + b"1" + b"}" * 40 + b"}}", 422),
        (
            b'{"event":{"transaction_id":"a","code":"b","properties":' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}}",
            400,
        ),
    ],
)
async def test_a_body_that_cannot_be_an_event_is_refused(world: World, content: bytes, status: int) -> None:
    assert (await world.post("/events", content=content)).status_code == status


async def test_batches_have_limits(world: World) -> None:
    bodies: list[dict[str, Any]] = [{}, {"events": None}, {"events": []}, {"events": {}}]
    for body in bodies:
        assert details(await world.post("/events/batch", body)) == {"events": ["no_events"]}
    too_many = {"events": [event() for _ in range(101)]}
    assert details(await world.post("/events/batch", too_many)) == {"events": ["too_many_events"]}
    assert (await world.post("/events/batch", {"events": too_many["events"][:100]})).status_code == 200


async def test_a_batch_is_answered_in_the_order_it_was_sent(world: World) -> None:
    ids = [f"order-{n}" for n in (3, 1, 2, 5, 4)]
    answer = await world.post("/events/batch", {"events": [event(name, timestamp=1000) for name in ids]})
    assert [each["transaction_id"] for each in answer.json()["events"]] == ids
    stored = world.rows("SELECT transaction_id FROM events WHERE transaction_id LIKE 'order-%%' ORDER BY sequence")
    assert [row[0] for row in stored] == ids


async def test_a_batch_with_a_bad_item_stores_nothing(world: World) -> None:
    batch = [event("g0"), event("g1", timestamp="soon"), event("g2"), 5, event("g0")]
    assert details(await world.post("/events/batch", {"events": batch})) == {
        "1": {"timestamp": ["invalid_format"]},
        "3": {"event": ["value_is_invalid"]},
    }
    assert (await world.get("/events/g0")).status_code == 404


async def test_a_stored_transaction_id_is_refused(world: World) -> None:
    taken = {"transaction_id": ["value_already_exist"]}
    assert (await world.post("/events", {"event": event("once")})).status_code == 200
    assert details(await world.post("/events", {"event": event("once", code="other", timestamp=1)})) == taken
    batch = {"events": [event("new-1"), event("once"), event("new-2")]}
    assert details(await world.post("/events/batch", batch)) == {"1": taken}
    assert (await world.get("/events/new-1")).status_code == 404
    # On another subscription, and without any, it is another event.
    assert (await world.post("/events", {"event": event("once", external_subscription_id="sub2")})).status_code == 200
    for _ in range(2):
        assert (await world.post("/events", {"event": event("none", external_subscription_id=None)})).status_code == 200


async def test_a_repeat_inside_a_batch_is_reported_on_the_later_one(world: World) -> None:
    taken = {"transaction_id": ["value_already_exist"]}
    batch = [event("r"), event("s"), event("r"), event("s", external_subscription_id="other")]
    assert details(await world.post("/events/batch", {"events": batch})) == {"2": taken, "3": taken}
    assert (await world.get("/events/r")).status_code == 404


async def test_a_soft_deleted_event_still_holds_its_transaction_id(world: World) -> None:
    await world.post("/events", {"event": event("gone")})
    with world.owner() as owner:
        owner.execute("UPDATE events SET deleted_at = created_at WHERE transaction_id = 'gone'")
    assert (await world.get("/events/gone")).status_code == 404
    assert (await world.post("/events", {"event": event("gone")})).status_code == 422


async def test_of_simultaneous_duplicates_exactly_one_is_stored(world: World) -> None:
    answers = await asyncio.gather(*(world.post("/events", {"event": event("race")}) for _ in range(40)))
    assert sorted(answer.status_code for answer in answers) == [200] + [422] * 39
    assert world.rows("SELECT count(*) FROM events WHERE transaction_id = 'race'") == [(1,)]


async def test_simultaneous_batches_that_overlap_are_each_stored_whole_or_not_at_all(world: World) -> None:
    batches = [[f"o-{(start + n) % 60}" for n in range(20)] for start in range(0, 60, 5)]
    answers = await asyncio.gather(
        *(world.post("/events/batch", {"events": [event(name) for name in batch]}) for batch in batches)
    )
    stored: list[str] = []
    for answer, batch in zip(answers, batches, strict=True):
        assert answer.status_code in (200, 422)
        if answer.status_code == 200:
            stored += batch
    rows = world.rows("SELECT transaction_id FROM events WHERE transaction_id LIKE 'o-%%'")
    assert stored
    assert sorted(row[0] for row in rows) == sorted(stored)


async def test_one_poisoned_request_does_not_fail_its_neighbours(
    world: World, makers: Makers, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the door lets pass although PostgreSQL refuses it: here the door is left open on purpose.
    from domain.metering import incoming

    monkeypatch.setattr(incoming, "storable", lambda text: True)
    bodies = [event("poison\x00") if n == 7 else event(f"neighbour-{n}") for n in range(20)]
    answers = await asyncio.gather(*(world.post("/events", {"event": body}) for body in bodies))
    assert [answer.status_code for answer in answers] == [422 if n == 7 else 200 for n in range(20)]


async def test_an_unknown_key_is_refused_before_the_body_is_read(world: World) -> None:
    headers: list[dict[str, str]] = [{}]
    headers += [{"authorization": value} for value in ("Bearer", "Bearer nope", f"Basic {world.key}")]
    for header in headers:
        answer = await world.client.post("/api/v1/events", headers=header, content=b"{")
        assert answer.status_code == 401
        assert answer.json() == {"status": 401, "error": "Unauthorized"}


async def test_organizations_do_not_see_each_others_events(world: World, makers: Makers) -> None:
    other = await makers.organization()
    assert (await world.post("/events", {"event": event("mine", code="secret")})).status_code == 200
    assert (await other.get("/events/mine")).status_code == 404
    assert (await other.get("/events")).json()["meta"]["total_count"] == 0
    # The same transaction id is free for the other.
    assert (await other.post("/events", {"event": event("mine")})).status_code == 200
    assert (await other.get("/events/mine")).json()["event"]["code"] == "calls"


async def test_events_of_several_organizations_share_a_flush_and_keep_their_own(world: World, makers: Makers) -> None:
    worlds = [world] + [await makers.organization() for _ in range(3)]
    await asyncio.gather(*(each.post("/events", {"event": event(f"m-{n}")}) for n in range(10) for each in worlds))
    for each in worlds:
        assert (await each.get("/events")).json()["meta"]["total_count"] == 10


async def test_the_number_that_a_metric_reads_is_stored_beside_the_properties(world: World) -> None:
    await world.metric("gb", "sum_agg", field_name="size")
    await world.metric("users", "unique_count_agg", field_name="size")
    samples: dict[Any, float | None] = {"1.50": 1.5, 3: 3, -2.25: -2.25}
    samples |= dict.fromkeys(("+3", "1e5", ".5", " 5", "5\n", "\u0663", ""))
    batch = [event(f"v-{n}", code="gb", properties={"size": value}) for n, value in enumerate(samples)]
    batch += [
        event("v-true", code="gb", properties={"size": True}),
        event("v-null", code="gb", properties={"size": None}),
        event("v-none", code="gb"),
        event("v-long", code="gb", properties={"size": "9" * 101}),
        event("v-users", code="users", properties={"size": 1}),
        event("v-unknown", code="unknown", properties={"size": 1}),
    ]
    assert (await world.post("/events/batch", {"events": batch})).status_code == 200
    rows = dict(world.rows("SELECT transaction_id, value FROM events WHERE transaction_id LIKE 'v-%%'"))
    assert [rows[f"v-{n}"] for n in range(len(samples))] == list(samples.values())
    assert {rows[name] for name in ("v-true", "v-null", "v-none", "v-long", "v-users", "v-unknown")} == {None}


async def test_one_job_follows_a_flush_for_each_organization(world: World, makers: Makers) -> None:
    batch = [event(code=code, external_subscription_id=sub) for code in "ab" for sub in ("s1", "s2", None)]
    assert (await world.post("/events/batch", {"events": batch})).status_code == 200
    ((job_id, actor, queue, arguments),) = world.rows(
        "SELECT id, actor, queue, arguments FROM jobs WHERE organization_id = %s", world.tenant.organization_id
    )
    assert (actor, queue) == ("metering.post_process", "default")
    stored = world.rows(
        "SELECT min(id::text), max(id::text) FROM events WHERE organization_id = %s"
        " AND external_subscription_id IS NOT NULL",
        world.tenant.organization_id,
    )
    assert arguments == {"subscriptions": ["s1", "s2"], "codes": ["a", "b"], "ids": list(stored[0])}
    await asyncio.sleep(0)
    assert job_id in {row["id"] for row in makers.sent.rows}


async def test_a_refused_request_leaves_no_job(world: World) -> None:
    batch = {"events": [event("same"), event("same")]}
    assert (await world.post("/events/batch", batch)).status_code == 422
    rows = world.rows("SELECT count(*) FROM jobs WHERE organization_id = %s", world.tenant.organization_id)
    assert rows == [(0,)]


async def test_lists_are_filtered_and_ordered(world: World) -> None:
    events = [
        event("b", timestamp=1000), event("a", timestamp=1000), event("c", timestamp=2000.5),
        event("d", timestamp=3000, code="other"), event("e", timestamp=3000, external_subscription_id="sub2"),
    ]  # fmt: skip
    await world.post("/events/batch", {"events": events})

    async def listed(**params: Any) -> list[str]:
        body = (await world.get("/events", **params)).json()
        return [each["transaction_id"] for each in body["events"]]

    assert await listed() == ["d", "e", "c", "a", "b"]
    assert await listed(code="calls") == ["e", "c", "a", "b"]
    assert await listed(external_subscription_id="sub", code="calls") == ["c", "a", "b"]
    assert await listed(timestamp_from="1970-01-01T00:33:20.5Z") == ["d", "e", "c"]
    assert await listed(timestamp_to="1970-01-01T00:16:40Z") == ["a", "b"]
    assert await listed(page=2, per_page=2) == ["c", "a"]
    meta = (await world.get("/events", per_page=2)).json()["meta"]
    assert meta == {"current_page": 1, "next_page": 2, "prev_page": None, "total_pages": 3, "total_count": 5}


async def test_a_list_may_begin_with_the_start_of_the_newest_subscription(world: World) -> None:
    plan = await world.plan()
    await world.subscription(plan, "sub", started_at=datetime(2024, 1, 1, tzinfo=UTC), status="terminated")
    await world.subscription(plan, "sub", started_at=datetime(2024, 2, 1, tzinfo=UTC))
    old, new = 1704067200, 1706745600
    await world.post("/events/batch", {"events": [event("old", timestamp=old), event("new", timestamp=new)]})
    answer = await world.get("/events", external_subscription_id="sub", timestamp_from_started_at="true")
    assert [each["transaction_id"] for each in answer.json()["events"]] == ["new"]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"timestamp_from": "soon"}, {"timestamp_from": ["invalid_date"]}),
        ({"timestamp_to": "99"}, {"timestamp_to": ["invalid_date"]}),
        (
            {"timestamp_from_started_at": "true"},
            {"external_subscription_id": ["required with timestamp_from_started_at"]},
        ),
        (
            {"timestamp_from_started_at": "true", "timestamp_from": "2024-01-01", "external_subscription_id": "s"},
            {"timestamp_from": ["cannot be used with timestamp_from_started_at"]},
        ),
    ],
)
async def test_a_wrong_filter_is_named(world: World, params: dict[str, str], expected: dict[str, Any]) -> None:
    assert details(await world.get("/events", **params)) == expected


async def test_an_event_is_found_under_any_transaction_id(world: World) -> None:
    for transaction_id in ("a/b c.d", "batch", "ü%41"):
        assert (await world.post("/events", {"event": event(transaction_id)})).status_code == 200
    from urllib.parse import quote

    for transaction_id in ("a/b c.d", "batch", "ü%41"):
        found = await world.get(f"/events/{quote(transaction_id, safe='')}")
        assert found.json()["event"]["transaction_id"] == transaction_id
    assert (await world.get("/events/nothing")).json()["code"] == "event_not_found"


async def test_the_short_way_answers_as_the_long_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "max_body_bytes", 2000)
    short = EventsShortcut(world.app)
    headers = {"authorization": f"Bearer {world.key}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(short), base_url="http://tarn.test") as client:
        for path, body in (("/events", {"event": event("short")}), ("/events/batch", {"events": [event("short-2")]})):
            answer = await client.post(f"/api/v1{path}", json=body, headers=headers)
            assert answer.status_code == 200
            again = await client.post(f"/api/v1{path}", json=body, headers=headers)
            long = await client.post(f"/api/v1{path}", json=body, headers=headers | {"origin": "http://localhost"})
            assert (again.status_code, again.json()) == (long.status_code, long.json())
        assert (await client.post("/api/v1/events", json={"event": event()})).status_code == 401
        large = await client.post("/api/v1/events", content=b" " * 2001, headers=headers)
        assert (large.status_code, large.json()["code"]) == (413, "request_body_too_large")
        assert (await client.get("/api/v1/events/short", headers=headers)).status_code == 200
