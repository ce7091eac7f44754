"""The metadata of an invoice: up to five keys and values; a list that is sent replaces the one before.

Source: subscriptions handbook, section 6.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.invoicing.models import InvoiceMetadata
from domain.kernel import clock
from domain.kernel.ids import new_id
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import TAKEN, Reader

__all__ = ["SentMetadata", "metadata_of_invoices", "read_metadata", "replace_metadata"]

MOST: Final = 5
LONGEST_KEY: Final = 20
LONGEST_VALUE: Final = 140

_metadata = table(InvoiceMetadata)


@dataclass(frozen=True, slots=True)
class SentMetadata:
    """id: of the row that is kept under a new key or value, if any."""

    id: UUID | None
    key: str
    value: str


def read_metadata(read: Reader) -> list[SentMetadata] | None:
    """The list of the field `metadata`; None when absent or null. Errors are added under `metadata` for the list,
    under `key` and `value` for its entries."""
    entries = read.objects("metadata")
    if entries is None:
        return None
    if len(entries) > MOST:
        read.add("metadata", "invalid_count")
        return None
    sent: list[SentMetadata] = []
    for entry in entries:
        one = Reader(entry, read.errors)
        key = one.text("key", mandatory=True, longest=LONGEST_KEY)
        value = one.text("value", mandatory=True, longest=LONGEST_VALUE)
        if key is not None and any(other.key == key for other in sent):
            read.add("key", TAKEN)
        sent.append(SentMetadata(one.id("id"), key or "", value or ""))
    return sent


async def replace_metadata(work: UnitOfWork, invoice_id: UUID, sent: Sequence[SentMetadata]) -> None:
    """Afterwards the invoice has exactly these. Three statements, whatever the number; the invoice is locked."""
    gone = sa.delete(_metadata).where(_metadata.c.invoice_id == invoice_id)
    before = await work.session.execute(gone.returning(_metadata.c.id, _metadata.c.created_at))
    created_at = {row.id: row.created_at for row in before}
    now = clock.now()
    made = []
    for one in sent:
        known = one.id if one.id in created_at else None
        made.append(
            {
                "id": known or new_id(),
                "organization_id": work.organization_id,
                "invoice_id": invoice_id,
                "key": one.key,
                "value": one.value,
                "created_at": created_at.pop(known) if known else now,
                "updated_at": now,
            }
        )
    if made:
        await work.session.execute(sa.insert(_metadata).values(made))


async def metadata_of_invoices(session: AsyncSession, invoice_ids: Collection[UUID]) -> dict[UUID, list[sa.Row[Any]]]:
    """The metadata of each invoice, in the order they were noted."""
    found: dict[UUID, list[sa.Row[Any]]] = defaultdict(list)
    if invoice_ids:
        query = sa.select(*_metadata.c).where(_metadata.c.invoice_id.in_(invoice_ids))
        for row in await session.execute(
            query.order_by(_metadata.c.invoice_id, _metadata.c.created_at, _metadata.c.id)
        ):
            found[row.invoice_id].append(row)
    return found
