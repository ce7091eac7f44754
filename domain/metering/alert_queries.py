"""Reads of usage alerts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from domain.kernel.errors import NotFound
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.rows import table
from domain.metering.models import UsageAlert, UsageAlertThreshold

__all__ = ["Watched", "alert_of", "alerts_of", "alerts_page", "thresholds_of_alerts"]

RowOf = sa.Row[Any]
_a, _t = table(UsageAlert), table(UsageAlertThreshold)


@dataclass(frozen=True, slots=True)
class Watched:
    """What alerts are set on: the subscriptions of an external id, or a wallet."""

    external_id: str | None = None
    wallet_id: UUID | None = None

    def __post_init__(self) -> None:
        assert (self.external_id is None) != (self.wallet_id is None), "one of the two"

    @property
    def condition(self) -> sa.ColumnElement[bool]:
        if self.wallet_id is not None:
            return _a.c.wallet_id == self.wallet_id
        return sa.and_(_a.c.subscription_external_id == self.external_id, _a.c.wallet_id.is_(None))


async def alerts_of(session: AsyncSession, watched: Watched) -> Sequence[UsageAlert]:
    """The alerts that are kept, in the order they were made."""
    query = (
        select(UsageAlert)
        .where(watched.condition, col(UsageAlert.deleted_at).is_(None))
        .order_by(col(UsageAlert.created_at), col(UsageAlert.id))
    )
    return (await session.execute(query)).scalars().all()


async def alerts_page(session: AsyncSession, watched: Watched, request: PageRequest) -> Page[UsageAlert]:
    """A page of the alerts, the latest first; two statements."""
    kept = (watched.condition, _a.c.deleted_at.is_(None))
    total = await session.scalar(sa.select(sa.func.count()).select_from(_a).where(*kept)) or 0
    query = (
        select(UsageAlert)
        .where(*kept)
        .order_by(_a.c.created_at.desc(), _a.c.id.desc())
        .limit(request.size)
        .offset(request.offset)
    )
    return Page((await session.execute(query)).scalars().all(), total, request)


async def alert_of(
    session: AsyncSession,
    *,
    watched: Watched | None = None,
    code: str | None = None,
    alert_id: UUID | None = None,
    locked: bool = False,
) -> UsageAlert:
    """One alert, by the code it has among those of what is watched, or by its id. Raises NotFound."""
    query = select(UsageAlert).where(col(UsageAlert.deleted_at).is_(None))
    if watched is not None:
        query = query.where(watched.condition, col(UsageAlert.code) == code)
    else:
        query = query.where(col(UsageAlert.id) == alert_id)
    if locked:
        query = query.with_for_update()
    row = (await session.execute(query)).scalars().first()
    if row is None:
        raise NotFound("alert")
    return row


async def thresholds_of_alerts(session: AsyncSession, alert_ids: Collection[UUID]) -> dict[UUID, list[RowOf]]:
    """The thresholds of each alert, one-time ones first, by value; one statement."""
    found: dict[UUID, list[RowOf]] = defaultdict(list)
    if alert_ids:
        query = sa.select(*_t.c).where(_t.c.usage_alert_id.in_(alert_ids))
        for row in await session.execute(query.order_by(_t.c.usage_alert_id, _t.c.recurring, _t.c.value)):
            found[row.usage_alert_id].append(row)
    return found
