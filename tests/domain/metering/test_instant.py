"""What stored events bill on charges paid in advance, and what is kept for those that follow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.kernel.unit_of_work import tenant_work
from domain.metering.carried import CarriedKey, KeptLevel, carried_levels, keep_levels
from domain.metering.charge_questions import UsageWindow
from domain.metering.charges import PlanCharge, charges_of_plans
from domain.metering.instant import InstantAnswer, InstantEvent, InstantRequest, instant_usages, is_eligible
from domain.metering.usage import EventPosition
from domain.pricing.pay_in_advance import pay_in_advance_fee
from tests.metering_world import World, event, statements

START = datetime(2024, 4, 1, tzinfo=UTC)
WINDOW = UsageWindow("sub", START, datetime(2024, 4, 30, 23, 59, 59, 999999, tzinfo=UTC), ZoneInfo("UTC"), 30)
GRADUATED = {
    "graduated_ranges": [
        {"from_value": 0, "to_value": 10, "per_unit_amount": "10", "flat_amount": "2"},
        {"from_value": 11, "to_value": None, "per_unit_amount": "5", "flat_amount": "3"},
    ]
}


async def charge(world: World, aggregation_type: str, model: str, properties: Any, **columns: Any) -> PlanCharge:
    metric = await world.metric("calls", aggregation_type, recurring=columns.pop("recurring", False))
    plan = await world.plan((metric, model, properties))
    with world.owner() as owner:
        for name, value in {"pay_in_advance": True, **columns}.items():
            owner.execute(f"UPDATE charges SET {name} = %s WHERE plan_id = %s", [value, plan.id])
    async with tenant_work(world.tenant) as work:
        (found,) = (await charges_of_plans(work.session, work.organization_id, [plan.id]))[plan.id]
    return found


async def send(world: World, *properties: dict[str, Any]) -> list[InstantEvent]:
    """Stores an event a day, and reads them back as billing does."""
    sent = [
        event(code="calls", timestamp=(START + timedelta(days=day)).timestamp(), properties=each)
        for day, each in enumerate(properties)
    ]
    assert (await world.post("/events/batch", {"events": sent})).status_code == 200
    rows = world.rows(
        "SELECT transaction_id, timestamp, created_at, sequence, properties FROM events"
        " WHERE organization_id = %s ORDER BY sequence",
        world.tenant.organization_id,
    )
    return [InstantEvent(row[0], row[1], row[4], None, EventPosition(*row[1:4])) for row in rows]


async def billed(world: World, sold: PlanCharge, events: list[InstantEvent]) -> Any:
    requests = [InstantRequest(each.transaction_id, sold, WINDOW, each) for each in events]
    async with tenant_work(world.tenant) as work:
        answers = await instant_usages(work, requests, currency="EUR")
    return [answers[each.transaction_id] for each in events]


def cents(answers: list[InstantAnswer]) -> list[int]:
    return [pay_in_advance_fee(each.model, each.usage, "EUR").amount_cents for each in answers]


async def test_a_batch_bills_as_its_events_would_one_by_one_and_again_nothing_else(world: World) -> None:
    sold = await charge(world, "sum_agg", "standard", {"amount": "10"})
    events = await send(world, *({"value": value} for value in (10, -4, 3, 5, 2)))
    together = await billed(world, sold, events)
    assert [each.billed_units for each in together] == [10, 0, 0, 4, 2]
    assert [each.usage.shown_units for each in together] == [10, 0, 3, 4, 2]
    assert cents(together) == [10000, 0, 0, 4000, 2000]
    kept = (
        "SELECT event_transaction_id, current_aggregation, max_aggregation FROM cached_aggregations ORDER BY timestamp"
    )
    states = world.rows(kept)
    assert [(row[1], row[2]) for row in states] == [(10, 10), (6, 10), (9, 10), (14, 14), (16, 16)]
    await billed(world, sold, events[-1:])
    assert world.rows(kept) == states


async def test_events_that_come_one_after_the_other_bill_as_a_batch_does(world: World) -> None:
    sold = await charge(world, "sum_agg", "standard", {"amount": "10"})
    events = await send(world, *({"value": value} for value in (10, -4, 8)))
    alone = [answer for each in events for answer in await billed(world, sold, [each])]
    assert cents(alone) == [10000, 0, 4000]


async def test_each_event_of_a_graduated_count_costs_what_it_adds(world: World) -> None:
    sold = await charge(world, "count_agg", "graduated", GRADUATED)
    answers = await billed(world, sold, await send(world, *({} for _ in range(12))))
    assert cents(answers)[:2] == [1200, 1000]
    assert cents(answers)[9:] == [1000, 800, 500]


async def test_an_item_that_is_active_bills_nothing_and_one_that_comes_is_prorated(world: World) -> None:
    sold = await charge(world, "unique_count_agg", "standard", {"amount": "30"}, recurring=True, prorated=True)
    events = await send(
        world, {"value": "a"}, {"value": "a"}, {"value": "b"}, {"value": "a", "operation_type": "remove"}
    )
    answers = await billed(world, sold, events)
    assert [each.usage.shown_units for each in answers] == [1, 0, 1, 0]
    assert cents(answers) == [3000, 0, 2800, 0]


async def test_groups_have_states_of_their_own(world: World) -> None:
    sold = await charge(world, "sum_agg", "standard", {"amount": "1", "pricing_group_keys": ["cloud"]})
    events = await send(world, {"value": 5, "cloud": "a"}, {"value": 3}, {"value": 2, "cloud": "a"})
    answers = await billed(world, sold, events)
    assert [(each.grouped_by["cloud"], each.usage.including.units) for each in answers] == [
        ("a", 5), (None, 3), ("a", 7),
    ]  # fmt: skip


async def test_any_number_of_events_costs_the_same_statements(world: World) -> None:
    sold = await charge(world, "unique_count_agg", "standard", {"amount": "1"})
    events = await send(world, *({"value": str(n)} for n in range(20)))
    counts = []
    for some in (events[:1], events):
        with statements() as seen:
            await billed(world, sold, some)
        counts.append(len(seen))
    assert counts[0] == counts[1]


async def test_what_a_metric_reads_must_be_there(world: World) -> None:
    sold = await charge(world, "sum_agg", "standard", {"amount": "1"})
    assert [is_eligible(sold, each) for each in ({}, {"value": " "}, {"value": None}, {"value": 0})] == [
        False, False, False, True,
    ]  # fmt: skip


async def test_a_level_is_kept_once_and_found_by_the_windows_after_it(world: World) -> None:
    sold = await charge(world, "sum_agg", "standard", {"amount": "1"})
    level = KeptLevel("sub", sold.id, None, {"cloud": "a"}, START, Decimal("7.5"))

    async def found(at: datetime, *keys: str, charge_id: UUID = sold.id) -> Any:
        key = CarriedKey("sub", charge_id, None, at, keys)
        async with tenant_work(world.tenant) as work:
            return (await carried_levels(work, [key])).get(key)

    for kept in (level, KeptLevel("sub", sold.id, None, {"cloud": "a"}, START, Decimal(9))):
        async with tenant_work(world.tenant) as work:
            await keep_levels(work, [kept])
    assert await found(START + timedelta(days=1), "cloud") == ((("a",), Decimal("7.5")),)
    assert await found(START, "cloud") is None
    assert await found(START + timedelta(days=1), "region") is None
