"""Putting a customer on a plan: a first subscription, an upgrade, a downgrade, or nothing new.

Source: handbook, subscriptions-and-invoices 1.1 to 1.5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from domain.billing.events import BillingDue
from domain.billing.gate import refuse_unpayable
from domain.billing.override import overridden_price, plan_to_start_on
from domain.billing.own_thresholds import give_thresholds, read_own_thresholds, thresholds_of_planned
from domain.billing.start import is_free, start, start_if_unpaid
from domain.billing.units import record_first_units
from domain.billing.unused_days import credit_unused_days
from domain.catalog.models import Plan
from domain.catalog.override_plan import read_overrides
from domain.catalog.usage_thresholds import ThresholdTerms
from domain.customers.models import Customer
from domain.customers.payment_reference import CUSTOMERS_WAY, PaymentReference
from domain.identity.custom_sections import NOTHING_ASKED, Selection
from domain.identity.models import BillingEntity
from domain.identity.queries import kept_billing_entity_id
from domain.kernel import clock
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Reader
from domain.payments.methods import asked_reference
from domain.subscriptions import queries
from domain.subscriptions.activation_rules import RuleTerms, evaluate_rules, read_activation_rules, rules_of, set_rules
from domain.subscriptions.custom_sections import choose_sections, inherit_sections, read_sections
from domain.subscriptions.events import SubscriptionUpdated
from domain.subscriptions.fixed_units import set_own_units
from domain.subscriptions.instants import local_date
from domain.subscriptions.life import (
    Opening,
    activate,
    cancel,
    open_subscription,
    refuse_taken_external_id,
    terminate_row,
)
from domain.subscriptions.models import Subscription
from domain.subscriptions.plan_change import is_upgrade

__all__ = [
    "AFTER_UPGRADE",
    "Asked",
    "asked_entity",
    "customer_zone",
    "pay_by",
    "plan_by_code",
    "read_options",
    "refuse_unsupported",
    "subscribe",
    "upgrade_to_planned",
]

AFTER_UPGRADE = timedelta(seconds=1)
"""A change of plan is billed so long after it."""

# Parts of the interface whose meaning is not built yet: refused when they ask for something, never dropped silently.
UNSUPPORTED = ("authorization",)


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of a subscription as a client sent them; a name stands in `given` when its key was there."""

    name: str | None
    subscription_at: datetime | None
    ending_at: datetime | None
    billing_time: str | None
    consolidate_invoice: bool | None
    purchase_order_number: str | None
    overrides: Mapping[str, Any] | None
    progressive_billing_disabled: bool | None
    given: frozenset[str]
    billing_entity_id: UUID | None = None
    thresholds: Sequence[ThresholdTerms] | None = None
    sections: Selection = NOTHING_ASKED
    rules: Sequence[RuleTerms] | None = None
    payment: PaymentReference | None = None


def refuse_unsupported(read: Reader) -> None:
    """Notes an error for every option that Tarn can't honour yet."""
    for name in UNSUPPORTED:
        if read.params.get(name) not in (None, False, [], {}, ""):
            read.add(name, "unsupported_value")


def read_options(read: Reader, *, pending: bool = True, starts_at: datetime | None = None) -> Asked:
    """Reads what creation and update share. ending_at must lie on a later UTC date than today and the start.

    pending: whether the subscription has not started. starts_at: its subscription_at, if it is there already.
    """
    refuse_unsupported(read)
    rules = read_activation_rules(read, pending=pending)
    subscription_at = read.anchor("subscription_at")
    ending_at = read.instant("ending_at")
    if ending_at is not None:
        start = max(subscription_at or starts_at or clock.now(), clock.now())
        if ending_at.date() <= start.date():
            read.add("ending_at", "invalid_date")
    return Asked(
        name=read.text("name"),
        subscription_at=subscription_at,
        ending_at=ending_at,
        billing_time=read.choice("billing_time", ("calendar", "anniversary")),
        consolidate_invoice=read.boolean("consolidate_invoice"),
        purchase_order_number=read.text("purchase_order_number"),
        overrides=read_overrides(read),
        progressive_billing_disabled=read.boolean("progressive_billing_disabled"),
        given=frozenset(read.params),
        thresholds=read_own_thresholds(read),
        rules=rules,
    )


async def customer_zone(work: UnitOfWork, customer: Customer) -> ZoneInfo:
    """The zone of the customer's local dates: its own, else its billing entity's."""
    name = customer.timezone
    if not name:
        entity = await work.session.get(BillingEntity, customer.billing_entity_id)
        name = entity.timezone if entity else None
    return ZoneInfo(name or "UTC")


