"""The metadata of invoices, as it is read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.invoicing.models import InvoiceMetadata
from domain.kernel.rows import table

__all__ = ["metadata_of_invoices"]

_metadata = table(InvoiceMetadata)


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
