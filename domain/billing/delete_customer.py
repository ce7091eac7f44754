"""What the deletion of a customer drags along. Source: handbook, subscriptions-and-invoices 1.6."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select

from domain.billing.bill import bill_subscriptions
from domain.billing.drafts import finalize_drafts_of_customers
from domain.billing.events import BillingDue
from domain.billing.give_up import give_up
from domain.billing.requests import BillRequest
from domain.billing.terminate import terminate_active
from domain.credits.applied_coupons import end_coupons_of_customers
from domain.credits.wallets.update import terminate_customers_wallets
from domain.kernel import clock
from domain.kernel.unit_of_work import UnitOfWork
from domain.subscriptions.life import cancel
from domain.subscriptions.models import Subscription

__all__ = ["end_subscriptions_of_customers"]

LIVE = ("active", "pending", "incomplete")


async def end_subscriptions_of_customers(work: UnitOfWork, customer_ids: Sequence[UUID]) -> None:
    """Ends the customers' active subscriptions with their last bill and cancels the others; then what they have of
    coupons and wallets ends, and their drafts are finalized without."""
    now = clock.now()
    query = (
        select(Subscription)
        .where(col(Subscription.customer_id).in_(customer_ids), col(Subscription.status).in_(LIVE))
        .order_by(col(Subscription.id))
        .with_for_update()
    )
    rows = (await work.session.execute(query)).scalars().all()
    for row in rows:
        if row.status == "pending":
            await cancel(work, row, now)
    await give_up(work, [row for row in rows if row.status == "incomplete"], now, "declined")
    recorded = work.recorded
    await terminate_active(work, [row for row in rows if row.status == "active"], now)
    # Billed here and not in a job of its own, so that the last bill finds coupons and wallets.
    due = _taken(work, recorded[0])
    if due:
        await bill_subscriptions(work, [BillRequest(each.subscription_ids, each.at, each.reason) for each in due])
    await finalize_drafts_of_customers(work, customer_ids)
    await end_coupons_of_customers(work, customer_ids)
    await terminate_customers_wallets(work, customer_ids)


def _taken(work: UnitOfWork, since: int) -> list[BillingDue]:
    """The bills asked for from that event on, which are asked for no more."""
    events = work.events_since((since, 0))
    work.forget_since((since, work.recorded[1]))
    for event in events:
        if not isinstance(event, BillingDue):
            work.record(event)
    return [event for event in events if isinstance(event, BillingDue)]
