"""The PDFs of receipts: made once, stored under a key, opened through signed links, as those of invoices."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from domain.invoicing.document.render import render_presented
from domain.invoicing.documents import documents_of
from domain.invoicing.queries import invoice_rows
from domain.invoicing.settle import state_of
from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.events import PaymentReceiptsGenerated
from domain.payments.models import PaymentReceipt
from domain.payments.queries import payment_rows
from domain.payments.receipt_document import ReceiptDocument, present_receipt
from domain.payments.receipt_queries import receipt_rows
from infrastructure import storage
from infrastructure.settings import settings

__all__ = ["generate_receipts", "load_receipts", "mark_receipts_stored", "receipt_key", "store_receipt"]

_receipts: Final = table(PaymentReceipt)


def receipt_key(organization_id: UUID, receipt_id: UUID) -> str:
    """Where the PDF is stored."""
    return f"{organization_id}/payment_receipts/{receipt_id}.pdf"


async def generate_receipts(work: UnitOfWork, receipt_ids: Collection[UUID]) -> list[UUID]:
    """Makes the PDFs that these receipts lack, for a caller who waits; the ids of those made."""
    documents = await load_receipts(work, receipt_ids)
    for receipt_id, document in documents.items():
        await store_receipt(work.organization_id, receipt_id, document)
    return await mark_receipts_stored(work, list(documents))


async def load_receipts(work: UnitOfWork, receipt_ids: Collection[UUID]) -> dict[UUID, ReceiptDocument]:
    """What is to be rendered, for the receipts that have no document yet; nothing where PDF generation is switched
    off. A fixed number of statements."""
    if settings().disable_pdf_generation:
        return {}
    session = work.session
    receipts = {key: row for key, row in (await receipt_rows(session, receipt_ids)).items() if row.document_key is None}
    payments = await payment_rows(session, {row.payment_id for row in receipts.values()})
    invoices = await invoice_rows(session, {row.invoice_id for row in payments.values()})
    documents = await documents_of(work, invoices)
    found = {}
    for key, row in receipts.items():
        payment = payments[row.payment_id]
        invoice = invoices[payment.invoice_id]
        found[key] = ReceiptDocument(
            number=row.number,
            invoice=documents[invoice.id].document,
            amount=payment.amount_cents,
            due=state_of(invoice).due,
            paid_on=payment.created_at.astimezone(ZoneInfo(invoice.timezone)).date(),
            reference=payment.reference or "",
        )
    return found


async def store_receipt(organization_id: UUID, receipt_id: UUID, document: ReceiptDocument) -> None:
    """Renders one receipt and stores it. Touches no row."""
    pdf = await render_presented(present_receipt(document), document.invoice.logo, document.paid_on)
    await storage.put(receipt_key(organization_id, receipt_id), pdf, "application/pdf")


async def mark_receipts_stored(work: UnitOfWork, receipt_ids: Sequence[UUID]) -> list[UUID]:
    """Notes that the documents are there; the ids of those that were not marked before, which alone are announced."""
    if not receipt_ids:
        return []
    r = _receipts.c
    path = sa.literal(f"{work.organization_id}/payment_receipts/") + sa.cast(r.id, sa.Text) + ".pdf"
    marked = await work.session.scalars(
        sa.update(_receipts)
        .where(r.id.in_(receipt_ids), r.document_key.is_(None))
        .values(document_key=path, updated_at=clock.now())
        .returning(r.id)
    )
    ids = list(marked.all())
    if ids:
        work.record(PaymentReceiptsGenerated(tuple(ids)))
    return ids
