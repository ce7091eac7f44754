"""The PDFs of invoices: made once, stored under a key, opened through signed links.

Rendering and storing happen between two transactions, or inside one where a caller waits for the file: the same
invoice always gives the same bytes under the same key, so that doing it twice does no harm.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from domain.customers.queries import customer_rows, metadata_of_customers
from domain.identity.models import BillingEntity
from domain.invoicing.applied_thresholds import thresholds_of_invoices
from domain.invoicing.credit_payloads import credits_of_invoices
from domain.invoicing.document import InvoiceDocument, render_invoice
from domain.invoicing.document_parts import document_of
from domain.invoicing.einvoice import ElectronicInvoice, InvalidElectronicInvoice, embed, standalone_xml
from domain.invoicing.einvoice_parts import electronic_invoice_of
from domain.invoicing.events import InvoiceDocumentGenerated
from domain.invoicing.fee_queries import fees_of_invoices, taxes_of_fees
from domain.invoicing.held_units import held_units_of
from domain.invoicing.models import Invoice
from domain.invoicing.queries import invoice_rows, sections_of_invoices, taxes_of_invoices
from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from infrastructure import storage
from infrastructure.settings import settings

__all__ = [
    "DOCUMENTED", "Files", "Stored", "document_key", "documents_of", "entities_of", "generate", "load_documents",
    "logo_of",
    "mark_stored", "store_document", "store_files",
]  # fmt: skip

log = structlog.get_logger(__name__)

DOCUMENTED: Final = ("finalized", "voided")
"""The statuses in which an invoice has a document."""

_invoices = table(Invoice)


@dataclass(frozen=True, slots=True)
class Files:
    """What is rendered for one invoice. electronic: None where its billing entity issues none."""

    document: InvoiceDocument
    electronic: ElectronicInvoice | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """What was stored for one invoice or credit note; the PDF always."""

    document_id: UUID
    xml: bool = False


def document_key(organization_id: UUID, invoice_id: UUID, form: str = "pdf") -> str:
    """Where the PDF is stored, or the electronic invoice (`xml`)."""
    return f"{organization_id}/invoices/{invoice_id}.{form}"


async def generate(work: UnitOfWork, invoice_ids: Collection[UUID]) -> list[UUID]:
    """Makes the PDFs that these invoices lack; the ids of those made. Drafts and hidden ones have none.

    Nothing is made where PDF generation is switched off.
    """
    documents = await load_documents(work, invoice_ids)
    stored = [await store_document(work.organization_id, invoice_id, files) for invoice_id, files in documents.items()]
    return await mark_stored(work, stored)


async def load_documents(work: UnitOfWork, invoice_ids: Collection[UUID]) -> dict[UUID, Files]:
    """What is to be rendered, for the invoices that have no document yet. A fixed number of statements."""
    if settings().disable_pdf_generation:
        return {}
    invoices = {
        invoice_id: row
        for invoice_id, row in (await invoice_rows(work.session, invoice_ids)).items()
        if row.status in DOCUMENTED and row.document_key is None
    }
    return await documents_of(work, invoices)


async def documents_of(work: UnitOfWork, invoices: Mapping[UUID, Any]) -> dict[UUID, Files]:
    """What the documents of these rows of invoices show, by id. A fixed number of statements."""
    if not invoices:
        return {}
    session = work.session
    customers = await customer_rows(session, {row.customer_id for row in invoices.values()})
    metadata = await metadata_of_customers(session, list(customers))
    entities = await entities_of(session, {row.billing_entity_id for row in invoices.values()})
    logos = {entity_id: await logo_of(entity) for entity_id, entity in entities.items()}
    fees = await fees_of_invoices(session, invoices)
    fee_taxes = await taxes_of_fees(session, [fee.id for rows in fees.values() for fee in rows])
    taxes = await taxes_of_invoices(session, invoices)
    lowered = await credits_of_invoices(session, invoices)
    sections = await sections_of_invoices(session, invoices)
    thresholds = await thresholds_of_invoices(session, invoices)
    held = await held_units_of(work, fees, {invoice_id: row.timezone for invoice_id, row in invoices.items()})
    found = {}
    for invoice_id, row in invoices.items():
        entity, customer = entities[row.billing_entity_id], customers[row.customer_id]
        of_invoice = fees.get(invoice_id, ())
        document = document_of(
            row,
            entity,
            customer,
            metadata.get(row.customer_id, ()),
            of_invoice,
            fee_taxes,
            taxes.get(invoice_id, ()),
            lowered.get(invoice_id, ()),
            logos[row.billing_entity_id],
            sections.get(invoice_id, ()),
            held,
        )
        if invoice_id in thresholds:
            document = replace(document, threshold_amount=thresholds[invoice_id][-1].lifetime_usage_amount_cents)
        found[invoice_id] = Files(document, electronic_invoice_of(row, entity, customer, of_invoice, fee_taxes))
    return found


async def store_document(organization_id: UUID, invoice_id: UUID, files: Files) -> Stored:
    """Renders the files of one invoice and stores them. Touches no row."""

    async def render(archivable: bool) -> bytes:
        return await render_invoice(files.document, archivable=archivable)

    pdf_key, xml_key = document_key(organization_id, invoice_id), document_key(organization_id, invoice_id, "xml")
    return Stored(invoice_id, xml=await store_files(pdf_key, xml_key, render, files.electronic))


async def store_files(
    pdf_key: str,
    xml_key: str,
    render: Callable[[bool], Awaitable[bytes]],
    electronic: ElectronicInvoice | None,
    beside: Callable[[], Awaitable[bytes]] | None = None,
) -> bool:
    """Stores a PDF and, where there is one, the electronic invoice, inside it and beside it; whether the latter was
    stored. render: makes the PDF, archivable or not. beside: makes the file beside it where that is no UBL invoice.

    An electronic invoice that the norm refuses is left out; the PDF says the same and is there.
    """
    if electronic is not None:
        try:
            xml = await (beside() if beside is not None else standalone_xml(electronic))
            pdf = await embed(await render(True), electronic)
        except InvalidElectronicInvoice as error:
            log.warning("no electronic invoice", key=xml_key, reason=str(error))
            electronic = None
        else:
            await storage.put(xml_key, xml, "application/xml")
    if electronic is None:
        pdf = await render(False)
    await storage.put(pdf_key, pdf, "application/pdf")
    return electronic is not None


async def mark_stored(work: UnitOfWork, stored: Sequence[Stored]) -> list[UUID]:
    """Notes that the documents are there; the ids of those that were not marked before, which alone are announced."""
    if not stored:
        return []
    path = sa.literal(f"{work.organization_id}/invoices/") + sa.cast(_invoices.c.id, sa.Text)
    with_xml = [each.document_id for each in stored if each.xml]
    marked = await work.session.scalars(
        sa.update(_invoices)
        .where(_invoices.c.id.in_([each.document_id for each in stored]), _invoices.c.document_key.is_(None))
        .values(
            document_key=path + ".pdf",
            xml_key=sa.case((_invoices.c.id.in_(with_xml), path + ".xml")),
            updated_at=clock.now(),
        )
        .returning(_invoices.c.id)
    )
    ids = list(marked.all())
    if ids:
        work.record(InvoiceDocumentGenerated(tuple(ids)))
    return ids


async def entities_of(session: AsyncSession, entity_ids: Collection[UUID]) -> dict[UUID, Any]:
    """Billing entities by id, archived ones as well."""
    entities = table(BillingEntity)
    rows = await session.execute(sa.select(*entities.c).where(entities.c.id.in_(entity_ids)))
    return {row.id: row for row in rows}


async def logo_of(entity: Any) -> bytes | None:
    """A logo that is gone from the storage is left out."""
    if entity.logo_key is None:
        return None
    try:
        return await storage.get(entity.logo_key)
    except storage.ObjectNotFound:
        return None
