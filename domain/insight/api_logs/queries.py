"""Reads of the log of API calls, within the days that it is kept for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.insight.api_logs.models import ApiLog
from domain.insight.log_activities import KEPT
from domain.insight.spans import read_span
from domain.kernel import clock
from domain.kernel.errors import NotFound
from domain.kernel.format import instant
from domain.kernel.ids import parse_id
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Reader

__all__ = ["WantedCalls", "api_log_payload", "api_log_row", "api_logs_page", "read_wanted_calls"]

RowOf = sa.Row[Any]
SUCCEEDED: Final = "succeeded"
FAILED: Final = "failed"
LAST_SUCCESS: Final = 399

_logs = table(ApiLog)


@dataclass(frozen=True, slots=True)
class WantedCalls:
    """Filters; None asks for all, an empty list for none. since is included, until is not.

    statuses: numbers, "succeeded" (up to 399) and "failed" (above). paths: whole ones, `*` standing for any text.
    """

    since: datetime | None = None
    until: datetime | None = None
    methods: Sequence[str] | None = None
    statuses: Sequence[str] | None = None
    api_version: str | None = None
    api_key_ids: Sequence[UUID] | None = None
    request_ids: Sequence[UUID] | None = None
    paths: Sequence[str] | None = None
    clients: Sequence[str] | None = None


def read_wanted_calls(params: Mapping[str, object]) -> WantedCalls:
    """The filters of the interface. An empty list asks for all; values that nothing has find nothing.

    Raises ValidationFailed for dates that are none.
    """
    read = Reader(params)
    since, until = read_span(read)
    version = read.text("api_version")
    lists = {
        name: read.texts(name) or None
        for name in ("http_methods", "http_statuses", "api_key_ids", "request_ids", "request_paths", "clients")
    }
    read.finish()
    methods = lists["http_methods"]
    return WantedCalls(
        since=since,
        until=until,
        methods=None if methods is None else [each.lower() for each in methods],
        statuses=lists["http_statuses"],
        api_version=version,
        api_key_ids=_ids(lists["api_key_ids"]),
        request_ids=_ids(lists["request_ids"]),
        paths=lists["request_paths"],
        clients=lists["clients"],
    )


def _ids(texts: Sequence[str] | None) -> list[UUID] | None:
    return None if texts is None else [each for text in texts if (each := parse_id(text)) is not None]


async def api_logs_page(work: UnitOfWork, wanted: WantedCalls, request: PageRequest) -> Page[RowOf]:
    """The latest first; two statements."""
    conditions = _conditions(work, wanted)
    total = await work.session.scalar(sa.select(sa.func.count()).select_from(_logs).where(*conditions)) or 0
    if request.offset >= total:
        return Page((), total, request)
    ordered = sa.select(*_logs.c).where(*conditions).order_by(_logs.c.logged_at.desc(), _logs.c.id.desc())
    rows = await work.session.execute(ordered.limit(request.size).offset(request.offset))
    return Page(rows.all(), total, request)


async def api_log_row(work: UnitOfWork, request_id: object) -> RowOf:
    """One call. Raises NotFound."""
    one = WantedCalls(request_ids=[each] if (each := parse_id(request_id)) else [])
    row: RowOf | None = (await work.session.execute(sa.select(*_logs.c).where(*_conditions(work, one)))).first()
    if row is None:
        raise NotFound("api_log")
    return row


def _conditions(work: UnitOfWork, wanted: WantedCalls) -> list[sa.ColumnElement[bool]]:
    c = _logs.c
    conditions: list[sa.ColumnElement[bool]] = [
        c.organization_id == work.organization_id,
        c.logged_at >= clock.wall() - KEPT,
    ]
    if wanted.since is not None:
        conditions.append(c.logged_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(c.logged_at < wanted.until)
    if wanted.api_version is not None:
        conditions.append(c.api_version == wanted.api_version)
    listed: tuple[tuple[sa.Column[Any], Sequence[Any] | None], ...] = (
        (c.http_method, wanted.methods), (c.api_key_id, wanted.api_key_ids), (c.id, wanted.request_ids),
        (c.client, wanted.clients),
    )  # fmt: skip
    conditions += [column.in_(values) for column, values in listed if values is not None]
    if wanted.statuses is not None:
        conditions.append(sa.or_(sa.false(), *map(_status, wanted.statuses)))
    if wanted.paths is not None:
        conditions.append(sa.or_(*(c.request_path.like(_pattern(path), escape="\\") for path in wanted.paths)))
    return conditions


def _status(text: str) -> sa.ColumnElement[bool]:
    status = _logs.c.http_status
    if text == SUCCEEDED:
        return status <= LAST_SUCCESS
    if text == FAILED:
        return status > LAST_SUCCESS
    number = text.isascii() and text.isdigit() and len(text) == 3
    return status == int(text) if number else sa.false()


def _pattern(path: str) -> str:
    """Only the star stands for something else than itself."""
    return path.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")


def api_log_payload(row: Any) -> dict[str, Any]:
    """A call as REST shows it."""
    same = (
        "api_version", "client", "http_method", "http_status", "request_body", "request_origin", "request_path",
        "request_response",
    )  # fmt: skip
    return {
        "request_id": row.id,
        **{name: getattr(row, name) for name in same},
        "logged_at": instant(row.logged_at),
        "created_at": instant(row.created_at),
    }
