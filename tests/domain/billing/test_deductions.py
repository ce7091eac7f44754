"""Coupons on invoices that are written: once each, in order, with their life."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.billing.bill import bill_subscriptions
from domain.billing.delete_customer import end_subscriptions_of_customers
from domain.billing.events import BillingDue
from domain.billing.finalize import finalize, refresh
from domain.billing.pay_in_advance import bill_events
from domain.billing.requests import BillRequest
from domain.credits.spend_coupons import give_back_coupons
from domain.kernel.unit_of_work import tenant_work
from tests.domain.billing.conftest import Ledger
from tests.domain.billing.world import World, instant


async def bill(world: World, *groups: tuple[UUID, ...]) -> list[UUID]:
    async with tenant_work(world.tenant) as work:
        return await bill_subscriptions(work, [BillRequest(ids, world.now, "subscription_periodic") for ids in groups])


def credits_of(world: World, applied: UUID) -> list[int]:
    return [row.amount_cents for row in world.rows("credits", applied_coupon_id=applied)]


def state(world: World, applied: UUID) -> tuple[str, int | None]:
    row = world.rows("applied_coupons", id=applied)[0]
    return row.status, row.frequency_duration_remaining


async def test_coupons_go_from_the_narrow_to_the_wide_and_are_used_up() -> None:
    with World(instant("2024-03-01T00:00:00Z")) as world:
        world.tax("20", "vat")
        metric = world.metric("calls")
        plan = world.plan(10000)
        child = world.plan(10000, parent_id=plan)
        world.charge(child, metric, "standard", {"amount": "33.33"})
        customer = world.customer()
        subscription = world.subscription(customer, child, "2024-02-01T00:00:00Z", external_id="s")
        world.event("s", "calls", "2024-02-03T00:00:00Z", "1")
        wide = world.coupon(customer, frequency="once", applied_at="2024-02-01")
        narrow = world.coupon(customer, metric, limited_billable_metrics=True, percentage_rate="10",
                              frequency="once", applied_at="2024-02-02")  # fmt: skip
        of_plan = world.coupon(customer, plan, amount_cents=500, frequency="recurring", frequency_duration=2)
        other_plan = world.coupon(customer, world.plan(1), frequency="once")
        foreign = world.coupon(customer, amount_currency="EUR", frequency="once")
        (invoice_id,) = await bill(world, (subscription,))
        invoice = world.rows("invoices", id=invoice_id)[0]
        assert invoice.fees_amount_cents == 13333
        assert (invoice.coupons_amount_cents, invoice.sub_total_excluding_taxes_amount_cents) == (1833, 11500)
        assert (invoice.taxes_amount_cents, invoice.total_amount_cents) == (2300, 13800)
        assert [credits_of(world, each) for each in (narrow, of_plan, wide, other_plan, foreign)] == [
            [333], [500], [1000], [], []
        ]  # fmt: skip
        shares = [fee.precise_coupons_amount_cents for fee in world.rows("fees", order="position")]
        assert shares[0] == Decimal("1153.84615")
        assert sum(shares) == 1833
        assert [state(world, each) for each in (narrow, of_plan, wide, other_plan)] == [
            ("terminated", None), ("active", 1), ("terminated", None), ("active", None)
        ]  # fmt: skip
        row = world.rows("credits", applied_coupon_id=wide)[0]
        assert (row.invoice_id, row.amount_currency, row.before_taxes) == (invoice_id, "USD", True)


async def test_two_invoices_of_a_run_share_a_coupon_and_two_runs_at_once_do_too() -> None:
    with World(instant("2024-03-01T00:00:00Z")) as world:
        plan = world.plan(3000)
        customer = world.customer()
        ids = [world.subscription(customer, plan, "2024-02-01T00:00:00Z") for _ in range(4)]
        once = world.coupon(customer, amount_cents=10_000, frequency="once")
        twice = world.coupon(customer, amount_cents=100, frequency="recurring", frequency_duration=3)
        await bill(world, (ids[0],), (ids[1],))
        assert credits_of(world, once) == [3000, 3000]
        await asyncio.gather(bill(world, (ids[2],)), bill(world, (ids[3],)))
        assert sorted(credits_of(world, once)) == [1000, 3000, 3000, 3000]
        assert state(world, once)[0] == "terminated"
        # The first coupon leaves it nothing to take until it is used up.
        assert credits_of(world, twice) == [100]
        assert state(world, twice) == ("active", 2)


async def test_a_draft_leaves_coupons_alone_until_it_is_finalized() -> None:
    with World(instant("2024-03-01T00:00:00Z"), {"invoice_grace_period": 3}) as world:
        customer = world.customer()
        subscription = world.subscription(customer, world.plan(3000), "2024-02-01T00:00:00Z")
        applied = world.coupon(customer, amount_cents=500, frequency="once")
        (invoice_id,) = await bill(world, (subscription,))

        def amounts() -> tuple[Any, ...]:
            row = world.rows("invoices", id=invoice_id)[0]
            return row.status, row.coupons_amount_cents, row.total_amount_cents

        assert amounts() == ("draft", 0, 3000)
        async with tenant_work(world.tenant) as work:
            await refresh(work, [invoice_id])
        assert (amounts(), state(world, applied)) == (("draft", 0, 3000), ("active", None))
        async with tenant_work(world.tenant) as work:
            await finalize(work, [invoice_id])
        assert (amounts(), state(world, applied)) == (("finalized", 500, 2500), ("terminated", None))


async def test_what_a_voided_invoice_took_comes_back() -> None:
    with World(instant("2024-03-01T00:00:00Z")) as world:
        plan, customer = world.plan(3000), world.customer()
        ids = [world.subscription(customer, plan, "2024-02-01T00:00:00Z") for _ in range(2)]
        once = world.coupon(customer, amount_cents=500, frequency="once")
        last = world.coupon(customer, percentage_rate="10", frequency="recurring", frequency_duration=1)
        ended = world.coupon(customer, percentage_rate="10", frequency="once")
        (invoice_id,) = await bill(world, (ids[0],))
        assert [state(world, each)[0] for each in (once, last, ended)] == ["terminated"] * 3
        world.execute(
            "UPDATE coupons SET status = 'terminated' WHERE id = (SELECT coupon_id FROM applied_coupons WHERE id = %s)",
            ended,
        )
        world.execute("UPDATE invoices SET status = 'voided' WHERE id = %s", invoice_id)
        async with tenant_work(world.tenant) as work:
            await give_back_coupons(work, [invoice_id])
        assert [state(world, each) for each in (once, last, ended)] == [
            ("active", None), ("active", 1), ("terminated", None)
        ]  # fmt: skip
        await bill(world, (ids[1],))
        assert credits_of(world, once) == [500, 500]


async def test_events_paid_in_advance_share_a_coupon_and_fees_alone_take_none() -> None:
    with World(instant("2024-06-10T08:00:00Z")) as world:
        plan, customer = world.plan(0), world.customer()
        for code, invoiceable in (("calls", True), ("mails", False)):
            world.charge(plan, world.metric(code), "standard", {"amount": "1"}, pay_in_advance=True,
                         invoiceable=invoiceable)  # fmt: skip
        world.subscription(customer, plan, "2024-06-01T00:00:00Z", external_id="s")
        once = world.coupon(customer, amount_cents=500, frequency="once")
        for code, units in (("calls", "3"), ("mails", "9"), ("calls", "4")):
            world.event("s", code, "2024-06-10T00:00:00Z", units)
        events = [UUID(str(row.id)) for row in world.rows("events", order="sequence")]
        async with tenant_work(world.tenant) as work:
            await bill_events(work, events)
        invoices = world.rows("invoices")
        assert sorted((row.fees_amount_cents, row.coupons_amount_cents) for row in invoices) == [(300, 300), (400, 200)]
        assert sorted(credits_of(world, once)) == [200, 300]
        assert state(world, once)[0] == "terminated"
        assert {row.precise_coupons_amount_cents for row in world.rows("fees") if row.invoice_id is None} == {0}


async def test_the_last_bill_of_a_deleted_customer_finds_its_coupons_and_its_drafts_are_finalized(
    ledger: Ledger,
) -> None:
    with World(instant("2024-06-01T00:00:00Z")) as world:
        customer, waiting = world.customer(), world.customer(invoice_grace_period=5)
        coupon = world.coupon(customer)
        plan = world.plan(3000)
        for each in (customer, waiting):
            world.subscription(each, plan, "2024-06-01T00:00:00Z")
        async with tenant_work(world.at("2024-06-15T08:00:00Z")) as work:
            await end_subscriptions_of_customers(work, [customer, waiting])
        final, draft = world.rows("invoices", order="status DESC")
        assert (final.status, final.fees_amount_cents, final.coupons_amount_cents) == ("finalized", 1500, 1000)
        assert (draft.status, draft.customer_id) == ("draft", waiting)
        assert ledger.arguments("billing.finalize_chunk") == [{"invoice_ids": [draft.id]}]
        assert state(world, coupon)[0] == "terminated"
        assert not [each for each in ledger.events if isinstance(each, BillingDue)]


async def test_what_a_deleted_customer_has_of_coupons_ends() -> None:
    with World(instant("2024-06-10T08:00:00Z")) as world:
        customer, other = world.customer(), world.customer()
        ended, kept = world.coupon(customer), world.coupon(other)
        async with tenant_work(world.tenant) as work:
            await end_subscriptions_of_customers(work, [customer])
        assert (state(world, ended)[0], state(world, kept)[0]) == ("terminated", "active")