async def subscribe(
    work: UnitOfWork, customer: Customer, plan: Plan, external_id: str, params: Mapping[str, Any]
) -> Subscription:
    """Puts the customer on the plan, under a lock on the customer.

    Returns the row that is now (or will be) the customer's subscription of that external id; for a downgrade the
    current one, with its successor pending. Raises ValidationFailed and NotFound.
    """
    read = Reader(params)
    asked = read_options(read)
    await refuse_unpayable(work, read, customer, asked.rules)
    sections = await read_sections(work, read)
    payment = await asked_reference(work, read, customer.id)
    read.finish()
    entity_id = await asked_entity(work, params)
    asked = replace(asked, billing_entity_id=entity_id, sections=sections, payment=payment)
    await work.session.refresh(customer, with_for_update=True)
    if not customer.currency:
        customer.currency = plan.amount_currency
    if await queries.find_incomplete(work.session, customer.id, external_id):
        raise ValidationFailed({"subscription": ["subscription_incomplete"]})
    current = await queries.current_of_customer(work.session, customer.id, external_id)
    if current is None:
        if await queries.find(work.session, external_id):
            refuse_taken_external_id()
        return await _first(work, customer, plan, external_id, asked)
    if current.plan_id == plan.id:
        return current
    if current.status == "pending":
        plan, own = await plan_to_start_on(work, plan, asked.overrides)
        current.plan_id = plan.id
        current.name = asked.name or current.name
        current.billing_entity_id = asked.billing_entity_id or current.billing_entity_id
        pay_by(current, asked.payment)
        await set_own_units(work, current.id, own.units if own else {})
        await give_thresholds(work, current, plan, asked.thresholds)
        await choose_sections(work, current, asked.sections)
        await set_rules(work, current.id, asked.rules)
        await work.session.flush()
        return current
    old = await work.session.get_one(Plan, current.plan_id)
    if is_upgrade((old.amount_cents, old.interval), overridden_price(plan, asked.overrides)):
        return await _upgrade(work, current, old, plan, asked)
    return await _downgrade(work, current, plan, asked)


def pay_by(row: Subscription, payment: PaymentReference | None) -> None:
    """The invoices of a row are paid so from now on; None leaves it as it is."""
    if payment is not None:
        row.payment_method_type, row.payment_method_id = payment.kind, payment.method_id


async def asked_entity(work: UnitOfWork, params: Mapping[str, Any]) -> UUID | None:
    """The billing entity that is to issue the invoices, named by code or id. Raises NotFound."""
    return await kept_billing_entity_id(
        work, code=params.get("billing_entity_code"), id=params.get("billing_entity_id")
    )


async def _first(work: UnitOfWork, customer: Customer, plan: Plan, external_id: str, asked: Asked) -> Subscription:
    now = clock.now()
    zone = await customer_zone(work, customer)
    subscription_at = asked.subscription_at or now
    plan, own = await plan_to_start_on(work, plan, asked.overrides)
    row = await open_subscription(
        work,
        Opening(
            customer_id=customer.id,
            plan_id=plan.id,
            external_id=external_id,
            subscription_at=subscription_at,
            billing_time=asked.billing_time or "calendar",
            name=asked.name,
            ending_at=asked.ending_at,
            consolidate_invoice=asked.consolidate_invoice is not False,
            purchase_order_number=asked.purchase_order_number,
            progressive_billing_disabled=bool(asked.progressive_billing_disabled),
            billing_entity_id=asked.billing_entity_id,
            payment=asked.payment or CUSTOMERS_WAY,
        ),
    )
    await set_own_units(work, row.id, own.units if own else {})
    await choose_sections(work, row, asked.sections)
    await set_rules(work, row.id, asked.rules)
    day, today = local_date(subscription_at, zone), local_date(now, zone)
    if day > today:
        await give_thresholds(work, row, plan, asked.thresholds)
        return row
    if day == today:
        await start(work, row, plan, subscription_at, now)
        await give_thresholds(work, row, plan, asked.thresholds)
        return row
    # Backdated: nothing is billed now, so nothing can be paid first; the next billing day covers the time since.
    await evaluate_rules(work, row.id, now, applicable=False)
    earliest = await queries.latest_termination(work.session, customer.id, external_id)
    await activate(work, row, max(subscription_at, earliest) if earliest else subscription_at, now)
    await record_first_units(work, [row.id])
    await give_thresholds(work, row, plan, asked.thresholds)
    return row


