"""The hourly job that notices ended trials and bills what was free until then.

Source: handbook, subscriptions-and-invoices 1.7.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import col, select

from domain.billing.events import BillingDue
from domain.catalog.models import Plan
from domain.customers.models import Customer
from domain.identity.models import BillingEntity
from domain.invoicing.models import Fee, Invoice, InvoiceSubscription
from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.subscriptions import queries
from domain.subscriptions.events import SubscriptionTrialEnded
from domain.subscriptions.instants import local_date
from domain.subscriptions.models import Subscription
from domain.subscriptions.trial import trial_ends_at

__all__ = ["bill_ended_trials"]

CHUNK = 500


async def bill_ended_trials(work: UnitOfWork) -> int:
    """Marks the trials that are over and bills the base fee of plans paid in advance; returns how many ended.

    Nothing is billed where the periodic run has billed today, or a base fee was already invoiced on the start day.
    """
    now = clock.now()
    query = (
        select(Subscription, Plan, queries.ZONE)
        .join(Plan, col(Plan.id) == col(Subscription.plan_id))
        .join(Customer, col(Customer.id) == col(Subscription.customer_id))
        .join(BillingEntity, col(BillingEntity.id) == col(Customer.billing_entity_id))
        .where(
            col(Subscription.status) == "active",
            col(Subscription.trial_ended_at).is_(None),
            col(Plan.trial_period) > 0,
        )
        .order_by(col(Subscription.id))
        .with_for_update(of=Subscription, skip_locked=True)
    )
    candidates = list(await work.session.execute(query))
    if not candidates:
        return 0
    first = await queries.first_starts(work.session, [row.id for row, _, _ in candidates])
    ended = [
        (row, plan, ZoneInfo(zone_name), end)
        for row, plan, zone_name in candidates
        if (end := trial_ends_at(first[row.id], plan.trial_period)) is not None and end <= now
    ][:CHUNK]
    billed_on = await _billed_dates(work, [row for row, _, _, _ in ended])
    for row, plan, customer_zone, end in ended:
        row.trial_ended_at = end
        dates = {local_date(instant, customer_zone) for instant in billed_on.get(row.id, ())}
        start_day = local_date(row.started_at or row.subscription_at, customer_zone)
        if plan.pay_in_advance and not dates & {local_date(now, customer_zone), start_day}:
            work.record(BillingDue((row.id,), now, "subscription_starting", skip_charges=True))
        work.record(SubscriptionTrialEnded((row.id,)))
    return len(ended)


async def _billed_dates(work: UnitOfWork, rows: list[Subscription]) -> dict[UUID, list[datetime]]:
    """When a periodic run or a base fee was invoiced for each row."""
    if not rows:
        return {}
    ids = [row.id for row in rows]
    period, fee, invoice = table(InvoiceSubscription).c, table(Fee).c, table(Invoice).c
    recurring = sa.select(period.subscription_id, period.timestamp).where(
        period.subscription_id.in_(ids), period.recurring
    )
    base = (
        sa.select(fee.subscription_id, period.timestamp)
        .join(table(Invoice), invoice.id == fee.invoice_id)
        .join(
            table(InvoiceSubscription),
            sa.and_(period.invoice_id == invoice.id, period.subscription_id == fee.subscription_id),
        )
        .where(fee.subscription_id.in_(ids), fee.fee_type == "subscription")
    )
    found: dict[UUID, list[datetime]] = {}
    for subscription_id, instant in await work.session.execute(recurring.union_all(base)):
        found.setdefault(subscription_id, []).append(instant)
    return found
