"""Reads of the security log. Source: handbook, platform 15.3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.identity.models import User
from domain.identity.security.log import KEPT
from domain.identity.security.models import SecurityLog
from domain.kernel import clock
from domain.kernel.errors import NotFound
from domain.kernel.ids import parse_id
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Reader

__all__ = ["WantedLogs", "read_wanted_logs", "security_log_payload", "security_log_row", "security_logs_page"]

_logs, _users = table(SecurityLog), table(User)
_SHOWN: Final[list[sa.ColumnElement[Any]]] = [*_logs.c, _users.c.email.label("user_email")]
_FROM: Final = _logs.outerjoin(_users, _users.c.id == _logs.c.user_id)


@dataclass(frozen=True, slots=True)
class WantedLogs:
    """Filters: `until` is included; empty lists ask for all."""

    until: datetime
    since: datetime | None
    events: list[str]
    types: list[str]
    user_ids: list[UUID]
    api_key_ids: list[UUID]


def read_wanted_logs(params: Mapping[str, object]) -> WantedLogs:
    """The filters of the interface: to_date (mandatory), from_date, log_events, log_types, user_ids, api_key_ids.
    Raises ValidationFailed; ids that are none find nothing."""
    read = Reader(params)
    until, since = read.instant("to_date", mandatory=True), read.instant("from_date")
    events, types = read.texts("log_events") or [], read.texts("log_types") or []
    users, keys = (
        [parse_id(each) or UUID(int=0) for each in read.texts(name) or []] for name in ("user_ids", "api_key_ids")
    )
    read.finish()
    assert until is not None
    return WantedLogs(until, since, events, types, users, keys)


async def security_logs_page(work: UnitOfWork, wanted: WantedLogs, request: PageRequest) -> Page[sa.Row[Any]]:
    """Rows with `user_email`, the latest first; two statements."""
    c = _logs.c
    conditions = [_kept(), c.logged_at <= wanted.until]
    if wanted.since is not None:
        conditions.append(c.logged_at >= wanted.since)
    if wanted.events:
        conditions.append(c.log_event.in_(wanted.events))
    if wanted.types:
        conditions.append(sa.func.split_part(c.log_event, ".", 1).in_(wanted.types))
    if wanted.user_ids:
        conditions.append(c.user_id.in_(wanted.user_ids))
    if wanted.api_key_ids:
        conditions.append(c.api_key_id.in_(wanted.api_key_ids))
    total = await work.session.scalar(sa.select(sa.func.count()).select_from(_logs).where(*conditions)) or 0
    query = sa.select(*_SHOWN).select_from(_FROM).where(*conditions)
    ordered = query.order_by(c.logged_at.desc(), c.id.desc()).limit(request.size).offset(request.offset)
    return Page((await work.session.execute(ordered)).all(), total, request)


async def security_log_row(work: UnitOfWork, log_id: object) -> sa.Row[Any]:
    """One entry with `user_email`. Raises NotFound."""
    query = sa.select(*_SHOWN).select_from(_FROM)
    row: sa.Row[Any] | None = (
        await work.session.execute(query.where(_logs.c.id == parse_id(log_id), _kept()))
    ).one_or_none()
    if row is None:
        raise NotFound("security_log")
    return row


def security_log_payload(row: sa.Row[Any]) -> dict[str, Any]:
    """An entry as REST shows it."""
    return {
        "log_id": str(row.id),
        "log_type": row.log_event.partition(".")[0],
        "log_event": row.log_event,
        "user_id": None if row.user_id is None else str(row.user_id),
        "user_email": row.user_email,
        "api_key_id": None if row.api_key_id is None else str(row.api_key_id),
        "resources": row.resources,
        "device_info": row.device_info,
        "logged_at": row.logged_at,
        "created_at": row.created_at,
    }


def _kept() -> sa.ColumnElement[bool]:
    return _logs.c.logged_at >= clock.wall() - KEPT
