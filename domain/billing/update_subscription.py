"""Editing a subscription. Source: handbook, subscriptions-and-invoices 1.4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.billing.gate import refuse_unpayable
from domain.billing.override import apply_overrides
from domain.billing.own_thresholds import give_thresholds
from domain.billing.start import start
from domain.billing.subscribe import asked_entity, customer_zone, pay_by, read_options
from domain.billing.terminate import CREDIT_NOTE_MODES, INVOICE_MODES
from domain.billing.units import record_first_units
from domain.catalog.models import Plan
from domain.customers.models import Customer
from domain.kernel import clock
from domain.kernel.errors import NotAllowed
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Reader
from domain.payments.methods import asked_reference
from domain.subscriptions.activation_rules import evaluate_rules, set_rules, waiting_for_payment
from domain.subscriptions.custom_sections import choose_sections, read_sections
from domain.subscriptions.events import SubscriptionUpdated
from domain.subscriptions.instants import local_date
from domain.subscriptions.life import activate
from domain.subscriptions.models import Subscription

__all__ = ["update_subscription"]


async def update_subscription(work: UnitOfWork, row: Subscription, params: Mapping[str, Any]) -> Subscription:
    """Changes what was given. Moving the start of a pending row to today or earlier activates it."""
    if row.status == "incomplete":
        raise NotAllowed("subscription_incomplete")
    read = Reader(params)
    asked = read_options(read, pending=row.status == "pending", starts_at=row.subscription_at)
    plan = await work.session.get_one(Plan, row.plan_id)
    credit_note = row.on_termination_credit_note
    if plan.pay_in_advance and "on_termination_credit_note" in read:
        credit_note = read.choice("on_termination_credit_note", CREDIT_NOTE_MODES, code="invalid_value")
    invoice_mode = read.choice("on_termination_invoice", INVOICE_MODES, code="invalid_value")
    invoice_mode = invoice_mode or row.on_termination_invoice
    sections = await read_sections(work, read)
    payment = await asked_reference(work, read, row.customer_id)
    customer = await work.session.get_one(Customer, row.customer_id)
    await refuse_unpayable(work, read, customer, asked.rules)
    read.finish()
    row.billing_entity_id = await asked_entity(work, params) or row.billing_entity_id
    if "purchase_order_number" in asked.given and asked.purchase_order_number != row.purchase_order_number:
        if row.status not in ("pending", "active"):
            raise NotAllowed("purchase_order_number_not_editable")
        row.purchase_order_number = asked.purchase_order_number
    if "name" in asked.given:
        row.name = asked.name
    if "ending_at" in asked.given:
        row.ending_at = asked.ending_at
    if asked.consolidate_invoice is not None:
        row.consolidate_invoice = asked.consolidate_invoice
    if asked.progressive_billing_disabled is not None:
        row.progressive_billing_disabled = asked.progressive_billing_disabled
    row.on_termination_credit_note, row.on_termination_invoice = credit_note, invoice_mode
    pay_by(row, payment)
    await choose_sections(work, row, sections)
    if row.status == "pending":
        await set_rules(work, row.id, asked.rules)
    if asked.overrides is not None:
        plan = await apply_overrides(work, row, plan, asked.overrides)
    await work.session.flush()
    await give_thresholds(work, row, plan, asked.thresholds)
    if asked.subscription_at is not None and row.status == "pending" and row.previous_subscription_id is None:
        row.subscription_at = asked.subscription_at
        await _start_if_due(work, row, plan, customer)
    await work.session.flush()
    work.record(SubscriptionUpdated((row.id,)))
    return row


async def _start_if_due(work: UnitOfWork, row: Subscription, plan: Plan, customer: Customer) -> None:
    now, zone = clock.now(), await customer_zone(work, customer)
    day, today = local_date(row.subscription_at, zone), local_date(now, zone)
    if day == today and await waiting_for_payment(work, [row.id]):
        # The job that starts what is due has it wait for its payment.
        return
    if day == today:
        await start(work, row, plan, row.subscription_at, now)
    elif day < today:
        await evaluate_rules(work, row.id, now, applicable=False)
        await activate(work, row, row.subscription_at, now)
        await record_first_units(work, [row.id])
