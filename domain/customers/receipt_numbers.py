"""The receipts of a customer are counted from one; the counter stands on the customer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from domain.kernel.unit_of_work import UnitOfWork
from infrastructure import exact_json

__all__ = ["take_receipt_numbers"]

_TAKE: Final = sa.text(
    """
    UPDATE customers SET payment_receipt_counter = payment_receipt_counter + row.taken
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(id uuid, taken bigint)
    WHERE customers.id = row.id
    RETURNING customers.id, payment_receipt_counter - row.taken + 1 AS first
    """
)


async def take_receipt_numbers(work: UnitOfWork, wanted: Mapping[UUID, int]) -> dict[UUID, int]:
    """So many numbers for each customer; the first of them, by customer. A rollback gives them back. One statement."""
    rows = [{"id": each, "taken": count} for each, count in wanted.items()]
    taken = await work.session.execute(_TAKE, {"rows": exact_json.dump_text(rows)})
    return {row.id: row.first for row in taken}
