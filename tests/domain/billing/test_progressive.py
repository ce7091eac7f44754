"""Usage billed before its period ends: once for a threshold, credited later, for many at the price of one."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from domain.billing.bill import bill_subscriptions
from domain.billing.look_at_usage import hand_out_looks, look_at_noted, look_at_usage
from domain.billing.requests import BillRequest
from domain.invoicing.documents import load_documents
from domain.invoicing.events import InvoicesFinalized, UsageThresholdsReached
from domain.kernel.unit_of_work import tenant_work
from domain.metering.activities import note_use
from domain.metering.events import AlertsTriggered
from tests.domain.billing.conftest import Ledger
from tests.domain.billing.test_runs import counted
from tests.domain.billing.world import World, instant

NOON = "2024-02-10T12:00:00Z"
FIRST = "2024-02-01T00:00:00Z"


def sold(world: World, *thresholds: int, recurring: int | None = None, **charge: Any) -> UUID:
    """A plan at 31.00 with usage at 1.00 a unit and these thresholds."""
    plan = world.plan(3100)
    world.charge(plan, world.metric(f"calls-{plan}"), "standard", {"amount": "1"}, **charge)
    for cents, repeats in [*((cents, False) for cents in thresholds), *([(recurring, True)] if recurring else [])]:
        world.insert("usage_thresholds", organization_id=world.organization_id, plan_id=plan, amount_cents=cents,
                     recurring=repeats)  # fmt: skip
    return plan


def used(world: World, subscription: UUID, units: str, at: str = NOON) -> None:
    (row,) = world.rows("subscriptions", "external_id, plan_id", id=subscription)
    world.event(row.external_id, f"calls-{row.plan_id}", at, units)


async def look(world: World, *subscriptions: UUID) -> None:
    async with tenant_work(world.tenant) as work:
        await look_at_usage(work, subscriptions)


async def bill(world: World, subscription: UUID, reason: str = "subscription_periodic") -> UUID:
    async with tenant_work(world.tenant) as work:
        (made,) = await bill_subscriptions(work, [BillRequest((subscription,), world.now, reason)])
    return made


def invoices(world: World) -> list[tuple[str, int, int, int]]:
    """Type, fees, progressive credit and total of each."""
    rows = world.rows("invoices", order="created_at, id")
    return [
        (row.invoice_type, row.fees_amount_cents, row.progressive_billing_credit_amount_cents, row.total_amount_cents)
        for row in rows
    ]


async def test_a_passed_threshold_is_billed_once_and_credited_at_the_end_of_the_period(ledger: Ledger) -> None:
    with World(instant(NOON), {"invoice_grace_period": 3}) as world:
        world.tax("10", "vat")
        plan = sold(world, 20000)
        one = world.subscription(world.customer(), plan, FIRST)
        used(world, one, "150")
        await look(world, one)
        assert invoices(world) == []
        used(world, one, "60")
        await look(world, one)
        await look(world, one)
        assert invoices(world) == [("progressive_billing", 21000, 0, 23100)]
        (invoice,) = world.rows("invoices")
        assert (invoice.status, invoice.number) == ("finalized", "NOR-1-001-001")
        (line,) = world.rows("invoice_subscriptions")
        assert (line.invoicing_reason, line.recurring) == ("progressive_billing", False)
        assert (line.charges_from_datetime, line.charges_to_datetime.date().isoformat()) == (
            instant(FIRST), "2024-02-29",
        )  # fmt: skip
        (applied,) = world.rows("applied_usage_thresholds")
        assert (applied.invoice_id, applied.lifetime_usage_amount_cents) == (invoice.id, 21000)
        assert [type(event) for event in ledger.events if isinstance(event, UsageThresholdsReached)] != []
        assert InvoicesFinalized((invoice.id,)) in ledger.events
        async with tenant_work(world.tenant) as work:
            files = await load_documents(work, [invoice.id])
        assert files[invoice.id].document.threshold_amount == 21000
        used(world, one, "100")
        await look(world, one)
        assert len(invoices(world)) == 1

        world.at("2024-03-01T00:10:00Z")
        await bill(world, one)
        # 310 of usage, 31 of base fee; 210 credited before taxes, in the draft already.
        assert invoices(world)[-1] == ("subscription", 34100, 21000, 14410)
        (credit,) = world.rows("credits")
        assert (credit.progressive_billing_invoice_id, credit.amount_cents) == (invoice.id, 21000)
        assert credit.before_taxes is True


async def test_steps_of_a_recurring_threshold_are_billed_one_after_the_other() -> None:
    with World(instant(NOON)) as world:
        plan = sold(world, 200, 500, 700, recurring=1000)
        one = world.subscription(world.customer(), plan, FIRST)
        for number, units in enumerate(("2.2", "2.2", "2.2", "2.2", "22", "22")):
            world.at(f"2024-02-10T12:0{number}:00Z")
            used(world, one, units)
            await look(world, one)
        assert [row[3] for row in invoices(world)] == [220, 440, 220, 2200, 2200]
        world.at("2024-03-01T00:10:00Z")
        # Before its bill is made, what was billed progressively still counts.
        used(world, one, "5", "2024-03-01T00:05:00Z")
        await look(world, one)
        assert len(invoices(world)) == 5
        await bill(world, one)
        assert invoices(world)[-1] == ("subscription", 8380, 5280, 3100)


async def test_what_was_billed_beyond_the_final_usage_is_credited_up_to_the_charges_only() -> None:
    with World(instant(NOON)) as world:
        world.tax("20", "vat")
        plan = sold(world, 1000)
        one = world.subscription(world.customer(), plan, FIRST)
        used(world, one, "20")
        await look(world, one)
        # The price falls before the end of the period.
        world.execute('UPDATE charges SET properties = \'{"amount": "0.5"}\' WHERE plan_id = %s', plan)
        world.at("2024-03-01T00:10:00Z")
        await bill(world, one)
        assert invoices(world)[-1] == ("subscription", 4100, 1000, 3720 - 1200)
        (note,) = world.rows("credit_notes")
        assert (note.invoice_id, note.credit_amount_cents, note.balance_amount_cents, note.reason) == (
            world.rows("invoices", invoice_type="progressive_billing")[0].id, 1200, 0, "other",
        )  # fmt: skip


async def test_the_excess_goes_back_over_all_progressive_invoices_of_the_period() -> None:
    with World(instant(NOON)) as world:
        plan = sold(world, 1000, 3000)
        one = world.subscription(world.customer(), plan, FIRST)
        used(world, one, "20")
        await look(world, one)
        world.at("2024-02-10T13:00:00Z")
        used(world, one, "30")
        await look(world, one)
        assert [row[1:] for row in invoices(world)] == [(2000, 0, 2000), (5000, 2000, 3000)]
        # The second invoice took 30.00; the other 15.00 too much were paid on the first.
        world.execute('UPDATE charges SET properties = \'{"amount": "0.1"}\' WHERE plan_id = %s', plan)
        world.at("2024-03-01T00:10:00Z")
        await bill(world, one)
        # The notes pay what they can of the very invoice that found them.
        assert invoices(world)[-1] == ("subscription", 3600, 500, 0)
        notes = world.rows("credit_notes", order="total_amount_cents")
        assert [note.total_amount_cents for note in notes] == [1500, 3000]
        world.at("2024-04-01T00:10:00Z")
        await bill(world, one)
        assert invoices(world)[-1] == ("subscription", 3100, 0, 3100 - 1400)


async def test_two_subscriptions_of_one_plan_on_one_invoice_are_credited_apart() -> None:
    with World(instant(NOON)) as world:
        plan = sold(world, 1000)
        customer = world.customer()
        one, other = (world.subscription(customer, plan, FIRST) for _ in range(2))
        used(world, one, "10")
        used(world, other, "7")
        await look(world, one, other)
        assert invoices(world) == [("progressive_billing", 1000, 0, 1000)]
        world.at("2024-03-01T00:10:00Z")
        async with tenant_work(world.tenant) as work:
            await bill_subscriptions(work, [BillRequest((one, other), world.now, "subscription_periodic")])
        assert invoices(world)[-1] == ("subscription", 2 * 3100 + 1700, 1000, 2 * 3100 + 700)
        shares = {
            row.subscription_id: row.precise_coupons_amount_cents
            for row in world.rows("fees", fee_type="charge")
            if row.precise_coupons_amount_cents
        }
        assert shares == {one: 1000}


async def test_looks_at_the_same_time_bill_a_threshold_once() -> None:
    with World(instant(NOON)) as world:
        plan = sold(world, 1000, recurring=500)
        one = world.subscription(world.customer(), plan, FIRST)
        used(world, one, "12")
        await asyncio.gather(*(look(world, one) for _ in range(4)))
        assert len(invoices(world)) == 1
        assert len(world.rows("progressive_billings")) == 1


async def test_a_charge_paid_in_advance_or_without_invoice_is_not_on_it_and_minimums_wait_for_the_end() -> None:
    with World(instant(NOON)) as world:
        plan = sold(world, 1000, min_amount_cents=9000)
        world.charge(plan, world.metric("paid"), "standard", {"amount": "1"}, 1, pay_in_advance=True)
        world.charge(plan, world.metric("alone"), "standard", {"amount": "1"}, 2, invoiceable=False)
        one = world.subscription(world.customer(), plan, FIRST, external_id="s")
        used(world, one, "10")
        world.event("s", "paid", NOON, "3")
        world.event("s", "alone", NOON, "3")
        await look(world, one)
        assert invoices(world) == [("progressive_billing", 1000, 0, 1000)]


@pytest.mark.parametrize("own", [True, False])
async def test_own_thresholds_come_before_those_of_the_plan_and_none_apply_where_they_are_disabled(own: bool) -> None:
    with World(instant(NOON)) as world:
        plan = sold(world, 1000)
        one = world.subscription(world.customer(), plan, FIRST, progressive_billing_disabled=not own)
        if own:
            world.insert("usage_thresholds", organization_id=world.organization_id, subscription_id=one,
                         amount_cents=5000, recurring=False)  # fmt: skip
        used(world, one, "20")
        await look(world, one)
        assert invoices(world) == []


async def test_a_look_costs_the_same_statements_at_5_and_50_subscriptions(ledger: Ledger) -> None:
    counts = []
    for size in (5, 50):
        with World(instant(NOON)) as world:
            plan = sold(world, 1000, 2000)
            some = world.subscriptions(size, plan, FIRST)
            for each in some:
                used(world, each, "15")
                external_id = world.rows("subscriptions", "external_id", id=each)[0].external_id
                alert = world.insert(
                    "usage_alerts", organization_id=world.organization_id, subscription_external_id=external_id,
                    alert_type="lifetime_usage_amount", code="a", direction="increasing", previous_value=0,
                )  # fmt: skip
                world.insert("usage_alert_thresholds", organization_id=world.organization_id, usage_alert_id=alert,
                             value=1200, recurring=False)  # fmt: skip
            with counted() as statements:
                await look(world, *some)
            counts.append(len(statements))
            assert len(invoices(world)) == size
            assert len(world.rows("triggered_usage_alerts")) == size
    assert counts[0] == counts[1]
    assert any(isinstance(event, AlertsTriggered) for event in ledger.events)


async def test_only_what_is_watched_is_noted_and_each_is_looked_at_once(ledger: Ledger) -> None:
    with World(instant(NOON)) as world:
        watched = world.subscription(world.customer(), sold(world, 1000), FIRST, external_id="watched")
        world.subscription(world.customer(), sold(world), FIRST, external_id="free")
        async with tenant_work(world.tenant) as work:
            await note_use(work, ["watched", "free"])
            await note_use(work, ["watched"])
        assert [row.subscription_id for row in world.rows("subscription_activities")] == [watched, watched]
        async with tenant_work(world.tenant) as work:
            assert list(await look_at_noted(work)) == [watched]
            await note_use(work, ["watched"])
        async with tenant_work(world.tenant) as work:
            assert await hand_out_looks(work) == 1
        assert ledger.arguments("billing.look_at_some_usage") == [{"subscription_ids": [watched]}]
        assert world.rows("subscription_activities") == []
