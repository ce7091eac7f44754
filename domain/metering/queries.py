"""Reading stored events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from domain.catalog.models import BillableMetric
from domain.customers.models import Customer
from domain.identity.models import BillingEntity
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params, parse_instant
from domain.metering.models import Event
from domain.subscriptions.models import Subscription

__all__ = ["EventFilters", "event_filters", "event_row", "events_page", "matches", "newest_events_page"]

_e, _m, _s = table(Event), table(BillableMetric), table(Subscription)
_c, _b = table(Customer), table(BillingEntity)


@dataclass(frozen=True, slots=True)
class EventFilters:
    """What a list of events asks for; None does not filter. Both instants are included."""

    code: str | None = None
    external_subscription_id: str | None = None
    timestamp_from: datetime | None = None
    timestamp_to: datetime | None = None
    from_start_of_subscription: bool = False


def event_filters(query: Params) -> EventFilters:
    """The filters of a query string. Raises ValidationFailed. Source: handbook, metering 4.4."""
    errors: dict[str, list[str]] = {}

    def instant(name: str) -> datetime | None:
        text = query.get(name)
        if not text:
            return None
        parsed = parse_instant(text)
        if parsed is None:
            errors[name] = ["invalid_date"]
        return parsed

    first, last = instant("timestamp_from"), instant("timestamp_to")
    from_start = str(query.get("timestamp_from_started_at", "")).lower() == "true"
    subscription = query.get("external_subscription_id") or None
    if from_start and query.get("timestamp_from"):
        errors["timestamp_from"] = ["cannot be used with timestamp_from_started_at"]
    elif from_start and not subscription:
        errors["external_subscription_id"] = ["required with timestamp_from_started_at"]
    if errors:
        raise ValidationFailed(errors)
    return EventFilters(query.get("code") or None, subscription, first, last, from_start)


def _events(work: UnitOfWork) -> sa.Select[Any]:
    return sa.select(*_e.c).where(_e.c.organization_id == work.organization_id, _e.c.deleted_at.is_(None))


async def event_row(work: UnitOfWork, transaction_id: str) -> sa.Row[Any]:
    """The first event of the organization with this transaction id. Raises NotFound."""
    query = _events(work).where(_e.c.transaction_id == transaction_id).order_by(_e.c.created_at, _e.c.sequence)
    row: sa.Row[Any] | None = (await work.session.execute(query.limit(1))).first()
    if row is None:
        raise NotFound("event")
    return row


async def events_page(work: UnitOfWork, filters: EventFilters, request: PageRequest) -> Page[sa.Row[Any]]:
    """A page of events, latest use first."""
    first = filters.timestamp_from
    if filters.from_start_of_subscription:
        newest = (
            sa.select(_s.c.started_at)
            .where(
                _s.c.organization_id == work.organization_id,
                _s.c.external_id == filters.external_subscription_id,
                _s.c.status.in_(("active", "terminated")),
            )
            .order_by(_s.c.started_at.desc())
            .limit(1)
        )
        first = (await work.session.execute(newest)).scalar_one_or_none()
    query = _events(work)
    if filters.external_subscription_id is not None:
        query = query.where(_e.c.external_subscription_id == filters.external_subscription_id)
    if filters.code is not None:
        query = query.where(_e.c.code == filters.code)
    if first is not None:
        query = query.where(_e.c.timestamp >= first)
    if filters.timestamp_to is not None:
        query = query.where(_e.c.timestamp <= filters.timestamp_to)
    return await _page(work, query, (_e.c.timestamp.desc(), _e.c.transaction_id, _e.c.sequence), request)


async def newest_events_page(work: UnitOfWork, request: PageRequest) -> Page[sa.Row[Any]]:
    """A page of events, those received last first."""
    return await _page(work, _events(work), (_e.c.created_at.desc(), _e.c.sequence.desc()), request)


async def _page(
    work: UnitOfWork, query: sa.Select[Any], order: Sequence[Any], request: PageRequest
) -> Page[sa.Row[Any]]:
    total = await work.session.scalar(query.with_only_columns(sa.func.count(), maintain_column_froms=True)) or 0
    if request.offset >= total:
        return Page((), total, request)
    rows = (await work.session.execute(query.order_by(*order).limit(request.size).offset(request.offset))).all()
    return Page(rows, total, request)


@dataclass(frozen=True, slots=True)
class Match:
    """What an event belongs to: a metric by its code, a subscription by its external id at the event's time."""

    metric_name: str | None
    field_name: str | None
    has_subscription: bool
    timezone: str


async def matches(work: UnitOfWork, rows: Sequence[sa.Row[Any]]) -> list[Match]:
    """The match of each event, in order: three statements for any number of events.

    timezone: the customer's, else that of the organization's billing entity.
    """
    metrics = {
        row.code: row
        for row in await work.session.execute(
            sa.select(_m.c.code, _m.c.name, _m.c.field_name).where(
                _m.c.organization_id == work.organization_id,
                _m.c.deleted_at.is_(None),
                _m.c.code.in_({row.code for row in rows}),
            )
        )
    }
    subscriptions: dict[str, list[Any]] = {}
    found = await work.session.execute(
        sa.select(
            _s.c.external_id,
            _s.c.started_at,
            _s.c.terminated_at,
            sa.func.coalesce(_c.c.timezone, _b.c.timezone).label("zone"),
        )
        .join(_c, _c.c.id == _s.c.customer_id)
        .join(_b, _b.c.id == _c.c.billing_entity_id)
        .where(
            _s.c.organization_id == work.organization_id,
            _s.c.status.in_(("active", "terminated")),
            _s.c.external_id.in_({row.external_subscription_id for row in rows}),
        )
    )
    for row in found:
        subscriptions.setdefault(row.external_id, []).append(row)
    default_zone = await work.session.scalar(sa.select(_b.c.timezone).where(_b.c.id == work.organization_id))

    def match(event: sa.Row[Any]) -> Match:
        metric = metrics.get(event.code)
        covering = [
            row
            for row in subscriptions.get(event.external_subscription_id, ())
            if row.started_at <= event.timestamp and (not row.terminated_at or event.timestamp <= row.terminated_at)
        ]
        return Match(
            metric_name=metric.name if metric else None,
            field_name=metric.field_name if metric else None,
            has_subscription=bool(covering),
            timezone=(covering[0].zone if covering else default_zone) or "UTC",
        )

    return [match(row) for row in rows]
