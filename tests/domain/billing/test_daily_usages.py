"""The usage of every day is kept once, after the local midnight, with what the day has added."""

from __future__ import annotations

from domain.kernel.unit_of_work import tenant_work
from domain.metering.daily_usages import hand_out_days, keep_days
from domain.metering.usage_difference import added_usage
from tests.domain.billing.conftest import Ledger
from tests.domain.billing.test_runs import counted
from tests.domain.billing.world import World, instant

JOB = "metering.compute_daily_usage"


async def due(world: World, ledger: Ledger) -> list[tuple[int, bool]]:
    """How many subscriptions each job gets, and whether only for first days."""
    ledger.jobs.clear()
    async with tenant_work(world.tenant) as work:
        await hand_out_days(work)
    return [(len(each["subscription_ids"]), each["only_first_days"]) for each in ledger.arguments(JOB)]


async def keep(world: World, *ids: object, first: bool = False) -> int:
    async with tenant_work(world.tenant) as work:
        return await keep_days(work, list(ids), only_first_days=first)  # type: ignore[arg-type]


async def test_a_day_holds_the_usage_of_its_period_and_what_it_added(ledger: Ledger) -> None:
    with World(instant("2024-02-11T05:30:00Z")) as world:
        plan = world.plan(0)
        world.charge(plan, world.metric("calls"), "standard", {"amount": "1"})
        world.charge(plan, world.metric("unused"), "standard", {"amount": "1"}, 1)
        customer = world.customer(timezone="America/New_York")
        one = world.subscription(customer, plan, "2024-02-01T05:00:00Z", external_id="s",
                                 last_received_event_on="2024-02-10")  # fmt: skip
        world.event("s", "calls", "2024-02-10T12:00:00Z", "4")
        assert await due(world, ledger) == [(1, False)]
        assert await keep(world, one) == 1
        assert await due(world, ledger) == []
        assert await keep(world, one) == 1  # computed again, kept as it is
        (row,) = world.rows("daily_usages")
        assert (row.usage_date.isoformat(), row.usage["amount_cents"]) == ("2024-02-10", 400)
        assert [each["billable_metric"]["code"] for each in row.usage["charges_usage"]] == ["calls"]
        assert row.usage_diff == row.usage

        world.event("s", "calls", "2024-02-11T12:00:00Z", "3")
        world.execute("UPDATE subscriptions SET last_received_event_on = '2024-02-11' WHERE id = %s", one)
        world.at("2024-02-11T12:15:00Z")
        assert await due(world, ledger) == []  # noon is not after a midnight
        world.at("2024-02-12T06:15:00Z")
        assert await due(world, ledger) == [(1, False)]
        await keep(world, one)
        row = world.rows("daily_usages", order="usage_date")[-1]
        assert (row.usage["amount_cents"], row.usage_diff["amount_cents"]) == (700, 300)
        (charge,) = row.usage_diff["charges_usage"]
        assert (charge["units"], charge["events_count"]) == ("3.0", 1)

        # The first day of a period is compared with nothing; the last one holds the whole period that ended.
        world.at("2024-03-01T05:30:00Z")
        await keep(world, one)
        row = world.rows("daily_usages", order="usage_date")[-1]
        assert (row.usage_date.isoformat(), row.usage["amount_cents"]) == ("2024-02-29", 700)
        assert row.usage_diff["amount_cents"] == 0
        world.at("2024-03-02T05:30:00Z")
        assert await keep(world, one) == 0  # nothing was used in March


async def test_keeping_days_costs_the_same_statements_for_2_and_20(ledger: Ledger) -> None:
    counts = []
    for size in (2, 20):
        with World(instant("2024-02-11T00:30:00Z")) as world:
            plan = world.plan(0)
            world.charge(plan, world.metric("calls"), "standard", {"amount": "1"})
            some = world.subscriptions(size, plan, "2024-02-01T00:00:00Z")
            for row in world.rows("subscriptions"):
                world.event(row.external_id, "calls", "2024-02-10T12:00:00Z", "4")
            with counted() as statements:
                assert await keep(world, *some) == size
            counts.append(len(statements))
    assert counts[0] == counts[1]


async def test_what_carries_units_on_is_kept_on_the_first_day_of_a_period_only(ledger: Ledger) -> None:
    with World(instant("2024-03-02T00:30:00Z")) as world:
        plan = world.plan(0)
        world.charge(plan, world.metric("seats", recurring=True), "standard", {"amount": "1"})
        one = world.subscription(world.customer(), plan, "2024-02-01T00:00:00Z", external_id="s")
        world.event("s", "seats", "2024-02-10T12:00:00Z", "4")
        assert await due(world, ledger) == [(1, True)]
        assert await keep(world, one, first=True) == 1
        world.at("2024-03-03T00:30:00Z")
        assert await keep(world, one, first=True) == 0


def test_filters_and_groups_are_compared_with_their_like() -> None:
    def usage(one: str, two: str, cents: int) -> dict[str, object]:
        figures = {"events_count": 1, "amount_cents": cents}
        filters = [
            {"values": {"region": ["eu"]}, "units": one, **figures}, {"values": None, "units": two, **figures},
        ]  # fmt: skip
        return {
            "amount_cents": cents, "charges_usage": [{
                "charge": {"lago_id": "c"}, "units": one, "filters": filters, "grouped_usage": [], **figures,
            }],
        }  # fmt: skip

    (charge,) = added_usage(usage("5.5", "2.0", 90), usage("1.5", "0.0", 40))["charges_usage"]
    assert [each["units"] for each in charge["filters"]] == ["4.0", "2.0"]
    assert charge["amount_cents"] == 50
