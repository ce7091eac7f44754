"""The worked examples of the handbook (metering 8 to 10), measured in PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from domain.kernel.unit_of_work import tenant_work
from domain.metering.matching import condition_of
from domain.metering.usage import EventPosition, Proration, UsageQuestion, Weighting, measure_groups
from tests.domain.metering.test_event_store import store_all, used
from tests.metering_world import World

UTC_ZONE = ZoneInfo("UTC")


def question(aggregation_type: str, first: str, last: str, **fields: Any) -> UsageQuestion:
    start = datetime.fromisoformat(first).replace(tzinfo=UTC)
    end = datetime.fromisoformat(last + "T23:59:59.999999").replace(tzinfo=UTC)
    return UsageQuestion(
        key="it", external_subscription_id="sub", code="calls", aggregation_type=aggregation_type,
        field_name="value", from_=start, to=end, **fields,
    )  # fmt: skip


async def groups(world: World, events: Any, asked: UsageQuestion) -> Any:
    await store_all(world, events)
    async with tenant_work(world.tenant) as work:
        return (await measure_groups(work, [asked]))["it"]


async def one(world: World, events: Any, asked: UsageQuestion) -> Any:
    (usage,) = await groups(world, events, asked)
    return usage


async def test_a_weighted_sum_is_the_average_level_of_the_period(world: World) -> None:
    asked = question("weighted_sum_agg", "2024-06-01", "2024-06-30", weighting=Weighting(30))
    usage = await one(world, [used("2024-06-01", 10), used("2024-06-16", -4)], asked)
    assert (usage.units, usage.events_count, usage.total_aggregated_units) == (8, 2, 6)


async def test_a_weighted_sum_is_rounded_up_at_twenty_decimals(world: World) -> None:
    changes = [("00:00", 2), ("01:00", 3), ("01:30", 1), ("02:00", -4), ("04:00", -2), ("05:00", 10), ("05:30", -10)]
    events = [used(f"2023-08-01T{at}", value) for at, value in changes]
    asked = question("weighted_sum_agg", "2023-08-01", "2023-08-31", weighting=Weighting(31))
    usage = await one(world, events, asked)
    assert (usage.units, usage.events_count) == (Decimal("0.02217741935483870968"), 7)


async def test_a_weighted_sum_starts_from_what_each_group_carried(world: World) -> None:
    weighting = Weighting(30, ((("eu",), Decimal(6)), ((None,), Decimal(3))))
    asked = question(
        "weighted_sum_agg", "2024-06-01", "2024-06-30", weighting=weighting, recurring=True, group_by=("region",)
    )
    found = await groups(world, [used("2024-06-16", 2, region="eu"), used("2024-06-16", 4, region="us")], asked)
    assert [(usage.grouped_by["region"], usage.units, usage.total_aggregated_units) for usage in found] == [
        (None, 3, 3), ("eu", 7, 8), ("us", 2, 4),
    ]  # fmt: skip


async def test_the_level_that_a_weighted_sum_carries_on_is_not_rounded(world: World) -> None:
    asked = question(
        "weighted_sum_agg", "2024-06-01", "2024-06-30", weighting=Weighting(30, (((), Decimal("1.5")),)),
        recurring=True, rounding_function="ceil", rounding_precision=0,
    )  # fmt: skip
    usage = await one(world, [used("2024-06-16", "1.25")], asked)
    assert (usage.units, usage.total_aggregated_units) == (3, Decimal("2.75"))


async def test_a_prorated_sum_weighs_what_was_carried_and_what_came(world: World) -> None:
    events = [used("2024-04-10", 5), used("2024-05-26", 12), used("2024-05-26T10:00:00", 12)]
    asked = question(
        "sum_agg", "2024-05-01", "2024-05-31", recurring=True, proration=Proration(UTC_ZONE, 31), with_values=True
    )
    usage = await one(world, events, asked)
    assert (usage.units, usage.full_units) == (Decimal("9.64517"), 29)
    assert usage.values == (5, 12, 12)
    assert [value.quantize(Decimal("0.00001")) for value in usage.prorated_values] == [
        5, Decimal("2.32258"), Decimal("2.32258"),
    ]  # fmt: skip


async def test_an_upgrade_counts_one_day_less_of_what_was_carried(world: World) -> None:
    asked = question(
        "sum_agg", "2024-05-01", "2024-05-10", recurring=True, proration=Proration(UTC_ZONE, 31, upgraded=True)
    )
    usage = await one(world, [used("2024-04-10", 31)], asked)
    assert usage.units == 9


async def test_a_prorated_unique_count_weighs_the_days_each_item_was_there(world: World) -> None:
    events = [
        used("2024-04-01", "A"), used("2024-04-10T12:00:00", "A", operation_type="remove"), used("2024-04-16", "B"),
    ]  # fmt: skip
    asked = question("unique_count_agg", "2024-04-01", "2024-04-30", recurring=True)
    prorated = replace(asked, proration=Proration(UTC_ZONE, 30))
    usage = await one(world, events, prorated)
    assert (usage.units, usage.full_units) == (Decimal("0.83334"), 1)
    assert (await one(world, events, asked)).units == 1


async def test_a_removal_taken_back_on_the_same_local_day_is_no_removal(world: World) -> None:
    events = [
        used("2024-04-01", "A"), used("2024-04-10T16:00:00", "A", operation_type="remove"), used("2024-04-11", "A"),
    ]  # fmt: skip
    asked = question("unique_count_agg", "2024-04-01", "2024-04-30", recurring=True)
    tokyo = replace(asked, proration=Proration(ZoneInfo("Asia/Tokyo"), 30))
    utc = replace(asked, proration=Proration(UTC_ZONE, 30))
    # In Tokyo the removal and its return are of the 11th; the period there ends on the 1st of May.
    assert (await one(world, events, tokyo)).units == Decimal(31) / 30 // Decimal("0.00001") * Decimal(
        "0.00001"
    ) + Decimal("0.00001")
    assert (await one(world, events, utc)).units == 1


async def test_without_an_event_there_is_one_group_of_missing_values(world: World) -> None:
    asked = question("sum_agg", "2024-05-01", "2024-05-31", group_by=("region", "tier"))
    (usage,) = await groups(world, [], asked)
    assert (usage.grouped_by, usage.units, usage.events_count) == ({"region": None, "tier": None}, 0, 0)


async def test_events_after_the_billed_one_do_not_count(world: World) -> None:
    at = datetime(2024, 5, 3, tzinfo=UTC)
    created = datetime(2024, 4, 30, tzinfo=UTC)
    events = [used("2024-05-02", 1), used("2024-05-03", 2, created_at=created), used("2024-05-04", 4)]
    asked = question("sum_agg", "2024-05-01", "2024-05-31", before=EventPosition(at, created, 0))
    assert (await one(world, events, asked)).units == 1


async def test_events_carry_precise_amounts_in_their_groups(world: World) -> None:
    await store_all(world, [used("2024-05-02", 1, region="eu"), used("2024-05-03", 2, region="us")])
    with world.owner() as owner:
        owner.execute(
            "UPDATE events SET precise_total_amount_cents = '12.5' WHERE properties ->> 'region' = 'eu'"
            " AND organization_id = %s",
            [world.tenant.organization_id],
        )
    asked = question("sum_agg", "2024-05-01", "2024-05-31", group_by=("region",), precise_amounts=True)
    async with tenant_work(world.tenant) as work:
        found = (await measure_groups(work, [asked]))["it"]
    assert [usage.precise_total_amount_cents for usage in found] == [Decimal("12.5"), 0]


async def test_a_value_that_is_asked_for_twice_must_hold_both_times(world: World) -> None:
    events = [used("2024-05-02", 1, region="eu"), used("2024-05-03", 2, region=7), used("2024-05-03", 4)]
    asked = question("sum_agg", "2024-05-01", "2024-05-31", matching=condition_of({"region": ["7"]}))
    assert (await one(world, events, asked)).units == 2
    assert (await one(world, events, replace(asked, matching=(("region", ()),)))).units == 0
    assert (await one(world, events, replace(asked, matching=(), empty=("region",)))).units == 4