def _successor(current: Subscription, plan: Plan, asked: Asked) -> Opening:
    """What follows the current row: same anchor, same external id; the rest inherited unless given."""
    return Opening(
        customer_id=current.customer_id,
        plan_id=plan.id,
        external_id=current.external_id,
        subscription_at=current.subscription_at,
        billing_time=current.billing_time,
        name=asked.name,
        ending_at=asked.ending_at if "ending_at" in asked.given else current.ending_at,
        consolidate_invoice=(
            current.consolidate_invoice if asked.consolidate_invoice is None else asked.consolidate_invoice
        ),
        purchase_order_number=(
            asked.purchase_order_number if "purchase_order_number" in asked.given else current.purchase_order_number
        ),
        progressive_billing_disabled=(
            current.progressive_billing_disabled
            if asked.progressive_billing_disabled is None
            else asked.progressive_billing_disabled
        ),
        billing_entity_id=asked.billing_entity_id or current.billing_entity_id,
        payment=asked.payment or PaymentReference(current.payment_method_type, current.payment_method_id),
        previous_subscription_id=current.id,
    )


async def _upgrade(work: UnitOfWork, current: Subscription, old: Plan, plan: Plan, asked: Asked) -> Subscription:
    """Immediate: the old row ends, the new one starts, and one billing run covers both."""
    now = clock.now()
    planned = (await queries.pending_successor(work.session, [current.id])).get(current.id)
    if planned is not None:
        await cancel(work, planned, now)
    plan, own = await plan_to_start_on(work, plan, asked.overrides)
    row = await open_subscription(work, _successor(current, plan, asked))
    await set_own_units(work, row.id, own.units if own else {})
    await give_thresholds(work, row, plan, asked.thresholds)
    await inherit_sections(work, planned or current, row, asked.sections)
    await set_rules(work, row.id, asked.rules)
    if await start_if_unpaid(work, row, plan, now, billed_at=now + AFTER_UPGRADE):
        return row
    await credit_unused_days(work, [current], now, upgraded=True)
    await terminate_row(work, current, now)
    await activate(work, row, now, now)
    billed = [current.id]
    pays_in_advance = await record_first_units(work, [row.id])
    if pays_in_advance or (plan.pay_in_advance and not await is_free(work, row.id, plan, None, now)):
        billed.append(row.id)
    work.record(BillingDue(tuple(billed), now + AFTER_UPGRADE, "upgrading"))
    return row


async def upgrade_to_planned(
    work: UnitOfWork, current: Subscription, old: Plan, planned: Subscription, plan: Plan
) -> Subscription:
    """A planned change of plan that is an upgrade by now takes effect at once, with what was asked for."""
    asked = Asked(
        name=planned.name,
        subscription_at=None,
        ending_at=planned.ending_at,
        billing_time=None,
        consolidate_invoice=planned.consolidate_invoice,
        purchase_order_number=planned.purchase_order_number,
        overrides=None,
        progressive_billing_disabled=planned.progressive_billing_disabled,
        given=frozenset({"ending_at", "purchase_order_number"}),
        billing_entity_id=planned.billing_entity_id,
        payment=PaymentReference(planned.payment_method_type, planned.payment_method_id),
        thresholds=await thresholds_of_planned(work, planned),
        rules=await rules_of(work, planned.id),
    )
    return await _upgrade(work, current, old, plan, asked)


async def _downgrade(work: UnitOfWork, current: Subscription, plan: Plan, asked: Asked) -> Subscription:
    """Deferred to the end of the period: a pending successor waits, the current row is returned."""
    planned = (await queries.pending_successor(work.session, [current.id])).get(current.id)
    if planned is not None:
        if planned.plan_id == plan.id:
            return current
        await cancel(work, planned, clock.now())
    plan, own = await plan_to_start_on(work, plan, asked.overrides)
    row = await open_subscription(work, _successor(current, plan, asked))
    await set_own_units(work, row.id, own.units if own else {})
    await give_thresholds(work, row, plan, asked.thresholds)
    await inherit_sections(work, current, row, asked.sections)
    await set_rules(work, row.id, asked.rules)
    work.record(SubscriptionUpdated((current.id,)))
    return current


async def plan_by_code(work: UnitOfWork, code: object) -> Plan:
    """The plan that a client means by its code. Raises NotFound."""
    query = select(Plan).where(col(Plan.code) == code, col(Plan.deleted_at).is_(None), col(Plan.parent_id).is_(None))
    plan = (await work.session.execute(query)).scalars().first() if isinstance(code, str) else None
    if plan is None:
        raise NotFound("plan")
    return plan
