"""Expressions on the way into the store: computed before an event is stored, and never with an outdated rule."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from domain.catalog.billable_metrics import create_billable_metric, delete_billable_metric, update_billable_metric
from domain.kernel.unit_of_work import tenant_work
from domain.metering import expression_rules
from domain.metering.ingest import Ingestion
from tests.metering_world import Makers, World, event

SUM = "event.properties.a + event.properties.b"


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    """As in a process that has just started."""
    expression_rules._known.clear()
    yield
    expression_rules._known.clear()


async def metric(world: World, expression: str | None, code: str = "gb", **fields: Any) -> None:
    params = {
        "name": code,
        "code": code,
        "aggregation_type": "sum_agg",
        "field_name": "value",
        "expression": expression,
    }
    async with tenant_work(world.tenant) as work:
        await create_billable_metric(work, {**params, **fields})


async def change(world: World, code: str = "gb", **fields: Any) -> None:
    async with tenant_work(world.tenant) as work:
        await update_billable_metric(work, fields, code=code)


def stored(world: World) -> list[tuple[str, dict[str, Any], Any]]:
    return world.rows(
        "SELECT transaction_id, properties, value FROM events WHERE organization_id = %s ORDER BY sequence",
        world.tenant.organization_id,
    )


async def test_the_result_is_stored_and_answered_as_a_text(world: World) -> None:
    await metric(world, SUM)
    body = {"event": event("t", code="gb", properties={"a": "1", "b": "2", "c": [1, {"d": 1.50}]})}
    answer = await world.post("/events", body)
    assert answer.status_code == 200, answer.text
    expected = {"a": "1", "b": "2", "c": [1, {"d": 1.5}], "value": "3.0"}
    assert answer.json()["event"]["properties"] == expected
    assert stored(world) == [("t", expected, 3)]
    assert (await world.get("/events/t")).json()["event"]["properties"] == expected


async def test_numbers_of_other_properties_stay_as_sent(world: World) -> None:
    await metric(world, "event.properties.a * 2")
    content = b'{"event":{"transaction_id":"t","code":"gb","properties":{"a":0.10,"big":12345678901234567890.123}}}'
    answer = await world.post("/events", content=content)
    assert b"12345678901234567890.123" in answer.content
    assert answer.json()["event"]["properties"]["value"] == "0.2"


async def test_a_property_of_that_name_is_replaced_and_may_be_read(world: World) -> None:
    await metric(world, "event.properties.value * 10")
    answer = await world.post("/events", {"event": event(code="gb", properties={"value": 5})})
    assert answer.json()["event"]["properties"] == {"value": "50.0"}


async def test_the_event_time_counts_in_whole_seconds(world: World) -> None:
    await metric(world, "concat(event.code, ' ', event.timestamp)", aggregation_type="unique_count_agg")
    body = {"event": event(code="gb", timestamp="1651240791.987")}
    assert (await world.post("/events", body)).json()["event"]["properties"] == {"value": "gb 1651240791"}


async def test_a_failure_refuses_the_event_with_a_sentence(world: World) -> None:
    await metric(world, SUM)
    answer = await world.post("/events", {"event": event(code="gb", properties={"a": 1})})
    assert answer.status_code == 422
    assert answer.json() == {
        "status": 422,
        "error": "Unprocessable Entity",
        "code": "validation_errors",
        "error_details": "expression_evaluation_failed: Variable: b not found",
    }
    assert stored(world) == []


async def test_in_a_batch_failures_stand_beside_other_errors_by_place(world: World) -> None:
    await metric(world, SUM)
    batch = [
        event(code="gb", properties={"a": 1, "b": 2}),
        event(code="gb", timestamp="then"),
        event(code="gb", properties={"a": "x", "b": 1}),
        event(code="other"),
    ]
    answer = await world.post("/events/batch", {"events": batch})
    assert answer.status_code == 422
    assert answer.json()["error_details"] == {
        "1": {"timestamp": ["invalid_format"]},
        "2": "expression_evaluation_failed: Expected a decimal",
    }
    assert stored(world) == []
    answer = await world.post("/events/batch", {"events": [batch[0], batch[3]]})
    assert [one["properties"] for one in answer.json()["events"]] == [{"a": 1, "b": 2, "value": "3.0"}, {}]


async def test_a_metric_that_reads_no_property_computes_nothing(world: World) -> None:
    await metric(world, SUM, aggregation_type="count_agg")
    answer = await world.post("/events", {"event": event(code="gb")})
    assert (answer.status_code, answer.json()["event"]["properties"]) == (200, {})


async def test_every_change_holds_from_its_commit_on_though_nobody_is_told(world: World) -> None:
    async def value(single: bool) -> Any:
        one = event(code="gb", properties={"a": 2, "b": 3})
        if single:
            return (await world.post("/events", {"event": one})).json()["event"]["properties"].get("value")
        answer = await world.post("/events/batch", {"events": [one, event(code="other")]})
        return answer.json()["events"][0]["properties"].get("value")

    for single in (True, False):
        assert await value(single) is None  # from here on the process knows that there are no rules
        await metric(world, SUM)
        assert await value(single) == "5.0"
        await change(world, expression="event.properties.a")
        assert await value(single) == "2.0"
        await change(world, field_name="total")
        assert await value(single) is None
        await change(world, field_name="value", expression=None)
        assert await value(single) is None
        await change(world, expression="event.properties.b")
        assert await value(single) == "3.0"
        async with tenant_work(world.tenant) as work:
            await delete_billable_metric(work, code="gb")
        assert await value(single) is None


async def test_a_refusal_never_comes_of_an_outdated_rule(world: World) -> None:
    await metric(world, "event.properties.gone")
    refused = await world.post("/events", {"event": event(code="gb")})
    assert refused.status_code == 422
    await change(world, expression="1 + 1")
    answer = await world.post("/events", {"event": event(code="gb")})
    assert (answer.status_code, answer.json()["event"]["properties"]) == (200, {"value": "2.0"})
    await change(world, expression="event.properties.gone")
    batch = await world.post("/events/batch", {"events": [event(code="other"), event(code="gb")]})
    assert batch.json()["error_details"] == {"1": "expression_evaluation_failed: Variable: gone not found"}
    single = await world.post("/events", {"event": event(code="gb")})
    assert single.json()["error_details"] == "expression_evaluation_failed: Variable: gone not found"


async def test_duplicates_are_named_beside_computed_events(world: World) -> None:
    await metric(world, SUM)
    first = event("one", code="gb", properties={"a": 1, "b": 2})
    assert (await world.post("/events", {"event": first})).status_code == 200
    again = await world.post("/events", {"event": first})
    assert again.json()["error_details"] == {"transaction_id": ["value_already_exist"]}
    batch = await world.post("/events/batch", {"events": [{**first, "transaction_id": "two"}, first]})
    assert batch.json()["error_details"] == {"1": {"transaction_id": ["value_already_exist"]}}
    assert [row[0] for row in stored(world)] == ["one"]


async def test_a_rule_is_its_organizations_alone(world: World, makers: Makers) -> None:
    other = await makers.organization()
    await metric(world, SUM)
    properties = {"a": 1, "b": 2}
    answers = await asyncio.gather(
        world.post("/events", {"event": event(code="gb", properties=properties)}),
        other.post("/events", {"event": event(code="gb", properties=properties)}),
    )
    assert [answer.json()["event"]["properties"] for answer in answers] == [{**properties, "value": "3.0"}, properties]


async def test_rules_that_change_under_load_leave_each_event_with_one_of_them(world: World) -> None:
    await metric(world, "1")

    async def send(number: int) -> None:
        body = {"event": event(f"t{number}", code="gb")}
        assert (await world.post("/events", body)).status_code == 200

    async def edit() -> None:
        for number in range(2, 8):
            await change(world, expression=str(number))
            await asyncio.sleep(0.02)

    await asyncio.gather(edit(), *(send(number) for number in range(150)))
    await send(1_000)
    rows = stored(world)
    assert len(rows) == 151
    assert all(row[1] == {"value": str(row[2])} and 1 <= row[2] <= 7 for row in rows)
    assert rows[-1][1] == {"value": "7.0"}


async def test_known_rules_cost_no_statement(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await metric(world, SUM)
    body = {"event": event(code="gb", properties={"a": 1, "b": 2})}
    await world.post("/events", body)
    flushes: list[int] = []
    flush = Ingestion._flush

    async def counted(self: Ingestion, batch: list[Any]) -> Any:
        flushes.append(len(batch))
        return await flush(self, batch)

    async def refused(*_: object, **__: object) -> Any:
        raise AssertionError("the rules are known and have not changed")

    monkeypatch.setattr(Ingestion, "_flush", counted)
    monkeypatch.setattr("domain.metering.expression_rules.door_work", refused)
    monkeypatch.setattr("domain.metering.ingest.read_rules", refused)
    answer = await world.post("/events", {"event": event(code="gb", properties={"a": 1, "b": 2})})
    assert json.loads(answer.content)["event"]["properties"]["value"] == "3.0"
    assert flushes == [1]
