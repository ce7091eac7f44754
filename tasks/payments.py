"""Jobs of payments."""

from __future__ import annotations

from uuid import UUID

from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.remind import begin_anew
from tasks.jobs import job

__all__ = ["count_anew"]


@job("payments.begin_anew", dedicated="payments")
async def count_anew(work: UnitOfWork, invoice_ids: list[str]) -> None:
    """Customers who paid what they were reminded of are not counted as reminded of it any more."""
    await begin_anew(work, [UUID(each) for each in invoice_ids])
