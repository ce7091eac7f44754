"""Which subscriptions are to be looked at because they were used, or because something about them changed.

A subscription is watched when usage thresholds apply to it or an alert is set on it; others leave no trace here.
Source: handbook, metering 5 and 19.3.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from domain.kernel import clock
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.events import LookAsked

__all__ = ["LOOK", "claim_activities", "note_activity", "note_plans", "note_use"]

LOOK: Final = "billing.look_at_usage"
"""The job that looks at all subscriptions noted here; one waits at a time."""

_WATCHED: Final = """
    s.status = 'active' AND (
        EXISTS (SELECT FROM usage_alerts a
                WHERE a.organization_id = s.organization_id AND a.subscription_external_id = s.external_id
                  AND a.wallet_id IS NULL AND a.deleted_at IS NULL)
        OR (NOT s.progressive_billing_disabled AND EXISTS (
            SELECT FROM usage_thresholds t JOIN plans p ON p.id = s.plan_id
            WHERE t.deleted_at IS NULL
              AND (t.subscription_id = s.id OR t.plan_id = p.id OR t.plan_id = p.parent_id))))
"""
_INSERT: Final = """
    INSERT INTO subscription_activities (id, organization_id, subscription_id, created_at, updated_at)
    SELECT uuidv7(), s.organization_id, s.id, CAST(:now AS timestamptz), CAST(:now AS timestamptz)
    FROM subscriptions s
    WHERE s.organization_id = CAST(:organization_id AS uuid) AND {which} AND
"""
_USED: Final = sa.text(_INSERT.format(which="s.external_id = ANY(:keys)") + _WATCHED)
_CHANGED: Final = sa.text(_INSERT.format(which="s.id = ANY(:keys)") + _WATCHED)
_PLANS: Final = sa.text(
    _INSERT.format(which="s.plan_id IN (SELECT p.id FROM plans p WHERE p.id = ANY(:keys) OR p.parent_id = ANY(:keys))")
    + _WATCHED
)
# Rows that another look has claimed, or that are not committed yet, are left to it and to the next.
_CLAIM: Final = sa.text(
    """
    DELETE FROM subscription_activities a USING (
        SELECT id FROM subscription_activities WHERE organization_id = CAST(:organization_id AS uuid)
        ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED
    ) claimed
    WHERE a.id = claimed.id RETURNING a.subscription_id
    """
)


async def note_use(work: UnitOfWork, external_ids: Collection[str]) -> None:
    """Notes that events of these external ids came in, and asks for a look; one statement."""
    await _note(work, _USED, sorted(external_ids))


async def note_activity(work: UnitOfWork, subscription_ids: Collection[UUID]) -> None:
    """Notes that something about these subscriptions changed, and asks for a look; one statement."""
    await _note(work, _CHANGED, sorted(subscription_ids))


async def note_plans(work: UnitOfWork, plan_ids: Collection[UUID]) -> None:
    """Notes that something about these plans changed, for their subscriptions and those of their overrides."""
    await _note(work, _PLANS, sorted(plan_ids))


async def _note(work: UnitOfWork, statement: sa.TextClause, keys: list[str] | list[UUID]) -> None:
    if not keys:
        return
    values = {"organization_id": work.organization_id, "keys": keys, "now": clock.now()}
    result = await work.session.execute(statement, values)
    # In a sandbox time stands still: the look is the scheduled job's, which comes when its clock is advanced.
    if result.rowcount and not clock.frozen():  # type: ignore[attr-defined]
        work.record(LookAsked())


async def claim_activities(work: UnitOfWork, most: int) -> tuple[list[UUID], bool]:
    """Takes at most so many notes out: the subscriptions they are of, in order, and whether there may be more."""
    values = {"organization_id": work.organization_id, "most": most}
    claimed = (await work.session.execute(_CLAIM, values)).scalars().all()
    return sorted(set(claimed)), len(claimed) == most
