"""What of the usage of subscriptions has been invoiced: by their periods' invoices, and by progressive ones.

Source: handbook, metering 16 and 18.2; subscriptions 8.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel import clock

__all__ = ["ProgressiveWindow", "invoiced_usage", "progressive_windows"]

# What was paid in advance in a period that runs stands in current usage, and is counted there.
_INVOICED: Final = sa.text(
    """
    SELECT s.id, sum(f.amount_cents) AS cents
    FROM subscriptions s
    JOIN subscriptions chain ON chain.organization_id = s.organization_id AND chain.external_id = s.external_id
                            AND chain.subscription_at = s.subscription_at AND chain.status <> 'canceled'
    JOIN fees f ON f.subscription_id = chain.id AND f.fee_type = 'charge'
    JOIN invoices i ON i.id = f.invoice_id AND i.invoice_type = 'subscription'
                   AND i.status IN ('finalized', 'draft', 'pending')
    WHERE s.id = ANY(:ids)
      AND NOT (f.pay_in_advance AND chain.status = 'active'
               AND (f.properties ->> 'charges_to_datetime')::timestamptz >= CAST(:now AS timestamptz))
    GROUP BY s.id
    """
)
# Of each window the latest invoice: it has all usage of the window so far.
_PROGRESSIVE: Final = sa.text(
    """
    SELECT DISTINCT ON (x.subscription_id, x.charges_from_datetime)
           x.subscription_id, x.charges_from_datetime, x.charges_to_datetime, i.id AS invoice_id, i.fees_amount_cents,
           EXISTS (
               SELECT FROM invoice_subscriptions final JOIN invoices j ON j.id = final.invoice_id
               WHERE final.subscription_id = x.subscription_id
                 AND final.charges_from_datetime >= x.charges_from_datetime
                 AND final.charges_from_datetime < x.charges_to_datetime
                 AND final.charges_to_datetime > final.charges_from_datetime
                 AND final.invoicing_reason IN ('subscription_periodic', 'subscription_terminating')
                 AND j.status IN ('finalized', 'draft', 'pending')
           ) AS settled
    FROM invoice_subscriptions x
    JOIN invoices i ON i.id = x.invoice_id AND i.status IN ('finalized', 'failed', 'pending')
    WHERE x.subscription_id = ANY(:ids) AND x.invoicing_reason = 'progressive_billing'
    ORDER BY x.subscription_id, x.charges_from_datetime, x.timestamp DESC, i.id DESC
    """
)


@dataclass(frozen=True, slots=True)
class ProgressiveWindow:
    """The latest progressive invoice of a usage window. settled: the window's own invoice is there."""

    start: datetime
    end: datetime
    invoice_id: UUID
    fees_amount_cents: int
    settled: bool


async def invoiced_usage(session: AsyncSession, subscription_ids: Collection[UUID]) -> dict[UUID, int]:
    """Cents of usage that the periods' invoices of each chain have billed, drafts included; one statement."""
    rows = await session.execute(_INVOICED, {"ids": list(subscription_ids), "now": clock.now()})
    return {row.id: int(row.cents) for row in rows}


async def progressive_windows(
    session: AsyncSession, subscription_ids: Collection[UUID]
) -> dict[UUID, list[ProgressiveWindow]]:
    """The windows of each subscription that were billed progressively; one statement."""
    found: dict[UUID, list[ProgressiveWindow]] = defaultdict(list)
    for row in await session.execute(_PROGRESSIVE, {"ids": list(subscription_ids)}):
        found[row.subscription_id].append(
            ProgressiveWindow(
                row.charges_from_datetime, row.charges_to_datetime, row.invoice_id, row.fees_amount_cents, row.settled
            )
        )
    return found
