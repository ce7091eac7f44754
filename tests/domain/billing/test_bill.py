"""Billing subscriptions: what an invoice contains."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.billing.bill import bill_subscriptions
from domain.billing.lines import AlreadyBilled
from domain.billing.requests import BillRequest
from domain.invoicing.events import InvoicesDrafted, InvoicesFinalized, InvoicesReadyToFinalize
from domain.invoicing.payloads import invoice_details
from domain.kernel.errors import ValidationFailed
from domain.kernel.unit_of_work import tenant_work
from tests.domain.billing.conftest import Ledger
from tests.domain.billing.world import World, instant

PERIODIC = "subscription_periodic"
STARTING = "subscription_starting"
TERMINATING = "subscription_terminating"


async def bill(world: World, *ids: UUID, reason: str = PERIODIC, **more: Any) -> list[UUID]:
    async with tenant_work(world.tenant) as work:
        return await bill_subscriptions(work, [BillRequest(ids, world.now, reason, **more)])


def amounts(world: World, invoice_id: UUID) -> list[int]:
    return [fee.amount_cents for fee in world.rows("fees", order="position", invoice_id=invoice_id)]


def windows(world: World, invoice_id: UUID) -> Sequence[Any]:
    return world.rows("invoice_subscriptions", invoice_id=invoice_id)


async def test_a_month_of_usage_on_three_charge_models_comes_to_109_55_dollars(ledger: Ledger) -> None:
    with World(instant("2023-11-01T00:00:00Z")) as world:
        plan = world.plan(4900)
        ranges = [
            {"from_value": 0, "to_value": 200000, "per_unit_amount": "0.00001", "flat_amount": "0"},
            {"from_value": 200001, "to_value": None, "per_unit_amount": "0.000008", "flat_amount": "0"},
        ]
        world.charge(plan, world.metric("input"), "standard", {"amount": "0.000003"}, 0)
        world.charge(plan, world.metric("output"), "graduated", {"graduated_ranges": ranges}, 1)
        package = {"amount": "0.50", "package_size": 1000, "free_units": 1000}
        world.charge(plan, world.metric("calls"), "package", package, 2)
        subscription = world.subscription(world.customer(), plan, "2023-11-01T00:00:00Z", external_id="code")
        world.event("code", "input", "2023-11-05T00:00:00Z", "18059000")
        world.event("code", "input", "2023-12-01T00:00:00Z", "7")
        world.event("code", "output", "2023-11-30T23:59:59.999Z", "246250")
        world.event("code", "calls", "2023-11-01T00:00:00Z", "8400")
        world.event("other", "calls", "2023-11-02T00:00:00Z", "8400")
        world.at("2023-12-01T00:10:00Z")
        made = await bill(world, subscription)
        invoice = world.invoice_of(made)
        fees = world.rows("fees", order="position", invoice_id=invoice.id)
        assert [fee.amount_cents for fee in fees] == [4900, 5418, 237, 400]
        assert invoice.total_amount_cents == 10955
        assert (invoice.number, invoice.status, invoice.payment_status) == ("NOR-1-001-001", "finalized", "pending")
        assert fees[1].units == Decimal(18059000)
        assert fees[1].properties == {
            "from_datetime": "2023-11-01T00:00:00.000Z",
            "to_datetime": "2023-11-30T23:59:59.999Z",
            "charges_from_datetime": "2023-11-01T00:00:00.000Z",
            "charges_to_datetime": "2023-11-30T23:59:59.999Z",
            "charges_duration": 30,
            "timestamp": "2023-12-01T00:10:00.000Z",
        }
        assert ledger.events == [InvoicesFinalized((invoice.id,))]


async def test_taxes_of_the_billing_entity_are_rounded_once_on_the_invoice() -> None:
    with World(instant("2024-03-01T00:00:00Z")) as world:
        world.tax("20", "vat")
        world.tax("5.5", "local")
        plan = world.plan(1999)
        subscription = world.subscription(world.customer(), plan, "2024-02-01T00:00:00Z")
        invoice = world.invoice_of(await bill(world, subscription))
        assert (invoice.taxes_amount_cents, invoice.taxes_rate) == (510, Decimal("25.5"))
        assert invoice.total_amount_cents == 2509
        lines = world.rows("invoice_applied_taxes", invoice_id=invoice.id)
        assert [(line.tax_code, line.amount_cents, line.taxable_base_amount_cents) for line in lines] == [
            ("vat", 400, 1999),
            ("local", 110, 1999),
        ]
        (fee,) = world.rows("fees", invoice_id=invoice.id)
        assert (fee.taxes_amount_cents, fee.taxes_rate) == (510, Decimal("25.5"))
        assert len(world.rows("fee_applied_taxes", fee_id=fee.id)) == 2


async def test_unused_charges_leave_no_line_and_free_usage_leaves_a_line_of_zero() -> None:
    with World(instant("2024-03-01T00:00:00Z")) as world:
        plan = world.plan(0)
        world.charge(plan, world.metric("unused"), "standard", {"amount": "1"}, 0)
        world.charge(plan, world.metric("free"), "package", {"amount": "5", "package_size": 10, "free_units": 100}, 1)
        subscription = world.subscription(world.customer(), plan, "2024-02-01T00:00:00Z", external_id="sub")
        world.event("sub", "free", "2024-02-10T00:00:00Z", "3")
        made = await bill(world, subscription)
        fees = world.rows("fees", order="position", invoice_id=made[0])
        assert [(fee.fee_type, fee.amount_cents, fee.units) for fee in fees] == [
            ("subscription", 0, 1),
            ("charge", 0, 3),
        ]


async def test_a_plan_in_advance_bills_the_coming_period_and_the_usage_of_the_last() -> None:
    with World(instant("2024-02-10T09:00:00Z")) as world:
        plan = world.plan(10000, pay_in_advance=True)
        world.charge(plan, world.metric("calls"), "standard", {"amount": "1"})
        subscription = world.subscription(world.customer(), plan, "2024-02-10T09:00:00Z", external_id="sub")
        first = await bill(world, subscription, reason=STARTING, skip_charges=True)
        assert amounts(world, first[0]) == [6897]  # 20 of 29 days
        world.event("sub", "calls", "2024-02-20T00:00:00Z", "4")
        world.at("2024-03-01T00:10:00Z")
        second = await bill(world, subscription)
        assert amounts(world, second[0]) == [10000, 400]
        (period,) = windows(world, second[0])
        assert period.from_datetime == instant("2024-03-01T00:00:00Z")
        assert period.charges_from_datetime == instant("2024-02-10T09:00:00Z")
        assert [row.number for row in world.rows("invoices")] == ["NOR-1-001-001", "NOR-1-001-002"]


async def test_an_upgrade_puts_both_subscriptions_on_one_invoice() -> None:
    with World(instant("2024-04-15T10:00:00Z")) as world:
        customer = world.customer()
        old, new = world.plan(10000), world.plan(20000, pay_in_advance=True)
        first = world.subscription(
            customer, old, "2024-02-01T00:00:00Z", external_id="sub", status="terminated",
            terminated_at=instant("2024-04-15T10:00:00Z"),
        )  # fmt: skip
        second = world.subscription(
            customer, new, "2024-04-15T10:00:00Z", external_id="sub", previous_subscription_id=first,
            subscription_at=instant("2024-02-01T00:00:00Z"),
        )  # fmt: skip
        world.at("2024-04-15T10:00:01Z")
        made = await bill(world, first, second, reason="upgrading")
        assert amounts(world, made[0]) == [4667, 10667]  # 14 and 16 of 30 days
        assert [(row.invoicing_reason, row.recurring) for row in windows(world, made[0])] == [
            (TERMINATING, False),
            (STARTING, False),
        ]


async def test_a_termination_bills_the_days_used() -> None:
    with World(instant("2024-04-15T10:00:00Z")) as world:
        subscription = world.subscription(
            world.customer(), world.plan(10000), "2024-02-01T00:00:00Z", status="terminated",
            terminated_at=instant("2024-04-15T10:00:00Z"),
        )  # fmt: skip
        made = await bill(world, subscription, reason=TERMINATING)
        assert amounts(world, made[0]) == [5000]


async def test_a_termination_on_the_first_day_bills_the_period_that_the_hourly_run_has_missed() -> None:
    with World(instant("2024-04-01T00:05:00Z")) as world:
        subscription = world.subscription(
            world.customer(), world.plan(10000), "2024-02-01T00:00:00Z", status="terminated",
            terminated_at=instant("2024-04-01T00:05:00Z"),
        )  # fmt: skip
        made = await bill(world, subscription, reason=TERMINATING)
        (period,) = windows(world, made[0])
        assert (period.from_datetime, amounts(world, made[0])) == (instant("2024-03-01T00:00:00Z"), [10000])


async def test_a_termination_on_the_first_day_bills_the_stub_where_the_period_is_billed() -> None:
    with World(instant("2024-04-01T00:02:00Z")) as world:
        subscription = world.subscription(world.customer(), world.plan(30000), "2024-02-01T00:00:00Z")
        await bill(world, subscription)
        ended = instant("2024-04-01T00:05:00Z")
        world.execute("UPDATE subscriptions SET status = 'terminated', terminated_at = %s", ended)
        world.at("2024-04-01T00:05:00Z")
        made = await bill(world, subscription, reason=TERMINATING)
        assert amounts(world, made[0]) == [1000]


async def test_a_trial_keeps_the_base_fee_away_until_it_ends() -> None:
    with World(instant("2024-03-01T00:10:00Z")) as world:
        plan = world.plan(5000, trial_period=20)
        world.charge(plan, world.metric("calls"), "standard", {"amount": "1"})
        subscription = world.subscription(world.customer(), plan, "2024-02-20T00:00:00Z", external_id="sub")
        world.event("sub", "calls", "2024-02-21T00:00:00Z", "3")
        assert amounts(world, (await bill(world, subscription))[0]) == [300]


async def test_the_window_of_a_customer_in_new_york_starts_at_its_midnight() -> None:
    with World(instant("2024-04-01T04:10:00Z")) as world:
        customer = world.customer(timezone="America/New_York")
        subscription = world.subscription(customer, world.plan(3100), "2024-03-05T10:00:00Z")
        made = await bill(world, subscription)
        (period,) = windows(world, made[0])
        assert period.from_datetime == instant("2024-03-05T05:00:00Z")
        assert period.to_datetime == instant("2024-04-01T03:59:59.999999Z")
        assert amounts(world, made[0]) == [2700]


async def test_an_invoice_of_zero_is_paid_or_closed_as_the_customer_says(ledger: Ledger) -> None:
    with World(instant("2024-03-01T00:10:00Z")) as world:
        plan = world.plan(0)
        kept = world.subscription(world.customer(), plan, "2024-02-01T00:00:00Z")
        skipped_by = world.customer(finalize_zero_amount_invoice="skip")
        skipped = world.subscription(skipped_by, plan, "2024-02-01T00:00:00Z")
        first, second = (await bill(world, kept))[0], (await bill(world, skipped))[0]
        invoice, closed = world.rows("invoices", id=first)[0], world.rows("invoices", id=second)[0]
        assert (invoice.status, invoice.payment_status, invoice.number) == ("finalized", "succeeded", "NOR-1-001-001")
        assert (closed.status, closed.number, closed.sequential_id) == ("closed", "", None)
        assert ledger.events == [InvoicesFinalized((first,))]


async def test_a_grace_period_makes_a_draft_without_number(ledger: Ledger) -> None:
    with World(instant("2024-03-01T00:10:00Z"), {"invoice_grace_period": 3, "net_payment_term": 10}) as world:
        subscription = world.subscription(world.customer(), world.plan(1000), "2024-02-01T00:00:00Z")
        invoice = world.invoice_of(await bill(world, subscription))
        assert (invoice.status, invoice.number, invoice.sequential_id) == ("draft", "NOR-1-DRAFT", None)
        assert str(invoice.expected_finalization_date) == "2024-03-04"
        assert (str(invoice.issuing_date), str(invoice.payment_due_date)) == ("2024-03-04", "2024-03-14")
        assert ledger.events == [InvoicesDrafted((invoice.id,)), InvoicesReadyToFinalize((invoice.id,))]


async def test_a_second_start_of_a_subscription_is_refused() -> None:
    with World(instant("2024-03-01T00:10:00Z")) as world:
        plan = world.plan(100, pay_in_advance=True)
        subscription = world.subscription(world.customer(), plan, "2024-03-01T00:10:00Z")
        await bill(world, subscription, reason=STARTING)
        with pytest.raises(AlreadyBilled, match="subscription_starting"):
            await bill(world, subscription, reason=STARTING)
        assert len(world.rows("invoices")) == 1


async def test_what_started_inside_a_trial_starts_once_more_when_the_trial_has_ended() -> None:
    with World(instant("2024-03-05T10:00:00Z")) as world:
        plan = world.plan(3100, pay_in_advance=True, trial_period=10)
        subscription = world.subscription(world.customer(), plan, "2024-03-05T10:00:00Z")
        (first,) = await bill(world, subscription, reason=STARTING)
        assert amounts(world, first) == []
        ended = instant("2024-03-15T10:00:00Z")
        world.execute("UPDATE subscriptions SET trial_ended_at = %s WHERE id = %s", ended, subscription)
        world.at("2024-03-15T10:35:00Z")
        (second,) = await bill(world, subscription, reason=STARTING)
        assert amounts(world, second) == [1700]
        for at in ("2024-03-15T10:35:00Z", "2024-03-15T11:35:00Z"):
            world.at(at)
            with pytest.raises(AlreadyBilled, match="subscription_starting"):
                await bill(world, subscription, reason=STARTING)


async def test_what_cannot_share_an_invoice_is_refused_and_nothing_is_written() -> None:
    with World(instant("2024-03-01T00:10:00Z")) as world:
        plan = world.plan(100)
        one = world.subscription(world.customer(), plan, "2024-02-01T00:00:00Z", purchase_order_number="A")
        two = world.subscription(world.customer(), plan, "2024-02-01T00:00:00Z", purchase_order_number="B")
        with pytest.raises(ValidationFailed):
            await bill(world, one, two)
        assert world.rows("invoices") == []


async def test_subscriptions_of_another_tenant_are_not_billed() -> None:
    with World(instant("2024-03-01T00:10:00Z")) as mine, World(instant("2024-03-01T00:10:00Z")) as other:
        foreign = other.subscription(other.customer(), other.plan(100), "2024-02-01T00:00:00Z")
        assert await bill(mine, foreign) == []
        assert mine.rows("invoices") == []
        assert other.rows("invoices") == []


async def test_a_yearly_plan_with_monthly_charges_bills_usage_alone_in_between() -> None:
    with World(instant("2024-03-01T00:10:00Z")) as world:
        plan = world.plan(120000, "yearly", bill_charges_monthly=True)
        world.charge(plan, world.metric("calls"), "standard", {"amount": "1"})
        subscription = world.subscription(world.customer(), plan, "2024-02-01T00:00:00Z", external_id="sub")
        world.event("sub", "calls", "2024-02-10T00:00:00Z", "2")
        assert amounts(world, (await bill(world, subscription))[0]) == [200]


async def test_a_carried_metric_is_left_to_the_plan_that_follows_an_upgrade() -> None:
    with World(instant("2024-04-15T10:00:00Z")) as world:
        seats = world.metric("seats", recurring=True)
        old, new = world.plan(3000), world.plan(4000)
        world.charge(old, seats, "standard", {"amount": "10"})
        world.charge(old, world.metric("calls"), "standard", {"amount": "1"}, 1)
        world.charge(new, seats, "standard", {"amount": "10"})
        customer = world.customer()
        ended = instant("2024-04-15T10:00:00Z")
        first = world.subscription(
            customer, old, "2024-02-01T00:00:00Z", external_id="sub", status="terminated", terminated_at=ended
        )
        world.subscription(customer, new, "2024-04-15T10:00:00Z", external_id="sub", previous_subscription_id=first)
        world.event("sub", "seats", "2024-03-02T00:00:00Z", "5")
        world.event("sub", "calls", "2024-04-02T00:00:00Z", "7")
        world.at("2024-04-15T10:00:01Z")
        assert amounts(world, (await bill(world, first, reason="upgrading"))[0]) == [1400, 700]


async def test_numbers_come_from_the_issuing_entity_terms_from_the_customers_and_sections_are_kept() -> None:
    with World(instant("2024-03-01T08:00:00Z"), {"net_payment_term": 5}) as world:
        other = world.insert(
            "billing_entities", organization_id=world.organization_id, code="other", name="Other",
            document_number_prefix="OTH-1", net_payment_term=60, timezone="Asia/Tokyo", email_settings=[],
        )  # fmt: skip
        section = world.insert(
            "invoice_custom_sections", organization_id=world.organization_id, code="bank", name="Bank", details="IBAN"
        )
        (own, issued_elsewhere) = world.subscriptions(2, world.plan(100), "2024-02-01T00:00:00Z")
        world.execute("UPDATE subscriptions SET billing_entity_id = %s WHERE id = %s", other, issued_elsewhere)
        world.insert(
            "billing_entity_custom_sections", organization_id=world.organization_id, section_id=section,
            billing_entity_id=world.organization_id,
        )  # fmt: skip
        world.execute("UPDATE subscriptions SET skip_invoice_custom_sections = true WHERE id = %s", own)
        async with tenant_work(world.tenant) as work:
            requests = [BillRequest((each,), world.now, "subscription_periodic") for each in (own, issued_elsewhere)]
            first, second = await bill_subscriptions(work, requests)
        rows = {row.id: row for row in world.rows("invoices")}
        assert (rows[second].billing_entity_id, rows[first].billing_entity_id) == (other, world.organization_id)
        assert (rows[first].number[:5], rows[second].number[:5]) == ("NOR-1", "OTH-1")
        assert {row.payment_due_date.isoformat() for row in rows.values()} == {"2024-03-06"}
        assert {row.timezone for row in rows.values()} == {"UTC"}
        assert {row.billing_entity_id for row in world.rows("fees", invoice_id=second)} == {other}
        applied = world.rows("invoice_applied_custom_sections")
        assert [(row.invoice_id, row.code, row.details) for row in applied] == [(second, "bank", "IBAN")]
        async with tenant_work(world.tenant) as work:
            shown = (await invoice_details(work, [second]))[second]
        assert [each["code"] for each in shown["applied_invoice_custom_sections"]] == ["bank"]


async def test_a_plan_change_to_another_order_number_entity_or_currency_makes_two_invoices() -> None:
    with World(instant("2024-03-15T08:00:00Z")) as world:
        before, after = world.plan(100), world.plan(900, amount_currency="EUR")
        (ended,) = world.subscriptions(1, before, "2024-02-01T00:00:00Z")
        row = world.rows("subscriptions", id=ended)[0]
        world.execute(
            "UPDATE subscriptions SET status = 'terminated', terminated_at = %s WHERE id = %s", world.now, ended
        )
        columns = ("organization_id", "customer_id", "external_id", "subscription_at", "billing_time")
        begun = world.insert(
            "subscriptions", plan_id=after, previous_subscription_id=ended, status="active", started_at=world.now,
            **{name: getattr(row, name) for name in columns},
        )  # fmt: skip
        world.execute("UPDATE plans SET pay_in_advance = true WHERE id = %s", after)
        async with tenant_work(world.tenant) as work:
            ids = await bill_subscriptions(work, [BillRequest((ended, begun), world.now, "upgrading")])
        assert sorted(row.currency for row in world.rows("invoices")) == ["EUR", "USD"]
        reasons = {row.subscription_id: row.invoicing_reason for row in world.rows("invoice_subscriptions")}
        assert (len(ids), reasons) == (2, {ended: "subscription_terminating", begun: "subscription_starting"})
