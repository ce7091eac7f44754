"""The order in which events are billed that are paid in advance: within a subscription that of the events.

Each event costs what it adds to those before it, so the fees of a subscription depend on the order in which they are
made. Jobs run in any order and several at once; therefore a job first locks its subscriptions and then bills whatever
waits for them in the ledger, the earliest events first, whichever job asked for it. Source: handbook, metering 8.1
and 11.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.post_process import PAY_IN_ADVANCE

__all__ = ["EVENTS_PER_TURN", "next_turn"]

EVENTS_PER_TURN: Final = 500

_SUBSCRIPTIONS: Final = sa.text(
    """
    SELECT DISTINCT external_subscription_id FROM events
    WHERE id = ANY(:ids) AND organization_id = :organization_id AND external_subscription_id IS NOT NULL
    """
)
# In the order in which every run locks them: see facts.py.
_LOCK: Final = sa.text(
    """
    SELECT id FROM subscriptions
    WHERE organization_id = :organization_id AND external_id = ANY(:subscriptions)
      AND status IN ('active', 'terminated')
    ORDER BY id FOR NO KEY UPDATE
    """
)
# A job that failed already, or that is to be done alone, is not waited for: what is wrong with its event must not keep
# the others from being billed.
_WAITING: Final = sa.text(
    """
    SELECT e.id FROM events AS e
    WHERE e.organization_id = :organization_id AND e.external_subscription_id = ANY(:subscriptions)
      AND e.deleted_at IS NULL
      AND e.id IN (
          SELECT unnest(CAST(:ids AS uuid[]))
          UNION
          SELECT CAST(asked.id AS uuid) FROM jobs AS j
          CROSS JOIN LATERAL jsonb_array_elements_text(j.arguments -> 'event_ids') AS asked(id)
          WHERE j.organization_id = :organization_id AND j.actor = :actor AND j.status = 'pending' AND j.attempts = 0
            AND NOT j.arguments ? 'alone'
            AND coalesce(j.arguments -> 'subscriptions' ?| CAST(:subscriptions AS text[]), true))
    ORDER BY e.timestamp, e.created_at, e.sequence
    LIMIT :most
    """
)


async def next_turn(work: UnitOfWork, event_ids: Sequence[UUID]) -> list[UUID]:
    """The events to bill now, at most EVENTS_PER_TURN, in order: of those asked for and those of the same subscriptions
    that wait in the ledger the earliest ones. The subscriptions stay locked until the end of the transaction."""
    tenant = {"organization_id": work.organization_id, "ids": list(event_ids)}
    subscriptions = list((await work.session.execute(_SUBSCRIPTIONS, tenant)).scalars())
    if not subscriptions:
        return []
    mine = {**tenant, "subscriptions": subscriptions}
    await work.session.execute(_LOCK, mine)
    found = await work.session.execute(_WAITING, {**mine, "actor": PAY_IN_ADVANCE, "most": EVENTS_PER_TURN})
    return list(found.scalars())
