"""The PDFs and electronic files of receipts: made once, stored under a key, opened through signed links, as those of
invoices."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from domain.customers.queries import customer_rows
from domain.invoicing.document.render import render_presented
from domain.invoicing.documents import Stored, documents_of, entities_of, store_files
from domain.invoicing.einvoice import ElectronicReceipt, receipt_invoice, receipt_xml
from domain.invoicing.einvoice_parts import buyer_of, country_of, seller_of
from domain.invoicing.queries import invoice_rows
from domain.invoicing.settle import state_of
from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.events import PaymentReceiptsGenerated
from domain.payments.models import PaymentReceipt
from domain.payments.queries import paid_invoices, payment_rows
from domain.payments.receipt_document import ReceiptDocument, method_of, name_of_method, present_receipt
from domain.payments.receipt_queries import receipt_rows
from infrastructure.settings import settings

__all__ = ["ReceiptFiles", "generate_receipts", "load_receipts", "mark_receipts_stored", "receipt_key", "store_receipt"]

_receipts: Final = table(PaymentReceipt)


@dataclass(frozen=True, slots=True)
class ReceiptFiles:
    """What is rendered for one receipt. electronic: None where its billing entity issues none."""

    document: ReceiptDocument
    electronic: ElectronicReceipt | None = None


def receipt_key(organization_id: UUID, receipt_id: UUID, form: str = "pdf") -> str:
    """Where the PDF is stored, or the electronic receipt (`xml`)."""
    return f"{organization_id}/payment_receipts/{receipt_id}.{form}"


async def generate_receipts(work: UnitOfWork, receipt_ids: Collection[UUID]) -> list[UUID]:
    """Makes the PDFs that these receipts lack, for a caller who waits; the ids of those made."""
    documents = await load_receipts(work, receipt_ids)
    stored = [await store_receipt(work.organization_id, receipt_id, files) for receipt_id, files in documents.items()]
    return await mark_receipts_stored(work, stored)


async def load_receipts(work: UnitOfWork, receipt_ids: Collection[UUID]) -> dict[UUID, ReceiptFiles]:
    """What is to be rendered, for the receipts that have no document yet; nothing where PDF generation is switched
    off. A fixed number of statements."""
    if settings().disable_pdf_generation:
        return {}
    session = work.session
    receipts = {key: row for key, row in (await receipt_rows(session, receipt_ids)).items() if row.document_key is None}
    payments = await payment_rows(session, {row.payment_id for row in receipts.values()})
    paid = await paid_invoices(session, payments.values())
    invoices = await invoice_rows(session, {invoice_id for shares in paid.values() for invoice_id in shares})
    documents = await documents_of(work, invoices)
    entities = await entities_of(session, {row.billing_entity_id for row in receipts.values()})
    customers = await customer_rows(session, {row.customer_id for row in receipts.values()})
    found = {}
    for key, row in receipts.items():
        payment = payments[row.payment_id]
        shares = [(invoices[invoice_id], cents) for invoice_id, cents in paid[payment.id].items()]
        first, _ = shares[0]
        document = ReceiptDocument(
            number=row.number,
            invoice=documents[first.id].document,
            amount=payment.amount_cents,
            due=sum(state_of(invoice).due for invoice, _ in shares),
            paid_on=payment.created_at.astimezone(ZoneInfo(first.timezone)).date(),
            reference=payment.reference or "",
            paid_with=_paid_with(payment),
            requested=_numbered(shares) if payment.payment_request_id is not None else (),
        )
        electronic = _electronic(document, entities[row.billing_entity_id], customers[row.customer_id], shares)
        found[key] = ReceiptFiles(document, electronic)
    return found


def _paid_with(payment: Any) -> str:
    """The card or account where the provider has said it, else the provider; empty for a payment by hand."""
    if payment.payment_type == "manual":
        return ""
    return name_of_method(payment.method or {}) or str(payment.payment_provider_type or "").capitalize()


def _numbered(shares: Sequence[tuple[Any, int]]) -> tuple[tuple[str, int], ...]:
    return tuple((invoice.number, cents) for invoice, cents in shares)


def _electronic(
    document: ReceiptDocument, entity: Any, customer: Any, shares: Sequence[tuple[Any, int]]
) -> ElectronicReceipt | None:
    """As the invoice's: None where the entity issues none or the customer's country is not known."""
    country = country_of(entity)
    if country is None or not customer.country:
        return None
    return ElectronicReceipt(
        country=country,
        number=document.number,
        paid_on=document.paid_on,
        currency=document.invoice.currency,
        seller=seller_of(entity),
        buyer=buyer_of(customer),
        paid=_numbered(shares),
        method=method_of(document),
    )


async def store_receipt(organization_id: UUID, receipt_id: UUID, files: ReceiptFiles) -> Stored:
    """Renders the files of one receipt and stores them. Touches no row."""
    document, electronic = files.document, files.electronic

    async def render(archivable: bool) -> bytes:
        shown = present_receipt(document)
        return await render_presented(shown, document.invoice.logo, document.paid_on, archivable=archivable)

    xml = await store_files(
        receipt_key(organization_id, receipt_id),
        receipt_key(organization_id, receipt_id, "xml"),
        render,
        None if electronic is None else receipt_invoice(electronic),
        None if electronic is None else partial(receipt_xml, electronic),
    )
    return Stored(receipt_id, xml=xml)


async def mark_receipts_stored(work: UnitOfWork, stored: Sequence[Stored]) -> list[UUID]:
    """Notes that the documents are there; the ids of those that were not marked before, which alone are announced."""
    if not stored:
        return []
    r = _receipts.c
    path = sa.literal(f"{work.organization_id}/payment_receipts/") + sa.cast(r.id, sa.Text)
    with_xml = [each.document_id for each in stored if each.xml]
    marked = await work.session.scalars(
        sa.update(_receipts)
        .where(r.id.in_([each.document_id for each in stored]), r.document_key.is_(None))
        .values(
            document_key=path + ".pdf",
            xml_key=sa.case((r.id.in_(with_xml), path + ".xml")),
            updated_at=clock.now(),
        )
        .returning(r.id)
    )
    ids = list(marked.all())
    if ids:
        work.record(PaymentReceiptsGenerated(tuple(ids)))
    return ids
