"""Jobs of invoicing."""

from __future__ import annotations

from uuid import UUID

from domain.invoicing.documents import load_documents, mark_stored, store_document
from tasks.jobs import external_job
from tasks.lease import Lease
from tasks.retries import polynomial

__all__ = ["DOCUMENTS", "DOCUMENTS_AT_A_TIME", "generate_documents"]

DOCUMENTS = "invoicing.generate_documents"
# About half a second of rendering.
DOCUMENTS_AT_A_TIME = 20


@external_job(DOCUMENTS, queue="invoices", dedicated="pdfs", retries=(polynomial(6),))
async def generate_documents(lease: Lease, invoice_ids: list[str]) -> None:
    """Renders and stores the PDFs that these invoices lack, without a transaction meanwhile."""
    async with lease.work() as work:
        documents = await load_documents(work, [UUID(each) for each in invoice_ids])
        organization_id = work.organization_id
    stored = [await store_document(organization_id, invoice_id, files) for invoice_id, files in documents.items()]
    async with lease.settle() as work:
        await mark_stored(work, stored)
