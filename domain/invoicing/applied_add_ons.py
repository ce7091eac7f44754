"""Which add-ons customers were billed: the lines of their one-off invoices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.invoicing.statuses import VISIBLE

__all__ = ["add_ons_of_customers"]

MOST: Final = 1_000
"""Lines of one customer that are answered, the latest first."""

_LINES: Final = sa.text(
    """
    SELECT line.* FROM unnest(CAST(:ids AS uuid[])) AS customer(id)
    CROSS JOIN LATERAL (
        SELECT f.id, i.customer_id, f.add_on_id, f.amount_cents, f.amount_currency, f.created_at
        FROM invoices AS i JOIN fees AS f ON f.invoice_id = i.id AND f.fee_type = 'add_on'
        WHERE i.customer_id = customer.id AND i.invoice_type = 'one_off' AND i.status = ANY(:statuses)
        ORDER BY f.created_at DESC, f.id DESC LIMIT :most
    ) AS line
    """
)


async def add_ons_of_customers(session: AsyncSession, customer_ids: Collection[UUID]) -> dict[UUID, list[sa.Row[Any]]]:
    """What was billed to each customer, voided invoices left out: id, customer_id, add_on_id, amount_cents (before
    coupons and taxes), amount_currency, created_at. One statement."""
    found: dict[UUID, list[sa.Row[Any]]] = defaultdict(list)
    values = {"ids": list(customer_ids), "statuses": [each for each in VISIBLE if each != "voided"], "most": MOST}
    for row in await session.execute(_LINES, values):
        found[row.customer_id].append(row)
    return found
