"""Reads of the activity log: what was logged within the days that it is kept for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.identity.models import User
from domain.insight.log_activities import KEPT
from domain.insight.models import ActivityLog
from domain.insight.spans import read_span
from domain.kernel import clock
from domain.kernel.errors import NotFound
from domain.kernel.ids import parse_id
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Reader

__all__ = ["WantedActivities", "activities_of_resources", "activities_page", "activity_row", "read_wanted_activities"]

RowOf = sa.Row[Any]
MOST_OF_ONE: Final = 100

_logs, _users = table(ActivityLog), table(User)
_TEXT_LISTS: Final = ("activity_types", "activity_sources", "user_emails", "resource_types")
_ID_LISTS: Final = ("activity_ids", "resource_ids", "api_key_ids")
_COLUMNS: Final = {
    "activity_types": _logs.c.activity_type,
    "activity_sources": _logs.c.activity_source,
    "user_emails": _users.c.email,
    "resource_types": _logs.c.resource_type,
    "activity_ids": _logs.c.id,
    "resource_ids": _logs.c.resource_id,
    "api_key_ids": _logs.c.api_key_id,
}


@dataclass(frozen=True, slots=True)
class WantedActivities:
    """Filters; None and lists that are not there ask for all. since is included, until is not."""

    since: datetime | None = None
    until: datetime | None = None
    external_customer_id: str | None = None
    external_subscription_id: str | None = None
    lists: Mapping[str, list[Any]] = field(default_factory=dict)


def read_wanted_activities(params: Mapping[str, object]) -> WantedActivities:
    """The filters of the interface. Days are of UTC, both included; values that nothing has find nothing.

    Raises ValidationFailed for dates that are none.
    """
    read = Reader(params)
    since, until = read_span(read)
    customer, subscription = read.text("external_customer_id"), read.text("external_subscription_id")
    lists: dict[str, list[Any]] = {name: found for name in _TEXT_LISTS if (found := read.texts(name))}
    for name in _ID_LISTS:
        found = read.texts(name)
        if found:
            lists[name] = [each for text in found if (each := parse_id(text)) is not None]
    read.finish()
    return WantedActivities(since, until, customer, subscription, lists)


async def activities_page(work: UnitOfWork, wanted: WantedActivities, request: PageRequest) -> Page[RowOf]:
    """Rows with `user_email`, the latest first."""
    conditions = []
    if wanted.since is not None:
        conditions.append(_logs.c.logged_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(_logs.c.logged_at < wanted.until)
    if wanted.external_customer_id is not None:
        conditions.append(_logs.c.external_customer_id == wanted.external_customer_id)
    if wanted.external_subscription_id is not None:
        conditions.append(_logs.c.external_subscription_id == wanted.external_subscription_id)
    conditions += [_COLUMNS[name].in_(values) for name, values in wanted.lists.items()]
    select = _select(work).where(*conditions)
    total = await work.session.scalar(sa.select(sa.func.count()).select_from(select.subquery())) or 0
    if request.offset >= total:
        return Page((), total, request)
    ordered = select.order_by(_logs.c.logged_at.desc(), _logs.c.id.desc())
    rows = await work.session.execute(ordered.limit(request.size).offset(request.offset))
    return Page(rows.all(), total, request)


async def activity_row(work: UnitOfWork, activity_id: UUID | None) -> RowOf:
    """One row with `user_email`. Raises NotFound."""
    rows = await work.session.execute(_select(work).where(_logs.c.id == activity_id))
    row: RowOf | None = rows.first()
    if row is None:
        raise NotFound("activity_log")
    return row


async def activities_of_resources(work: UnitOfWork, resource_ids: Collection[UUID]) -> Sequence[RowOf]:
    """Rows with `user_email`: the last MOST_OF_ONE of each resource, the latest first. One statement."""
    place = sa.func.row_number().over(
        partition_by=_logs.c.resource_id, order_by=(_logs.c.logged_at.desc(), _logs.c.id.desc())
    )
    of_each = _select(work).add_columns(place.label("place")).where(_logs.c.resource_id.in_(resource_ids)).subquery()
    query = sa.select(*of_each.c).where(of_each.c.place <= MOST_OF_ONE).order_by(of_each.c.place)
    return (await work.session.execute(query)).all()


def _select(work: UnitOfWork) -> sa.Select[Any]:
    return (
        sa.select(*_logs.c, _users.c.email.label("user_email"))
        .outerjoin(_users, _users.c.id == _logs.c.user_id)
        .where(_logs.c.organization_id == work.organization_id, _logs.c.logged_at >= clock.now() - KEPT)
    )
