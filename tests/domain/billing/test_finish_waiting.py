"""Invoices of a customer whose VAT number is being checked: they wait, and go on as they would have without it."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.billing.bill import bill_subscriptions
from domain.billing.customers import update_customer
from domain.billing.finalize import finalize
from domain.billing.finish_waiting import finish_of_customer
from domain.billing.one_off import create_one_off_invoice
from domain.billing.pay_in_advance import bill_events
from domain.billing.requests import FINISH_WAITING, BillRequest
from domain.customers.models import Customer
from domain.invoicing.events import InvoicesFinalized, OneOffInvoicesCreated
from domain.kernel.unit_of_work import tenant_work
from tests.domain.billing.conftest import Ledger
from tests.domain.billing.world import World, instant

AMOUNTS = """
    fees_amount_cents, coupons_amount_cents, progressive_billing_credit_amount_cents,
    sub_total_excluding_taxes_amount_cents, taxes_amount_cents, taxes_rate, total_amount_cents, payment_status
"""


def waiting_customer(world: World, **more: object) -> UUID:
    customer = world.customer(**more)
    world.insert(
        "pending_vies_checks", organization_id=world.organization_id, customer_id=customer,
        tax_identification_number="DE136695976",
    )  # fmt: skip
    return customer


def answered(world: World, customer: UUID, rate: str) -> None:
    """The register has answered: the customer has a tax."""
    world.execute("DELETE FROM pending_vies_checks WHERE customer_id = %s", customer)
    world.put_tax(world.tax_alone(rate, "late"), "customer_taxes", customer_id=customer)


async def bill(world: World, at: str, reason: str, subscription: UUID) -> UUID:
    async with tenant_work(world.at(at)) as work:
        (made,) = await bill_subscriptions(work, [BillRequest((subscription,), instant(at), reason)])
    return made


async def one_off(world: World, at: str, customer: UUID, **params: object) -> UUID:
    async with tenant_work(world.at(at)) as work:
        return await create_one_off_invoice(work, await work.session.get_one(Customer, customer), params)


async def finish(world: World, at: str, customer: UUID) -> None:
    async with tenant_work(world.at(at)) as work:
        await finish_of_customer(work, customer)


async def test_every_kind_of_invoice_waits_and_is_finished_in_the_order_of_its_making(ledger: Ledger) -> None:
    with World(instant("2024-06-01T00:00:00Z")) as world:
        world.tax("20", "entity")
        own = world.tax_alone("5", "own")
        customer = waiting_customer(world)
        world.coupon(customer)
        plan, calls = world.plan(10_000), world.metric("calls")
        charge = world.charge(plan, calls, "standard", {"amount": "1"})
        world.put_tax(own, "charge_taxes", charge_id=charge)
        world.charge(plan, world.metric("texts"), "standard", {"amount": "2"}, pay_in_advance=True)
        subscription = world.subscription(customer, plan, "2024-06-01T00:00:00Z")
        external_id = world.rows("subscriptions", id=subscription)[0].external_id
        add_on = {"code": "setup", "name": "Setup", "amount_cents": 3333, "amount_currency": "USD"}
        world.insert("add_ons", organization_id=world.organization_id, **add_on)

        world.event(external_id, "calls", "2024-06-05T00:00:00Z", "30")
        world.event(external_id, "texts", "2024-06-06T00:00:00Z", "3")
        progressive = await bill(world, "2024-06-10T00:00:00Z", "progressive_billing", subscription)
        lines = [{"add_on_code": "setup", "units": "1.5"}, {"add_on_code": "setup", "unit_amount_cents": 1000,
                                                            "tax_codes": ["own"]}]  # fmt: skip
        single = await one_off(world, "2024-06-11T00:00:00Z", customer, fees=lines)
        event = world.rows("events", code="texts")[0].id
        async with tenant_work(world.at("2024-06-12T00:00:00Z")) as work:
            (fee,) = await bill_events(work, [event])
        in_advance = world.rows("fees", id=fee)[0].invoice_id
        world.event(external_id, "calls", "2024-06-20T00:00:00Z", "20")
        periodic = await bill(world, "2024-07-01T00:00:00Z", "subscription_periodic", subscription)

        invoices = [progressive, single, in_advance, periodic]
        before = {each.id: each for each in world.rows("invoices")}
        assert {(each.status, each.tax_status, each.number) for each in before.values()} == {
            ("pending", "pending", "NOR-1-DRAFT")
        }
        assert [before[each].taxes_amount_cents for each in invoices] == [150, 50, 0, 100]
        assert before[periodic].progressive_billing_credit_amount_cents == 3000
        assert sum(each.coupons_amount_cents for each in before.values()) == 0
        assert len(ledger.arguments(FINISH_WAITING)) == 4
        await finish(world, "2024-07-02T00:00:00Z", customer)
        assert {each.status for each in world.rows("invoices")} == {"pending"}, "the register has not answered"
        fees = {each.id for each in world.rows("fees")}

        # An event that comes late does not change what was billed.
        world.event(external_id, "calls", "2024-06-21T00:00:00Z", "7")
        answered(world, customer, "10")
        ledger.events.clear()
        await finish(world, "2024-07-03T00:00:00Z", customer)
        found = {each.id: each for each in world.rows("invoices")}
        assert {(each.status, each.tax_status) for each in found.values()} == {("finalized", "succeeded")}
        assert [found[each].number[-3:] for each in invoices] == ["001", "002", "003", "004"]
        assert {str(each.issuing_date) for each in found.values()} == {"2024-07-03"}
        amounts = [
            (each.fees_amount_cents, each.progressive_billing_credit_amount_cents, each.coupons_amount_cents,
             each.taxes_amount_cents, each.total_amount_cents)
            for each in (found[invoice] for invoice in invoices)
        ]  # fmt: skip
        assert amounts == [
            (3000, 0, 1000, 100, 2100),
            (6000, 0, 0, 550, 6550),
            (600, 0, 600, 0, 0),
            # 3000 less the coupon that the progressive invoice took; taxes of 9230.76923 at 10 %, 1846.15385 at 5 %
            (15_000, 2000, 1000, 1015, 13_015),
        ]
        assert found[in_advance].payment_status == "succeeded"
        assert {each.id for each in world.rows("fees")} == fees, "fees keep their ids"
        assert [str(each.tax_code) for each in world.rows("invoice_applied_taxes", order="tax_code")] == [
            "late", "late", "late", "own", "own", "own",
        ]  # fmt: skip
        base = world.rows("fees", invoice_id=periodic, fee_type="subscription")[0]
        assert (base.precise_coupons_amount_cents, base.taxes_rate) == (Decimal("769.23077"), 10)
        told = [(type(each), getattr(each, "invoice_ids", ())) for each in ledger.events]
        assert (OneOffInvoicesCreated, (single,)) in told
        assert {each for kind, ids in told if kind is InvoicesFinalized for each in ids} == {*invoices} - {single}
        await finish(world, "2024-07-04T00:00:00Z", customer)
        assert {str(each.issuing_date) for each in world.rows("invoices")} == {"2024-07-03"}


async def lived(seed: int, *, waits: bool) -> list[list[tuple[Any, ...]]]:
    """A month of a customer with coupons, by chance: its invoices, fees, taxes and credits."""
    chance = random.Random(seed)
    with World(instant("2024-06-01T00:00:00Z")) as world:
        own, late = world.tax_alone("5.5", "own"), world.tax_alone("7.7", "late")
        customer = waiting_customer(world) if waits else world.customer()
        if not waits:
            world.put_tax(late, "customer_taxes", customer_id=customer)
        world.coupon(customer, percentage_rate="33.33")
        world.coupon(customer, amount_cents=chance.randint(1, 4000), amount_currency="USD", frequency="once")
        plan = world.plan(chance.randint(0, 9999))
        charge = world.charge(plan, world.metric("calls"), "standard", {"amount": "1.11"}, min_amount_cents=7000)
        world.put_tax(own, "charge_taxes", charge_id=charge)
        world.charge(plan, world.metric("texts"), "standard", {"amount": "0.333"})
        subscription = world.subscription(customer, plan, "2024-06-01T00:00:00Z")
        external_id = world.rows("subscriptions", id=subscription)[0].external_id
        add_on = {"code": "setup", "name": "Setup", "amount_cents": 3333, "amount_currency": "USD"}
        world.insert("add_ons", organization_id=world.organization_id, **add_on)
        for day in sorted(chance.sample(range(2, 30), 5)):
            at = f"2024-06-{day:02d}T00:00:00Z"
            world.at(at)
            world.event(external_id, chance.choice(["calls", "texts"]), at, str(chance.randint(1, 30)))
            if chance.random() < 0.6:
                await bill(world, at, "progressive_billing", subscription)
            else:
                lines = [{"add_on_code": "setup", "units": str(chance.randint(1, 9) / 8)}]
                await one_off(world, at, customer, fees=[*lines, {"add_on_code": "setup", "tax_codes": ["own"]}])
        await bill(world, "2024-07-01T01:00:00Z", "subscription_periodic", subscription)
        if waits:
            world.execute("DELETE FROM pending_vies_checks WHERE customer_id = %s", customer)
            world.put_tax(late, "customer_taxes", customer_id=customer)
            await finish(world, "2024-07-01T01:00:00Z", customer)
        return [
            [tuple(row) for row in world.rows(table, columns, order)]
            for table, columns, order in (
                ("invoices", f"{AMOUNTS}, status, right(number, 3)", "created_at, id"),
                ("fees", "amount_cents, precise_coupons_amount_cents, taxes_precise_amount_cents, taxes_rate",
                 "created_at, invoice_id, position"),
                ("invoice_applied_taxes", "tax_code, amount_cents, fees_amount_cents", "1, 2, 3"),
                ("credits", "amount_cents, before_taxes", "1, 2"),
                ("applied_coupons", "status", "id"),
            )
        ]  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2])
async def test_invoices_that_waited_come_to_the_same_as_those_that_did_not(seed: int, ledger: Ledger) -> None:
    assert await lived(seed, waits=True) == await lived(seed, waits=False)


async def test_a_draft_waits_when_its_grace_period_is_over_with_its_notes_and_its_anchor(ledger: Ledger) -> None:
    with World(instant("2024-06-01T00:00:00Z"), entity={"invoice_grace_period": 2}) as world:
        customer = waiting_customer(world, subscription_invoice_issuing_date_adjustment="keep_anchor")
        subscription = world.subscription(customer, world.plan(10_000), "2024-06-01T00:00:00Z")
        draft = await bill(world, "2024-07-01T00:00:00Z", "subscription_periodic", subscription)
        assert world.rows("invoices")[0].tax_status is None
        async with tenant_work(world.at("2024-07-03T00:00:00Z")) as work:
            await finalize(work, [draft])
        assert world.rows("invoices")[0].status == "pending"
        answered(world, customer, "10")
        await finish(world, "2024-07-05T00:00:00Z", customer)
        (found,) = world.rows("invoices")
        assert (found.status, found.total_amount_cents, str(found.issuing_date)) == ("finalized", 11_000, "2024-07-01")


async def test_an_invoice_of_nothing_does_not_wait_where_none_is_wanted(ledger: Ledger) -> None:
    with World(instant("2024-06-01T00:00:00Z"), entity={"finalize_zero_amount_invoice": False}) as world:
        customer = waiting_customer(world)
        add_on = {"code": "free", "name": "Free", "amount_cents": 0, "amount_currency": "USD"}
        world.insert("add_ons", organization_id=world.organization_id, **add_on)
        await one_off(world, "2024-06-11T00:00:00Z", customer, fees=[{"add_on_code": "free"}])
        (invoice,) = world.rows("invoices")
        assert (invoice.status, invoice.tax_status) == ("closed", None)


async def test_a_number_that_is_taken_back_lets_the_invoices_go_on(ledger: Ledger) -> None:
    with World(instant("2024-06-01T00:00:00Z"), entity={"country": "FR"}) as world:
        world.execute("UPDATE billing_entities SET eu_tax_management = true WHERE id = %s", world.organization_id)
        customer = waiting_customer(world, country="DE", tax_identification_number="DE136695976")
        add_on = {"code": "setup", "name": "Setup", "amount_cents": 1000, "amount_currency": "USD"}
        world.insert("add_ons", organization_id=world.organization_id, **add_on)
        await one_off(world, "2024-06-11T00:00:00Z", customer, fees=[{"add_on_code": "setup"}])
        ledger.jobs.clear()
        async with tenant_work(world.tenant) as work:
            await update_customer(work, customer, {"tax_identification_number": None})
        assert ledger.arguments(FINISH_WAITING) == [{"customer_id": customer}]
        await finish(world, "2024-06-12T00:00:00Z", customer)
        assert [(each.status, each.taxes_amount_cents) for each in world.rows("invoices")] == [("finalized", 190)]
