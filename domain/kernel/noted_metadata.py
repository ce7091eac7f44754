"""Metadata as rows: up to five keys and values that a client notes on an entity; a list that is sent replaces the one
before. Source: subscriptions handbook, section 6; platform handbook, customers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from domain.kernel import clock
from domain.kernel.ids import new_id
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import TAKEN, Reader

__all__ = ["SentMetadata", "read_metadata", "replace_metadata"]

MOST: Final = 5
LONGEST_KEY: Final = 20


@dataclass(frozen=True, slots=True)
class SentMetadata:
    """id: of the row that is kept under a new key or value, if any. flags: further columns, true or false."""

    id: UUID | None
    key: str
    value: str
    flags: Mapping[str, bool] = field(default_factory=dict)


def read_metadata(read: Reader, *, longest_value: int, flags: Sequence[str] = ()) -> list[SentMetadata] | None:
    """The list of the field `metadata`; None when absent or null. Errors are added under `metadata` for the list,
    under `key`, `value` and the flags for its entries."""
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
        value = one.text("value", mandatory=True, longest=longest_value)
        said = {name: bool(one.boolean(name, default=False)) for name in flags}
        if key is not None and any(other.key == key for other in sent):
            read.add("key", TAKEN)
        sent.append(SentMetadata(one.id("id"), key or "", value or "", said))
    return sent


async def replace_metadata(
    work: UnitOfWork, rows: sa.Table, owner: str, owner_id: UUID, sent: Sequence[SentMetadata]
) -> None:
    """Afterwards the owner, which is locked or new, has exactly these. Two statements, whatever the number.

    rows: the table; owner: its column that names the owner.
    """
    gone = sa.delete(rows).where(rows.c[owner] == owner_id).returning(rows.c.id, rows.c.created_at)
    created_at = {row.id: row.created_at for row in await work.session.execute(gone)}
    now = clock.now()
    made = []
    for one in sent:
        known = one.id if one.id in created_at else None
        made.append(
            {
                "id": known or new_id(),
                "organization_id": work.organization_id,
                owner: owner_id,
                "key": one.key,
                "value": one.value,
                **one.flags,
                "created_at": created_at.pop(known) if known else now,
                "updated_at": now,
            }
        )
    if made:
        await work.session.execute(sa.insert(rows).values(made))
