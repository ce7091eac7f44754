"""What became of the money that a credit note gives back. Source: handbook, credits 3.8 and 10.8."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from domain.credits.note_models import REFUND_STATUSES, CreditNote
from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["note_refund_status"]

_notes = table(CreditNote)


async def note_refund_status(work: UnitOfWork, note_id: UUID, status: str) -> None:
    """The provider's word; a refund that has succeeded stays so. One statement."""
    assert status in REFUND_STATUSES, status
    n, now = _notes.c, clock.now()
    values = {"refund_status": status, "updated_at": now}
    if status == "succeeded":
        values["refunded_at"] = sa.func.coalesce(n.refunded_at, now)
    await work.session.execute(
        sa.update(_notes)
        .where(n.id == note_id, n.refund_amount_cents > 0, n.refund_status.is_distinct_from("succeeded"))
        .values(**values)
    )
