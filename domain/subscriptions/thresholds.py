"""The usage thresholds that apply to subscriptions: the own ones, else the plan's, else those of the plan's parent.

Source: handbook, metering 18.1.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

__all__ = ["applicable_thresholds", "own_thresholds"]

RowOf = sa.Row[Any]

_APPLICABLE: Final = sa.text(
    """
    SELECT s.id AS of_subscription, t.id, t.amount_cents, t.recurring, t.threshold_display_name, t.created_at,
           t.updated_at, CASE WHEN t.subscription_id IS NOT NULL THEN 0 WHEN t.plan_id = s.plan_id THEN 1 ELSE 2 END
           AS place
    FROM subscriptions s
    JOIN plans p ON p.id = s.plan_id
    JOIN usage_thresholds t ON t.deleted_at IS NULL
                           AND (t.subscription_id = s.id OR t.plan_id = p.id OR t.plan_id = p.parent_id)
    WHERE s.id = ANY(:ids) AND NOT s.progressive_billing_disabled
    ORDER BY s.id, t.recurring, t.amount_cents
    """
)
_OWN: Final = sa.text(
    """
    SELECT subscription_id AS of_subscription, id, amount_cents, recurring, threshold_display_name, created_at,
           updated_at
    FROM usage_thresholds WHERE subscription_id = ANY(:ids) AND deleted_at IS NULL
    ORDER BY subscription_id, recurring, amount_cents
    """
)


async def applicable_thresholds(session: AsyncSession, subscription_ids: Collection[UUID]) -> dict[UUID, list[RowOf]]:
    """The thresholds of each subscription that has any, fixed ones first, by amount; one statement.

    None apply where progressive billing is disabled.
    """
    found: dict[UUID, list[RowOf]] = {}
    for row in await session.execute(_APPLICABLE, {"ids": list(subscription_ids)}):
        known = found.get(row.of_subscription)
        if known is None or row.place < known[0].place:
            found[row.of_subscription] = [row]
        elif row.place == known[0].place:
            known.append(row)
    return found


async def own_thresholds(session: AsyncSession, subscription_ids: Collection[UUID]) -> dict[UUID, list[RowOf]]:
    """The thresholds that subscriptions have of their own; one statement."""
    found: dict[UUID, list[RowOf]] = defaultdict(list)
    for row in await session.execute(_OWN, {"ids": list(subscription_ids)}):
        found[row.of_subscription].append(row)
    return found
