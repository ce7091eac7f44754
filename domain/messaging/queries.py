"""Reading webhook endpoints and webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.ids import parse_id
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.rows import table
from domain.messaging.models import Webhook, WebhookEndpoint

__all__ = ["WebhookFilters", "endpoint_by_id", "endpoints_page", "has_endpoints", "webhook_by_id", "webhooks_page"]

w = table(Webhook).c
e = table(WebhookEndpoint).c


async def has_endpoints(session: AsyncSession) -> bool:
    """Whether the bound organization wants to be told of anything at all."""
    return bool((await session.execute(sa.select(sa.exists(sa.select(table(WebhookEndpoint).c.id))))).scalar_one())


async def endpoint_by_id(session: AsyncSession, identifier: object) -> WebhookEndpoint | None:
    parsed = parse_id(identifier)
    return await session.get(WebhookEndpoint, parsed) if parsed else None


async def webhook_by_id(session: AsyncSession, identifier: object) -> Webhook | None:
    parsed = parse_id(identifier)
    return await session.get(Webhook, parsed) if parsed else None


async def endpoints_page(session: AsyncSession, page: PageRequest, search_term: str | None = None) -> Page[sa.Row[Any]]:
    """Newest first; the search term is looked for in name and address."""
    query = sa.select(table(WebhookEndpoint))
    if search_term and search_term.strip():
        found = (column.icontains(search_term.strip(), autoescape=True) for column in (e.webhook_url, e.name))
        query = query.where(sa.or_(*found))
    return await _page(session, query, page, (e.created_at.desc(), e.id.desc()))


@dataclass(frozen=True, slots=True)
class WebhookFilters:
    """What a list of webhooks asks for. `http_statuses`: 404, 4xx, 404-412 or timeout. Dates are of the last change."""

    webhook_endpoint_id: UUID
    statuses: Sequence[str] = ()
    event_types: Sequence[str] = ()
    http_statuses: Sequence[str] = ()
    from_date: datetime | None = None
    to_date: datetime | None = None
    search_term: str | None = None


async def webhooks_page(session: AsyncSession, filters: WebhookFilters, page: PageRequest) -> Page[sa.Row[Any]]:
    """Last changed first."""
    query = sa.select(table(Webhook)).where(w.webhook_endpoint_id == filters.webhook_endpoint_id)
    if filters.statuses:
        query = query.where(w.status.in_(filters.statuses))
    if filters.event_types:
        query = query.where(w.webhook_type.in_(filters.event_types))
    if filters.http_statuses:
        query = query.where(sa.or_(*(_answered(text) for text in filters.http_statuses)))
    if filters.from_date:
        query = query.where(w.updated_at >= filters.from_date)
    if filters.to_date:
        query = query.where(w.updated_at <= filters.to_date)
    if filters.search_term and filters.search_term.strip():
        identifier = parse_id(filters.search_term.strip())
        query = query.where(sa.or_(w.id == identifier, w.object_id == identifier) if identifier else sa.false())
    return await _page(session, query, page, (w.updated_at.desc(), w.created_at.desc(), w.id.desc()))


def _answered(text: str) -> sa.ColumnElement[bool]:
    """A condition on the HTTP status; text that is none of the known forms matches nothing."""
    status = w.http_status
    if text == "timeout":
        return sa.and_(status.is_(None), w.status == "failed")
    if len(text) == 3 and text.isascii() and text.isdigit():
        return status == int(text)
    if len(text) == 3 and text[0] in "12345" and text[1:].lower() == "xx":
        return status.between(int(text[0]) * 100, int(text[0]) * 100 + 99)
    first, dash, last = text.partition("-")
    if dash and all(len(part) == 3 and part.isascii() and part.isdigit() for part in (first, last)):
        return status.between(int(first), int(last))
    return sa.false()


async def _page(
    session: AsyncSession, query: sa.Select[Any], page: PageRequest, order: Sequence[sa.ColumnElement[Any]]
) -> Page[sa.Row[Any]]:
    total = (await session.execute(sa.select(sa.func.count()).select_from(query.subquery()))).scalar_one()
    rows = (await session.execute(query.order_by(*order).limit(page.size).offset(page.offset))).all()
    return Page(rows, total, page)
