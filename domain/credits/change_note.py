"""What changes on a credit note once it is issued: voided, refunded, its metadata. Source: handbook, credits 3.8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from domain.catalog.plan_metadata import MAX_KEYS, read_metadata
from domain.credits.note_models import REFUND_STATUSES, CreditNote
from domain.kernel import clock
from domain.kernel.errors import NotAllowed, NotFound, ValidationFailed
from domain.kernel.ids import parse_id
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Reader

__all__ = ["change_metadata", "remove_metadata_key", "update_note", "void_note", "void_notes"]

_notes = table(CreditNote)


async def void_note(work: UnitOfWork, note_id: object) -> None:
    """What is left of the credit is gone; what was spent stays spent. Raises NotFound,
    NotAllowed("no_voidable_amount")."""
    note = await _locked(work, note_id)
    if note.credit_status == "voided" or note.balance_amount_cents <= 0:
        raise NotAllowed("no_voidable_amount")
    await void_notes(work, [note.id])
    await work.session.refresh(note)


async def void_notes(work: UnitOfWork, note_ids: Sequence[UUID]) -> None:
    """Voids these notes, whatever is left of them. Their items still count as taken back. One statement."""
    now = clock.now()
    await work.session.execute(
        sa.update(_notes)
        .where(_notes.c.id.in_(note_ids))
        .values(balance_amount_cents=0, credit_status="voided", voided_at=now, updated_at=now)
    )


async def update_note(work: UnitOfWork, note_id: object, params: Mapping[str, Any], *, replace: bool = False) -> None:
    """Notes what became of the refund, and the metadata, which are merged in unless they `replace`.

    A note without a refund has no refund status whatever is sent. Raises NotFound, ValidationFailed.
    """
    note = await _locked(work, note_id)
    read = Reader(params)
    status = read.choice("refund_status", REFUND_STATUSES, mandatory="refund_status" in read)
    read.finish()
    if status is not None and note.refund_amount_cents > 0:
        note.refund_status = status
        if status == "succeeded":
            note.refunded_at = note.refunded_at or clock.now()
    if "metadata" in params:
        _set(note, read_metadata(params) or {}, replace=replace)
    await work.session.flush()


async def change_metadata(
    work: UnitOfWork, note_id: object, params: Mapping[str, Any], *, merge: bool
) -> dict[str, Any] | None:
    """Replaces a note's metadata by those of the field `metadata`, or merges them in. Returns what is there now.
    Raises NotFound, ValidationFailed."""
    note = await _locked(work, note_id)
    _set(note, read_metadata(params) or {}, replace=not merge)
    await work.session.flush()
    return note.note_metadata


async def remove_metadata_key(work: UnitOfWork, note_id: object, key: str) -> dict[str, Any] | None:
    """Removes one key. Returns what is left. Raises NotFound("credit_note"), NotFound("metadata")."""
    note = await _locked(work, note_id)
    if key not in (note.note_metadata or {}):
        raise NotFound("metadata")
    _set(note, {name: value for name, value in (note.note_metadata or {}).items() if name != key}, replace=True)
    await work.session.flush()
    return note.note_metadata


def _set(note: CreditNote, sent: Mapping[str, Any], *, replace: bool) -> None:
    merged = dict(sent) if replace else {**(note.note_metadata or {}), **sent}
    if len(merged) > MAX_KEYS:
        raise ValidationFailed({"metadata": ["too_many_keys"]})
    note.note_metadata = merged or None


async def _locked(work: UnitOfWork, note_id: object) -> CreditNote:
    """A finalized note, locked until the commit. Raises NotFound, also for drafts."""
    query = select(CreditNote).where(col(CreditNote.id) == parse_id(note_id), col(CreditNote.status) == "finalized")
    note = (await work.session.execute(query.with_for_update())).scalars().first()
    if note is None:
        raise NotFound("credit_note")
    return note
