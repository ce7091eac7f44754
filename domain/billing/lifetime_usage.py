"""Lifetime usage: what a chain of subscriptions has used since it began. Source: handbook, metering 16.

It is computed when it is asked for: historical usage as the client gave it, what the periods' invoices have billed, and
what the running period has used.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.invoicing.billed_usage import invoiced_usage
from domain.invoicing.passed_thresholds import Completion, Threshold, completions, passed_amount
from domain.kernel import clock
from domain.kernel.errors import NotFound
from domain.kernel.format import instant, instant_or_none
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.current_usage import CurrentUsage, usages_of
from domain.metering.lifetime_usages import open_lifetime_usages
from domain.subscriptions.models import Subscription
from domain.subscriptions.thresholds import applicable_thresholds

__all__ = ["Lifetime", "lifetime_payload", "lifetimes_of", "of_usages"]

_s = table(Subscription).c

# A subscription whose row was not made yet begins with the historical usage of the chain.
_HISTORICAL: Final = sa.text(
    """
    SELECT s.id, s.external_id, s.subscription_at, own.id AS lifetime_usage_id,
           coalesce(own.historical_usage_amount_cents, earlier.cents, 0) AS historical
    FROM subscriptions s
    LEFT JOIN lifetime_usages own ON own.subscription_id = s.id
    LEFT JOIN LATERAL (
        SELECT l.historical_usage_amount_cents AS cents
        FROM subscriptions chain JOIN lifetime_usages l ON l.subscription_id = chain.id
        WHERE own.id IS NULL AND chain.organization_id = s.organization_id AND chain.external_id = s.external_id
          AND chain.subscription_at = s.subscription_at
        ORDER BY chain.terminated_at DESC NULLS LAST, chain.id DESC LIMIT 1
    ) earlier ON true
    WHERE s.id = ANY(:ids) AND s.status IN ('active', 'terminated')
    """
)

_REACHED: Final = sa.text(
    """
    SELECT s.id AS of_subscription, t.id, t.amount_cents, t.recurring, a.lifetime_usage_amount_cents, a.created_at
    FROM subscriptions s
    JOIN subscriptions chain ON chain.organization_id = s.organization_id AND chain.external_id = s.external_id
                            AND chain.subscription_at = s.subscription_at
    JOIN invoice_subscriptions x ON x.subscription_id = chain.id AND x.invoicing_reason = 'progressive_billing'
    JOIN applied_usage_thresholds a ON a.invoice_id = x.invoice_id
    JOIN usage_thresholds t ON t.id = a.usage_threshold_id
    WHERE s.id = ANY(:ids) ORDER BY a.created_at DESC, a.id DESC
    """
)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Amounts in cents. current: None for a subscription that is not active, whose usage is all invoiced. id: of its
    row, None where it has none yet."""

    id: UUID | None
    subscription_id: UUID
    external_subscription_id: str
    since: datetime
    historical_cents: int
    invoiced_cents: int
    current: CurrentUsage | None
    completions: Sequence[Completion] = ()

    @property
    def current_cents(self) -> int:
        return self.current.amount_cents if self.current else 0

    @property
    def total_cents(self) -> int:
        return self.historical_cents + self.invoiced_cents + self.current_cents


async def lifetimes_of(work: UnitOfWork, subscription_ids: Collection[UUID]) -> dict[UUID, Lifetime]:
    """The lifetime usage of these subscriptions that started, with thresholds; a fixed number of statements."""
    ids = sorted(subscription_ids)
    active = (await work.session.execute(sa.select(_s.id).where(_s.id.in_(ids), _s.status == "active"))).scalars().all()
    usages = await usages_of(work, active, apply_taxes=False) if active else []
    found = await of_usages(work.session, ids, {usage.subscription_id: usage for usage in usages})
    thresholds = await applicable_thresholds(work.session, found)
    reached = await _reached(work.session, thresholds)
    now = clock.now()
    for key, rows in thresholds.items():
        found[key] = replace(
            found[key],
            completions=completions(
                [Threshold(row.id, row.amount_cents, row.recurring) for row in rows],
                lifetime_cents=found[key].total_cents,
                now=now,
                reached=reached.get(key),
            ),
        )
    return found


async def of_usages(
    session: AsyncSession, subscription_ids: Collection[UUID], usages: Mapping[UUID, CurrentUsage]
) -> dict[UUID, Lifetime]:
    """Lifetime usage from current usage that was measured before, without thresholds; two statements."""
    ids = list(subscription_ids)
    rows = (await session.execute(_HISTORICAL, {"ids": ids})).all()
    invoiced = await invoiced_usage(session, ids)
    return {
        row.id: Lifetime(
            row.lifetime_usage_id,
            row.id,
            row.external_id,
            row.subscription_at,
            row.historical,
            invoiced.get(row.id, 0),
            usages.get(row.id),
        )
        for row in rows
    }


async def _reached(session: AsyncSession, subscription_ids: Collection[UUID]) -> dict[UUID, dict[int, datetime]]:
    """When amounts of lifetime usage were billed, the first time of each."""
    found: dict[UUID, dict[int, datetime]] = {}
    if subscription_ids:
        for row in await session.execute(_REACHED, {"ids": list(subscription_ids)}):
            threshold = Threshold(row.id, row.amount_cents, row.recurring)
            amount = passed_amount(threshold, row.lifetime_usage_amount_cents)
            found.setdefault(row.of_subscription, {})[amount] = row.created_at
    return found


async def lifetime_payload(work: UnitOfWork, subscription_id: UUID) -> dict[str, Any]:
    """Lifetime usage as REST shows it. Raises NotFound("lifetime_usage")."""
    await open_lifetime_usages(work, [subscription_id])
    found = (await lifetimes_of(work, [subscription_id])).get(subscription_id)
    if found is None or found.id is None:
        raise NotFound("lifetime_usage")
    payload: dict[str, Any] = {
        "lago_id": found.id,
        "lago_subscription_id": found.subscription_id,
        "external_subscription_id": found.external_subscription_id,
        "external_historical_usage_amount_cents": found.historical_cents,
        "invoiced_usage_amount_cents": found.invoiced_cents,
        "current_usage_amount_cents": found.current_cents,
        "from_datetime": instant(found.since),
        "to_datetime": instant(clock.now()),
    }
    if found.completions:
        payload["usage_thresholds"] = [
            {
                "amount_cents": each.amount_cents,
                "completion_ratio": float(each.ratio),
                "reached_at": instant_or_none(each.reached_at),
            }
            for each in found.completions
        ]
    return payload
