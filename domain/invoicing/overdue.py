"""Invoices that were not paid in time. Source: handbook, subscriptions 6 (overdue job)."""

from __future__ import annotations

from datetime import UTC
from typing import Final

import sqlalchemy as sa

from domain.invoicing.events import InvoicesOverdue
from domain.invoicing.models import Invoice
from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["CHUNK", "mark_overdue"]

CHUNK: Final = 500
_invoices = table(Invoice)


async def mark_overdue(work: UnitOfWork) -> int:
    """Marks finalized invoices whose due date lies before today's UTC date, at most CHUNK; how many. One statement.

    Those that are paid, or were lost to a dispute, are not overdue.
    """
    i = _invoices.c
    today = clock.now().astimezone(UTC).date()
    due = (
        sa.select(i.id)
        .where(
            i.status == "finalized",
            i.payment_status != "succeeded",
            sa.not_(i.payment_overdue),
            i.payment_dispute_lost_at.is_(None),
            i.payment_due_date < today,
        )
        .order_by(i.payment_due_date, i.id)
        .limit(CHUNK)
        .with_for_update()
    )
    marked = await work.session.scalars(
        sa.update(_invoices)
        .where(i.id.in_(due.scalar_subquery()))
        .values(payment_overdue=True, updated_at=clock.now())
        .returning(i.id)
    )
    ids = tuple(marked.all())
    if ids:
        work.record(InvoicesOverdue(ids))
    return len(ids)
