"""Estimates over HTTP: what an event would cost, that nothing is stored, and bad input."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.metering_world import Makers, World

NOW = datetime(2024, 3, 10, 12, tzinfo=UTC)
FREE = {"rate": "5", "fixed_amount": "1", "free_units_per_total_aggregation": "120"}


@pytest.fixture
async def sandbox(makers: Makers) -> World:
    world = await makers.organization(frozen_at=NOW)
    size = await world.metric("size", "sum_agg", rounding_function="ceil")
    await world.metric("lonely")
    plan = await world.plan((size, "percentage", FREE), (size, "standard", {"amount": "2"}))
    with world.owner() as owner:
        owner.execute("UPDATE charges SET pay_in_advance = true WHERE plan_id = %s", [plan.id])
    await world.subscription(plan)
    return world


async def estimate(world: World, path: str = "estimate_fees", **fields: Any) -> tuple[int, Any]:
    sent = {"code": "size", "external_subscription_id": "sub", "properties": {"value": 100}} | fields
    answer = await world.post(f"/events/{path}", {"event": sent})
    return answer.status_code, answer.json()


async def test_an_estimate_prices_the_event_on_top_of_those_stored_and_stores_nothing(sandbox: World) -> None:
    for _ in range(2):
        status, body = await estimate(sandbox)
        assert status == 200, body
        assert [(fee["units"], fee["amount_cents"]) for fee in body["fees"]] == [("100.0", 0), ("100.0", 20000)]
    stored = {"transaction_id": "t", "code": "size", "external_subscription_id": "sub", "properties": {"value": 110}}
    assert (await sandbox.post("/events", {"event": stored})).status_code == 200
    _, body = await estimate(sandbox, properties={"value": 20})
    assert [fee["amount_cents"] for fee in body["fees"]] == [150, 4000]
    fee = body["fees"][0]
    assert (fee["lago_id"], fee["pay_in_advance"], fee["events_count"]) == (None, True, 1)
    organization = sandbox.tenant.organization_id
    assert sandbox.rows("SELECT count(*) FROM cached_aggregations WHERE organization_id = %s", organization) == [(0,)]
    assert sandbox.rows("SELECT count(*) FROM fees WHERE organization_id = %s", organization) == [(0,)]
    assert sandbox.rows("SELECT count(*) FROM events WHERE organization_id = %s", organization) == [(1,)]


@pytest.mark.parametrize(
    ("fields", "status", "found"),
    [
        ({"external_subscription_id": "nobody"}, 404, "subscription_not_found"),
        ({"external_subscription_id": None}, 404, "subscription_not_found"),
        ({"external_subscription_id": {"a": 1}}, 404, "subscription_not_found"),
        ({"timestamp": "2024-01-01"}, 422, {"timestamp": ["invalid_format"]}),
        ({"timestamp": True}, 422, {"timestamp": ["invalid_format"]}),
        ({"timestamp": 10**29}, 422, {"timestamp": ["value_is_out_of_range"]}),
        ({"code": "unknown"}, 404, "billable_metric_not_found"),
        ({"code": None}, 404, "billable_metric_not_found"),
        ({"properties": {"value": "much"}}, 422, {"properties": ["value_is_not_valid_number"]}),
        ({"properties": [1]}, 422, {"properties": ["value_is_invalid"]}),
        ({"code": "lonely"}, 422, {"code": ["does_not_match_an_instant_charge"]}),
        ({"precise_total_amount_cents": "x"}, 422, {"precise_total_amount_cents": ["value_is_invalid"]}),
    ],
)
async def test_what_cannot_be_estimated_is_named(
    sandbox: World, fields: dict[str, Any], status: int, found: Any
) -> None:
    code, body = await estimate(sandbox, **fields)
    assert (code, body.get("error_details", body["code"])) == (status, found)


async def test_the_metric_is_looked_at_before_the_charge_and_the_expression_last(sandbox: World) -> None:
    await sandbox.metric("alone", "sum_agg")
    found = await estimate(sandbox, code="alone", properties={"value": "much"})
    assert (found[0], found[1]["error_details"]) == (422, {"properties": ["value_is_not_valid_number"]})
    await sandbox.metric("doubled", "sum_agg", expression="event.properties.a * 2")
    found = await estimate(sandbox, code="doubled", properties={})
    assert (found[0], found[1]["error_details"]) == (422, {"code": ["does_not_match_an_instant_charge"]})


async def test_an_estimated_event_happens_now_whatever_its_timestamp(makers: Makers) -> None:
    world = await makers.organization(frozen_at=datetime(2024, 6, 21, tzinfo=UTC))
    seats = await world.metric("size", "sum_agg", recurring=True)
    plan = await world.plan((seats, "standard", {"amount": "30"}))
    with world.owner() as owner:
        owner.execute("UPDATE charges SET pay_in_advance = true, prorated = true WHERE plan_id = %s", [plan.id])
    await world.subscription(plan, started_at=datetime(2024, 6, 1, tzinfo=UTC))
    status, body = await estimate(world, timestamp=1718064000, properties={"value": 1})
    assert status == 200, body
    # 10 of 30 days are left on the 21st; they were 20 on the 11th.
    assert [(fee["units"], fee["amount_cents"]) for fee in body["fees"]] == [("1.0", 1000)]


async def test_a_missing_number_counts_as_none(sandbox: World) -> None:
    status, body = await estimate(sandbox, properties={"value": None})
    assert status == 200, body
    assert [fee["amount_cents"] for fee in body["fees"]] == [0, 0]


async def test_an_instant_estimate_knows_no_history_and_rounds_as_the_metric_says(sandbox: World) -> None:
    status, body = await estimate(sandbox, "estimate_instant_fees", transaction_id="t", properties={"value": "9.2"})
    assert status == 200, body
    shown = [(fee["units"], fee["amount_cents"], fee["event_transaction_id"]) for fee in body["fees"]]
    assert shown == [("10.0", "150.0", "t"), ("10.0", "2000.0", "t")]
    _, body = await estimate(sandbox, "estimate_instant_fees", properties={"value": "-5"})
    assert [fee["units"] for fee in body["fees"]] == ["0.0", "0.0"]


@pytest.mark.parametrize(
    ("body", "status", "details"),
    [
        ({"events": []}, 422, {"events": ["no_events"]}),
        ({}, 422, {"events": ["no_events"]}),
        ({"events": [{}] * 101}, 422, {"events": ["too_many_events"]}),
        ({"events": [1, {"code": "size"}]}, 422, {"0": {"event": ["value_is_invalid"]}}),
    ],
)
async def test_a_batch_of_estimates_has_limits(sandbox: World, body: dict[str, Any], status: int, details: Any) -> None:
    answer = await sandbox.post("/events/batch_estimate_instant_fees", body)
    assert (answer.status_code, answer.json()["error_details"]) == (status, details)


async def test_another_organizations_subscription_is_unknown(sandbox: World, makers: Makers) -> None:
    other = await makers.organization(frozen_at=NOW)
    status, body = await estimate(other)
    assert (status, body["code"]) == (404, "subscription_not_found")
