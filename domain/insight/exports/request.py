"""Asking for an export, and what becomes of exports that are old."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from domain.identity.security.log import note_security
from domain.insight.exports.events import DataExportsExpired, DataExportsRequested
from domain.insight.exports.kinds import FORMATS, KINDS
from domain.insight.exports.models import DataExport
from domain.insight.exports.run import KEPT
from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["expire_exports", "expired_files", "remove_expired", "request_export"]

MOST_AT_ONCE = 500

_exports = table(DataExport)


async def request_export(work: UnitOfWork, kind: str, file_format: str, filters: Mapping[str, Any]) -> DataExport:
    """Notes what the author of this work wants as a file; a job makes it, and a mail brings the link.

    filters: of the list, by their names in the interface, checked by it.
    """
    assert kind in KINDS
    assert file_format in FORMATS
    assert work.author.user_id is not None, "only users ask for exports"
    now = clock.wall()
    export = DataExport(
        organization_id=work.organization_id,
        user_id=work.author.user_id,
        resource_type=kind,
        format=file_format,
        filters={
            name: value.isoformat() if isinstance(value, date) else value
            for name, value in filters.items()
            if value is not None
        },
        created_at=now,
        updated_at=now,
    )
    work.session.add(export)
    await work.session.flush()
    await note_security(work, "export.created", {"export_type": kind})
    work.record(DataExportsRequested((export.id,)))
    return export


async def expire_exports(work: UnitOfWork) -> int:
    """Has those removed whose link has ended, and those that nobody finished in the same time; how many."""
    ids = (await work.session.scalars(sa.select(_exports.c.id).where(_expired()).limit(MOST_AT_ONCE))).all()
    if ids:
        work.record(DataExportsExpired(tuple(ids)))
    return len(ids)


async def expired_files(work: UnitOfWork, export_ids: Collection[UUID]) -> Sequence[str]:
    """The keys of the files that may be removed from the storage."""
    wanted = sa.select(_exports.c.file_key).where(_exports.c.id.in_(export_ids), _expired())
    return (await work.session.scalars(wanted.where(_exports.c.file_key.is_not(None)))).all()


async def remove_expired(work: UnitOfWork, export_ids: Collection[UUID]) -> None:
    """Forgets them and their parts. Only after the files are gone, so that none is left that nobody knows."""
    await work.session.execute(sa.delete(_exports).where(_exports.c.id.in_(export_ids), _expired()))


def _expired() -> sa.ColumnElement[bool]:
    end = sa.func.coalesce(_exports.c.expires_at, _exports.c.created_at + KEPT)
    return end < clock.wall()
