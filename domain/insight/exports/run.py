"""Making the file of an export. Source: handbook, platform 16.

    split       lists the objects into parts, one job each
    write_part  writes the lines of one part; the last one asks for the end
    assembled   puts the parts together; the job stores the file
    complete    notes that the file stands, and asks for the mail

Each step is one transaction with the end of its job, so it takes effect once however often it is started. The file is
stored between the last two, under a key of its export: stored again after a crash it is the same file.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by

from domain.identity.queries import billing_entities_list
from domain.insight.exports.csv_text import csv_text
from domain.insight.exports.kinds import columns_of
from domain.insight.exports.lines import lines_of, listed
from domain.insight.exports.models import DataExport, DataExportPart
from domain.kernel import clock
from domain.kernel.errors import NotAllowed
from domain.kernel.jobs import JobRequest
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from infrastructure.storage import MAX_OBJECT_BYTES

__all__ = ["FINISH", "KEPT", "MAIL", "PART", "assembled", "complete", "fail", "file_name", "split", "write_part"]

KEPT: Final = timedelta(days=7)
"""How long a finished file and its link live, and how long an unfinished export may take."""
PART: Final = "insight.write_export_part"
FINISH: Final = "insight.finish_export"
MAIL: Final = "insight.mail_export"
SIZE: Final = 250
"""Invoices or credit notes of one part."""

_exports, _parts = table(DataExport), table(DataExportPart)
_OPEN: Final = ("processing", "failed")
"""A failed job that an operator starts again may still bring its export to an end."""


async def split(work: UnitOfWork, export_id: UUID) -> None:
    """Lists what the filters find into parts. Three statements.

    Raises NotAllowed for an export that has been begun (data_export_processed) or is too old (data_export_expired).
    """
    export = await work.session.get(DataExport, export_id, with_for_update=True)
    if export is None:
        return
    now = clock.wall()
    if (export.expires_at or export.created_at + KEPT) < now:
        raise NotAllowed("data_export_expired")
    if export.columns:
        raise NotAllowed("data_export_processed")
    found = listed(export.resource_type, export.filters).subquery()
    position = sa.cast((found.c.place - 1) // SIZE, sa.Integer)
    parts = sa.select(
        sa.func.gen_random_uuid(),
        sa.literal(work.organization_id, sa.Uuid),
        sa.literal(export.id, sa.Uuid),
        position.label("position"),
        sa.func.jsonb_agg(aggregate_order_by(found.c.id, found.c.place)),
        sa.literal(now, sa.DateTime(timezone=True)),
        sa.literal(now, sa.DateTime(timezone=True)),
    ).group_by(position)
    names = ["id", "organization_id", "data_export_id", "position", "object_ids", "created_at", "updated_at"]
    written = await work.session.scalars(sa.insert(_parts).from_select(names, parts).returning(_parts.c.id))
    ids = written.all()
    export.status, export.parts_left, export.updated_at = "processing", len(ids), now
    export.columns = columns_of(export.resource_type, len(await billing_entities_list(work)))
    for each in ids:
        work.enqueue(JobRequest(PART, {"part_id": each}))
    if not ids:
        work.enqueue(_finish(export.id))


def _finish(export_id: UUID) -> JobRequest:
    return JobRequest(FINISH, {"export_id": export_id}, unique_key=str(export_id))


async def write_part(work: UnitOfWork, part_id: UUID) -> None:
    """Writes the lines of one part, once. The row of the export is locked last and for a moment only: parts are written
    side by side, and exactly one of them finds that it was the last."""
    query = (
        sa.select(_parts.c.object_ids, _exports.c.id, _exports.c.resource_type, _exports.c.columns)
        .join(_exports, _exports.c.id == _parts.c.data_export_id)
        .where(_parts.c.id == part_id, _parts.c.lines.is_(None), _exports.c.status.in_(_OPEN))
    )
    row = (await work.session.execute(query)).first()
    if row is None:
        return
    ids = [UUID(each) for each in row.object_ids]
    lines = await lines_of(work.session, row.resource_type, row.columns, ids)
    now = clock.wall()
    first = _parts.c.lines.is_(None)
    written = sa.update(_parts).where(_parts.c.id == part_id, first).values(lines=lines, updated_at=now)
    if await work.session.scalar(written.returning(_parts.c.id)) is None:
        return
    counted = sa.update(_exports).where(_exports.c.id == row.id)
    left = _exports.c.parts_left
    if await work.session.scalar(counted.values(parts_left=left - 1, updated_at=now).returning(left)) == 0:
        work.enqueue(_finish(row.id))


async def assembled(work: UnitOfWork, export_id: UUID) -> tuple[str, bytes] | None:
    """The storage key and the content of a file whose parts are all there; None when there is nothing to do.

    Raises ValueError for a file that is larger than the storage takes.
    """
    e, p = _exports.c, _parts.c
    query = sa.select(e.columns).where(e.id == export_id, e.status.in_(_OPEN), e.parts_left == 0)
    columns = await work.session.scalar(query)
    if columns is None:
        return None
    of_export = p.data_export_id == export_id
    size = await work.session.scalar(sa.select(sa.func.sum(sa.func.octet_length(p.lines))).where(of_export))
    if size is not None and size > MAX_OBJECT_BYTES:
        raise ValueError(f"an export has at most {MAX_OBJECT_BYTES} bytes, this one has {size}")
    lines = await work.session.scalars(sa.select(p.lines).where(of_export).order_by(p.position))
    content = "".join((csv_text([columns]), *lines))
    return f"{work.organization_id}/data_exports/{export_id}.csv", content.encode()


async def complete(work: UnitOfWork, export_id: UUID, file_key: str) -> None:
    """Notes that the file stands, and asks for the mail: once, whoever is second finds nothing to do."""
    e, now = _exports.c, clock.wall()
    values = {"status": "completed", "file_key": file_key, "completed_at": now, "expires_at": now + KEPT}
    done = sa.update(_exports).where(e.id == export_id, e.status.in_(_OPEN), e.parts_left == 0)
    if await work.session.scalar(done.values(**values, updated_at=now).returning(e.id)) is None:
        return
    await work.session.execute(sa.delete(_parts).where(_parts.c.data_export_id == export_id))
    work.enqueue(JobRequest(MAIL, {"export_id": export_id}, unique_key=str(export_id)))


async def fail(work: UnitOfWork, export_id: UUID | None = None, part_id: UUID | None = None) -> None:
    """Notes that an export is not made: the last try of one of its jobs was in vain."""
    e = _exports.c
    named = e.id == export_id
    if part_id is not None:
        named = e.id == sa.select(_parts.c.data_export_id).where(_parts.c.id == part_id).scalar_subquery()
    failed = sa.update(_exports).where(named, e.status.in_(("pending", "processing")))
    await work.session.execute(failed.values(status="failed", updated_at=clock.wall()))


def file_name(export: Any) -> str:
    """What a finished file is called when it is saved: "20260304050607_invoices.csv"."""
    return f"{export.completed_at:%Y%m%d%H%M%S}_{export.resource_type}.{export.format}"
