"""Jobs of credit notes."""

from __future__ import annotations

from uuid import UUID

from domain.credits.note_documents import DOCUMENTS, load_documents, mark_stored, store_document
from tasks.jobs import external_job
from tasks.lease import Lease
from tasks.retries import polynomial

__all__ = ["generate_documents"]


@external_job(DOCUMENTS, queue="invoices", dedicated="pdfs", retries=(polynomial(6),))
async def generate_documents(lease: Lease, credit_note_ids: list[str]) -> None:
    """Renders and stores the files that these notes lack, without a transaction meanwhile."""
    async with lease.work() as work:
        documents = await load_documents(work, [UUID(each) for each in credit_note_ids])
        organization_id = work.organization_id
    stored = [await store_document(organization_id, note_id, files) for note_id, files in documents.items()]
    async with lease.settle() as work:
        await mark_stored(work, stored)
