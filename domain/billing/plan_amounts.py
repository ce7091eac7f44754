"""When a plan's price changes, planned changes of plan may turn round. Source: handbook, pricing 1.4."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlmodel import col, select

from domain.billing.subscribe import upgrade_to_planned
from domain.catalog.models import Plan
from domain.kernel import clock
from domain.kernel.errors import Refusal
from domain.kernel.unit_of_work import UnitOfWork
from domain.subscriptions.life import cancel
from domain.subscriptions.models import Subscription
from domain.subscriptions.plan_change import yearly_amount

__all__ = ["follow_amounts"]

log = structlog.get_logger(__name__)


async def follow_amounts(work: UnitOfWork, plan_ids: Sequence[UUID]) -> None:
    """Planned downgrades from these plans to what is dearer now are called off; planned subscriptions to these plans
    that are no downgrade any more start at once.

    What may not be upgraded now (see subscribe) stays planned.
    """
    query = (
        select(Subscription)
        .where(col(Subscription.status) == "pending", col(Subscription.previous_subscription_id).is_not(None))
        .order_by(col(Subscription.id))
        .with_for_update()
    )
    planned = (await work.session.execute(query)).scalars().all()
    before = {
        row.id: row
        for row in (
            await work.session.execute(
                select(Subscription).where(
                    col(Subscription.id).in_({row.previous_subscription_id for row in planned}),
                    col(Subscription.status) == "active",
                )
            )
        ).scalars()
    }
    ids = {row.plan_id for row in (*planned, *before.values())}
    plans = {row.id: row for row in (await work.session.execute(select(Plan).where(col(Plan.id).in_(ids)))).scalars()}
    for row in planned:
        current = before.get(row.previous_subscription_id) if row.previous_subscription_id else None
        if current is None:
            continue
        old, new = plans[current.plan_id], plans[row.plan_id]
        old_amount, new_amount = (yearly_amount(plan.amount_cents, plan.interval) for plan in (old, new))
        if new.id in plan_ids and new_amount >= old_amount:
            try:
                await upgrade_to_planned(work, current, old, row, new)
            except Refusal as refusal:
                log.warning("planned change of plan stays planned", subscription=str(row.id), error=str(refusal))
        elif old.id in plan_ids and new_amount > old_amount:
            await cancel(work, row, clock.now())
