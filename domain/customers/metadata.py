"""The metadata of a customer: up to five keys and values; a list that is sent replaces the one before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from domain.customers.models import Customer, CustomerMetadata
from domain.kernel import clock
from domain.kernel.ids import new_id
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import TAKEN, Reader

__all__ = ["SentMetadata", "read_metadata", "replace_metadata"]

MOST: Final = 5
LONGEST_KEY: Final = 20
LONGEST_VALUE: Final = 100

_metadata = table(CustomerMetadata)


@dataclass(frozen=True, slots=True)
class SentMetadata:
    """id: of the row that is kept under a new key or value, if any."""

    id: UUID | None
    key: str
    value: str
    display_in_invoice: bool


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
        shown = one.boolean("display_in_invoice", default=False)
        if key is not None and any(other.key == key for other in sent):
            read.add("key", TAKEN)
        sent.append(SentMetadata(one.id("id"), key or "", value or "", bool(shown)))
    return sent


async def replace_metadata(work: UnitOfWork, customer: Customer, sent: Sequence[SentMetadata]) -> None:
    """Afterwards the customer has exactly these. Three statements, whatever the number."""
    rows = await work.session.execute(
        sa.select(_metadata.c.id, _metadata.c.created_at).where(_metadata.c.customer_id == customer.id)
    )
    created_at = {row.id: row.created_at for row in rows}
    if created_at:
        await work.session.execute(sa.delete(_metadata).where(_metadata.c.customer_id == customer.id))
    now = clock.now()
    made = []
    for one in sent:
        known = one.id if one.id in created_at else None
        made.append(
            {
                "id": known or new_id(),
                "organization_id": customer.organization_id,
                "customer_id": customer.id,
                "key": one.key,
                "value": one.value,
                "display_in_invoice": one.display_in_invoice,
                "created_at": created_at.pop(known) if known else now,
                "updated_at": now,
            }
        )
    if made:
        await work.session.execute(sa.insert(_metadata).values(made))
