"""Jobs of payments."""

from __future__ import annotations

from uuid import UUID

from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.receipt_documents import load_receipts, mark_receipts_stored, store_receipt
from domain.payments.receipts import make_receipts
from domain.payments.remind import begin_anew
from tasks.jobs import external_job, job
from tasks.lease import Lease
from tasks.retries import polynomial

__all__ = ["RECEIPTS", "RECEIPTS_AT_A_TIME", "count_anew", "generate_receipts", "give_receipts"]

RECEIPTS = "payments.generate_receipts"
# About half a second of rendering.
RECEIPTS_AT_A_TIME = 20


@job("payments.begin_anew", dedicated="payments")
async def count_anew(work: UnitOfWork, invoice_ids: list[str]) -> None:
    """Customers who paid what they were reminded of are not counted as reminded of it any more."""
    await begin_anew(work, [UUID(each) for each in invoice_ids])


@job("payments.make_receipts", queue="low_priority")
async def give_receipts(work: UnitOfWork, payment_ids: list[str]) -> None:
    """A receipt for each payment that has none."""
    await make_receipts(work, [UUID(each) for each in payment_ids])


@external_job(RECEIPTS, queue="low_priority", dedicated="pdfs", retries=(polynomial(6),))
async def generate_receipts(lease: Lease, receipt_ids: list[str]) -> None:
    """Renders and stores the PDFs that these receipts lack, without a transaction meanwhile."""
    async with lease.work() as work:
        documents = await load_receipts(work, [UUID(each) for each in receipt_ids])
        organization_id = work.organization_id
    stored = [await store_receipt(organization_id, receipt_id, files) for receipt_id, files in documents.items()]
    async with lease.settle() as work:
        await mark_receipts_stored(work, stored)
