"""Reads of features. Lists of ids in, rows or counts by id out: N rows never cost N statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.catalog.entitlements.models import Feature, Privilege
from domain.catalog.queries import page_of
from domain.kernel.errors import NotFound
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.rows import table

__all__ = [
    "feature_missing",
    "feature_row",
    "feature_rows",
    "features_page",
    "privileges_of_features",
    "subscriptions_with",
]

RowOf = sa.Row[Any]

_features, _privileges = table(Feature), table(Privilege)


async def features_page(session: AsyncSession, request: PageRequest, *, search_term: str | None = None) -> Page[RowOf]:
    """Kept features, newest first. search_term: of name or code."""
    select = sa.select(*_features.c).where(_features.c.deleted_at.is_(None))
    if term := (search_term or "").strip()[:255]:
        columns = (_features.c.name, _features.c.code)
        select = select.where(sa.or_(*(column.icontains(term, autoescape=True) for column in columns)))
    return await page_of(session, select, _features, request)


async def feature_row(session: AsyncSession, *, feature_id: UUID | None = None, code: str | None = None) -> RowOf:
    """A kept feature. Raises NotFound."""
    wanted = _features.c.code == code if code is not None else _features.c.id == feature_id
    rows = await session.execute(sa.select(*_features.c).where(wanted, _features.c.deleted_at.is_(None)))
    row: RowOf | None = rows.first()
    if row is None:
        raise NotFound("feature")
    return row


async def feature_missing(session: AsyncSession, code: str) -> NotFound:
    """What to answer somebody who does not have the feature: "entitlement", or "feature" where nobody can have it."""
    known = sa.exists().where(_features.c.code == code, _features.c.deleted_at.is_(None))
    return NotFound("entitlement" if await session.scalar(sa.select(known)) else "feature")


async def feature_rows(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, RowOf]:
    """Features by id, deleted ones as well."""
    if not ids:
        return {}
    return {row.id: row for row in await session.execute(sa.select(*_features.c).where(_features.c.id.in_(ids)))}


async def privileges_of_features(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, list[RowOf]]:
    """The kept privileges of each feature in the order of their creation, of one that is deleted those it had."""
    found: dict[UUID, list[RowOf]] = defaultdict(list)
    if ids:
        rows = await session.execute(
            sa.select(*_privileges.c)
            .where(_privileges.c.feature_id.in_(ids), _privileges.c.deleted_at.is_(None))
            .order_by(_privileges.c.created_at, _privileges.c.id)
        )
        for row in rows:
            found[row.feature_id].append(row)
    return found


# Those on an override have what its parent has.
_SUBSCRIPTIONS = sa.text(
    """
    SELECT entitled.feature_id AS id, count(DISTINCT s.id) AS subscriptions
    FROM (
        SELECT e.feature_id, p.id AS plan_id, NULL::uuid AS subscription_id
        FROM entitlements AS e JOIN plans AS p ON p.id = e.plan_id
        WHERE e.feature_id = ANY(CAST(:ids AS uuid[])) AND e.deleted_at IS NULL
        UNION ALL
        SELECT e.feature_id, p.id, NULL
        FROM entitlements AS e JOIN plans AS p ON p.parent_id = e.plan_id
        WHERE e.feature_id = ANY(CAST(:ids AS uuid[])) AND e.deleted_at IS NULL
        UNION ALL
        SELECT e.feature_id, NULL, e.subscription_id
        FROM entitlements AS e
        WHERE e.feature_id = ANY(CAST(:ids AS uuid[])) AND e.deleted_at IS NULL AND e.subscription_id IS NOT NULL
    ) AS entitled
    CROSS JOIN LATERAL (
        SELECT id, status FROM subscriptions WHERE plan_id = entitled.plan_id
        UNION ALL
        SELECT id, status FROM subscriptions WHERE id = entitled.subscription_id
    ) AS s
    WHERE s.status IN ('pending', 'incomplete', 'active')
      AND NOT EXISTS (
          SELECT FROM subscription_feature_removals AS r
          WHERE r.subscription_id = s.id AND r.feature_id = entitled.feature_id AND r.deleted_at IS NULL
      )
    GROUP BY entitled.feature_id
    """
)


async def subscriptions_with(session: AsyncSession, ids: Collection[UUID]) -> Mapping[UUID, int]:
    """How many subscriptions that have not ended have each feature; none are left out."""
    rows = await session.execute(_SUBSCRIPTIONS, {"ids": list(ids)})
    return {row.id: row.subscriptions for row in rows}
