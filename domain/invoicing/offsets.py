"""What credit notes take off the amount due of their own invoices. Source: handbook, credits 3.6."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from domain.kernel import clock
from domain.kernel.unit_of_work import UnitOfWork
from infrastructure import exact_json

__all__ = ["offset_invoices"]

_OFFSET: Final = sa.text(
    """
    UPDATE invoices SET offset_amount_cents = offset_amount_cents + row.cents, updated_at = :now
    FROM (SELECT id, sum(cents)::bigint AS cents
          FROM json_to_recordset(CAST(:rows AS json)) AS row(id uuid, cents bigint) GROUP BY id) row
    WHERE invoices.id = row.id
    """
)


async def offset_invoices(work: UnitOfWork, offsets: Sequence[tuple[UUID, int]]) -> None:
    """Lowers what is due on these invoices by so many cents each."""
    rows = [{"id": invoice_id, "cents": cents} for invoice_id, cents in offsets if cents]
    if rows:
        await work.session.execute(_OFFSET, {"rows": exact_json.dump_text(rows), "now": clock.now()})
