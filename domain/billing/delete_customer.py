"""What the deletion of a customer drags along. Source: handbook, subscriptions-and-invoices 1.6."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select

from domain.billing.give_up import give_up
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
    """Ends the customers' active subscriptions with their last bill and cancels the others; what they have of
    coupons and wallets ends."""
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
    await terminate_active(work, [row for row in rows if row.status == "active"], now)
    await end_coupons_of_customers(work, customer_ids)
    await terminate_customers_wallets(work, customer_ids)
