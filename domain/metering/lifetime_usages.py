"""The rows of lifetime usage: one for a chain of subscriptions, carried along. Source: handbook, metering 16.

A plan change hands the row to the successor. A subscription that is made anew under the external id and the start of an
earlier one begins with the historical usage of that one.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from domain.kernel import clock
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params, Reader
from domain.metering.models import LifetimeUsage

__all__ = ["open_lifetime_usages", "set_historical_usage"]

_HAND_OVER: Final = sa.text(
    """
    UPDATE lifetime_usages l SET subscription_id = s.id, updated_at = CAST(:now AS timestamptz)
    FROM subscriptions s
    WHERE s.id = ANY(:ids) AND s.status = 'active' AND l.subscription_id = s.previous_subscription_id
      AND NOT EXISTS (SELECT FROM lifetime_usages own WHERE own.subscription_id = s.id)
    """
)
_OPEN: Final = sa.text(
    """
    INSERT INTO lifetime_usages (id, organization_id, subscription_id, historical_usage_amount_cents, created_at,
                                 updated_at)
    SELECT uuidv7(), s.organization_id, s.id, coalesce(earlier.cents, 0), CAST(:now AS timestamptz),
           CAST(:now AS timestamptz)
    FROM subscriptions s
    LEFT JOIN LATERAL (
        SELECT l.historical_usage_amount_cents AS cents
        FROM subscriptions chain JOIN lifetime_usages l ON l.subscription_id = chain.id
        WHERE chain.organization_id = s.organization_id AND chain.external_id = s.external_id
          AND chain.subscription_at = s.subscription_at AND chain.id <> s.id
        ORDER BY chain.terminated_at DESC NULLS LAST, chain.id DESC LIMIT 1
    ) earlier ON true
    WHERE s.id = ANY(:ids) AND s.status IN ('active', 'terminated') AND NOT EXISTS (
        SELECT FROM subscriptions after WHERE after.previous_subscription_id = s.id
          AND after.status IN ('active', 'terminated'))
    ON CONFLICT (subscription_id) DO NOTHING
    """
)


async def open_lifetime_usages(work: UnitOfWork, subscription_ids: Collection[UUID]) -> None:
    """Sees to it that each of these that started has its row, unless a successor has it; two statements. Done twice it
    is done once."""
    values = {"ids": sorted(subscription_ids), "now": clock.now()}
    await work.session.execute(_HAND_OVER, values)
    await work.session.execute(_OPEN, values)


async def set_historical_usage(work: UnitOfWork, subscription_id: UUID, params: Params) -> None:
    """Sets what was used before Tarn, `external_historical_usage_amount_cents`. Raises ValidationFailed."""
    read = Reader(params)
    cents = read.integer("external_historical_usage_amount_cents", mandatory=True, least=0)
    if "external_historical_usage_amount_cents" in read.errors:
        codes = read.errors.pop("external_historical_usage_amount_cents")
        read.errors["historical_usage_amount_cents"] = codes
    read.finish()
    assert cents is not None
    query = select(LifetimeUsage).where(col(LifetimeUsage.subscription_id) == subscription_id).with_for_update()
    row = (await work.session.execute(query)).scalars().one()
    row.historical_usage_amount_cents = cents
    await work.session.flush()
