"""Charges paid in advance: a fee for every event, on an invoice of its own or alone until it is paid and regrouped."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from domain.billing.pay_in_advance import bill_events
from domain.invoicing.events import FeesCreated
from domain.invoicing.standalone_fees import delete_fee, set_payment_status
from domain.kernel.errors import NotAllowed, NotFound, ValidationFailed
from domain.kernel.unit_of_work import tenant_work
from tests.domain.billing.conftest import Ledger
from tests.domain.billing.test_bill import TERMINATING, bill
from tests.domain.billing.world import World, instant


def standing(world: World, **charge: Any) -> UUID:
    """A subscription "s" since June with one charge of 1.00 a unit paid in advance."""
    plan = world.plan(0)
    world.charge(plan, world.metric("calls"), "standard", {"amount": "1"}, pay_in_advance=True, **charge)
    return world.subscription(world.customer(), plan, "2024-06-01T00:00:00Z", external_id="s")


def used(world: World, units: str, at: str = "2024-06-10T00:00:00Z", external_id: str = "s") -> UUID:
    world.event(external_id, "calls", at, units)
    return UUID(str(world.rows("events", "id", order="sequence DESC")[0].id))


async def billed(world: World, *events: UUID) -> list[UUID]:
    async with tenant_work(world.tenant) as work:
        return await bill_events(work, events)


async def test_an_event_on_an_invoiceable_charge_gets_an_invoice_at_once(ledger: Ledger) -> None:
    with World(instant("2024-06-10T08:00:00Z"), entity={"invoice_grace_period": 9}) as world:
        standing(world)
        world.tax("20", "vat")
        fee_ids = await billed(world, used(world, "12"))
        (fee,) = world.rows("fees")
        (invoice,) = world.rows("invoices")
        assert (invoice.status, invoice.number, invoice.total_amount_cents) == ("finalized", "NOR-1-001-001", 1440)
        assert (fee.invoice_id, fee.amount_cents, fee.pay_in_advance, fee.events_count) == (invoice.id, 1200, True, 1)
        (period,) = world.rows("invoice_subscriptions")
        assert (period.invoicing_reason, period.recurring) == ("in_advance_charge", False)
        assert FeesCreated(tuple(fee_ids)) in ledger.events


async def test_only_what_exceeds_the_most_billed_so_far_costs() -> None:
    with World(instant("2024-06-10T08:00:00Z")) as world:
        standing(world)
        events = [used(world, units, f"2024-06-10T00:0{n}:00Z") for n, units in enumerate(("10", "-4", "3", "5", "2"))]
        await billed(world, *events)
        fees = world.rows("fees", order="(properties ->> 'timestamp')")
        assert [fee.amount_cents for fee in fees] == [1000, 0, 0, 400, 200]


async def test_an_event_is_never_billed_twice_not_even_by_two_jobs_at_once() -> None:
    with World(instant("2024-06-10T08:00:00Z")) as world:
        standing(world)
        event = used(world, "3")
        await asyncio.gather(billed(world, event), billed(world, event))
        assert await billed(world, event) == []
        assert [fee.amount_cents for fee in world.rows("fees")] == [300]
        assert len(world.rows("invoices")) == 1


async def test_events_outside_a_subscription_or_without_the_property_make_no_fee() -> None:
    with World(instant("2024-06-10T08:00:00Z")) as world:
        standing(world)
        early = used(world, "3", "2024-05-31T23:59:59Z")
        stranger = used(world, "3", external_id="nobody")
        world.event("s", "calls", "2024-06-10T00:00:00Z")
        bare = UUID(str(world.rows("events", "id", order="sequence DESC")[0].id))
        assert await billed(world, early, stranger, bare) == []
        assert world.rows("fees") == []


async def test_paid_standalone_fees_are_put_on_one_invoice_that_is_paid() -> None:
    with World(instant("2024-06-10T08:00:00Z")) as world:
        subscription = standing(world, invoiceable=False, regroup_paid_fees="invoice")
        world.tax("20", "vat")
        first, second, unpaid = [
            (await billed(world, used(world, units, f"2024-06-10T00:0{n}:00Z")))[0]
            for n, units in enumerate(("1", "2", "3"))
        ]
        assert world.rows("invoices") == []
        async with tenant_work(world.tenant) as work:
            for fee_id in (first, second):
                await set_payment_status(work, str(fee_id), {"payment_status": "succeeded"})
        world.at("2024-07-01T00:10:00Z")
        _, regrouped = await bill(world, subscription)
        (invoice,) = world.rows("invoices", id=regrouped)
        assert (invoice.invoice_type, invoice.payment_status, invoice.status) == (
            "advance_charges", "succeeded", "finalized",
        )  # fmt: skip
        amounts = (invoice.fees_amount_cents, invoice.taxes_amount_cents, invoice.total_paid_amount_cents)
        assert amounts == (300, 60, 360)
        assert {fee.id for fee in world.rows("fees", invoice_id=regrouped)} == {first, second}
        assert world.rows("fees", id=unpaid)[0].invoice_id is None
        (tax,) = world.rows("invoice_applied_taxes", invoice_id=regrouped)
        assert (tax.amount_cents, tax.fees_amount_cents) == (60, 300)
        (payment,) = world.rows("payments", invoice_id=regrouped)
        assert (payment.payment_type, payment.status, payment.amount_cents, payment.reference) == (
            "manual", "succeeded", 360, "Charges paid in advance",
        )  # fmt: skip


async def test_a_fee_of_the_period_that_runs_waits_for_its_end_unless_the_subscription_ends() -> None:
    with World(instant("2024-07-01T00:05:00Z")) as world:
        subscription = standing(world, invoiceable=False, regroup_paid_fees="invoice")
        (fee_id,) = await billed(world, used(world, "1", "2024-07-01T00:01:00Z"))
        async with tenant_work(world.tenant) as work:
            await set_payment_status(work, str(fee_id), {"payment_status": "succeeded"})
        world.at("2024-07-01T00:10:00Z")
        assert len(await bill(world, subscription)) == 1
        world.at("2024-07-04T00:00:00Z")
        world.execute("UPDATE subscriptions SET status = 'terminated', terminated_at = %s WHERE id = %s",
                      world.now, subscription)  # fmt: skip
        assert len(await bill(world, subscription, reason=TERMINATING)) == 2
        assert world.rows("fees", id=fee_id)[0].invoice_id is not None


async def test_only_a_fee_without_an_invoice_can_be_changed_or_taken_back() -> None:
    with World(instant("2024-06-10T08:00:00Z")) as world, World(instant("2024-06-10T08:00:00Z")) as stranger:
        standing(world, invoiceable=False)
        (fee_id,) = await billed(world, used(world, "1"))
        async with tenant_work(stranger.tenant) as work:
            with pytest.raises(NotFound):
                await set_payment_status(work, str(fee_id), {"payment_status": "succeeded"})
            with pytest.raises(NotFound):
                await delete_fee(work, "no uuid")
        async with tenant_work(world.tenant) as work:
            for wrong in (None, "paid", 7, ["succeeded"]):
                with pytest.raises(ValidationFailed):
                    await set_payment_status(work, str(fee_id), {"payment_status": wrong})
            await set_payment_status(work, str(fee_id), {"payment_status": "failed"})
        assert world.rows("fees", id=fee_id)[0].failed_at == world.now
        async with tenant_work(world.tenant) as work:
            await delete_fee(work, str(fee_id))
        assert world.rows("fees") == []


async def test_an_invoiced_fee_keeps_its_status() -> None:
    with World(instant("2024-06-10T08:00:00Z")) as world:
        standing(world)
        (fee_id,) = await billed(world, used(world, "1"))
        async with tenant_work(world.tenant) as work:
            with pytest.raises(NotAllowed):
                await set_payment_status(work, str(fee_id), {"payment_status": "succeeded"})
            with pytest.raises(NotAllowed):
                await delete_fee(work, str(fee_id))
