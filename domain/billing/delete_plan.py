"""What the deletion of a plan drags along. Source: handbook, pricing 1.5."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from domain.billing.drafts import finalize_drafts_of_plans
from domain.billing.give_up import give_up
from domain.billing.terminate import terminate_active
from domain.catalog.models import Plan
from domain.catalog.plans import remove_plans
from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.subscriptions.life import cancel
from domain.subscriptions.models import Subscription

__all__ = ["end_subscriptions_of_plans"]

s = table(Subscription).c
p = table(Plan).c


async def end_subscriptions_of_plans(work: UnitOfWork, plan_ids: Sequence[UUID]) -> None:
    """Ends active subscriptions with their last bill, cancels the others, finalizes drafts, removes the plans.

    Charges stay, because fees point at them; the code is free again.
    """
    now = clock.now()
    plans = (
        (
            await work.session.execute(
                select(Plan).where(
                    sa.or_(col(Plan.id).in_(plan_ids), col(Plan.parent_id).in_(plan_ids)),
                    col(Plan.deleted_at).is_(None),
                )
            )
        )
        .scalars()
        .all()
    )
    rows = (
        (
            await work.session.execute(
                select(Subscription)
                .where(
                    col(Subscription.plan_id).in_([plan.id for plan in plans]),
                    col(Subscription.status).in_(("active", "pending", "incomplete")),
                )
                .order_by(col(Subscription.id))
                .with_for_update()
            )
        )
        .scalars()
        .all()
    )
    for row in rows:
        if row.status == "pending":
            await cancel(work, row, now)
    await give_up(work, [row for row in rows if row.status == "incomplete"], now, "declined")
    await terminate_active(work, [row for row in rows if row.status == "active"], now)
    await work.session.flush()
    await finalize_drafts_of_plans(work, [plan.id for plan in plans])
    await remove_plans(work, plan_ids)
