"""The PDFs and electronic files of credit notes: made once, stored under a key, opened through signed links, as those
of invoices."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.credits.note_document import NoteDocument, render_note
from domain.credits.note_einvoice import electronic_note_of
from domain.credits.note_events import CreditNoteDocumentGenerated
from domain.credits.note_models import CreditNote
from domain.credits.note_queries import items_of_notes, note_rows, taxes_of_notes
from domain.customers.queries import customer_rows, metadata_of_customers
from domain.invoicing.document.labels import Labels, labels_for
from domain.invoicing.document.model import Line, TaxLine
from domain.invoicing.document_parts import line_label, parties_of
from domain.invoicing.documents import Stored, entities_of, logo_of, store_files
from domain.invoicing.einvoice import ElectronicInvoice
from domain.invoicing.fee_queries import fee_rows, taxes_of_fees
from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from infrastructure.settings import settings

__all__ = ["DOCUMENTS", "NoteFiles", "document_key", "generate", "load_documents", "mark_stored", "store_document"]

DOCUMENTS: Final = "credits.generate_note_documents"
"""The job that makes them, with {"credit_note_ids"}."""

_notes = table(CreditNote)


@dataclass(frozen=True, slots=True)
class NoteFiles:
    """What is rendered for one note. electronic: None where its billing entity issues none."""

    document: NoteDocument
    electronic: ElectronicInvoice | None = None


def document_key(organization_id: UUID, note_id: UUID, form: str = "pdf") -> str:
    """Where the PDF is stored, or the electronic note (`xml`)."""
    return f"{organization_id}/credit_notes/{note_id}.{form}"


async def generate(work: UnitOfWork, note_ids: Collection[UUID]) -> list[UUID]:
    """Makes the PDFs that these notes lack; the ids of those made. Drafts have none.

    Nothing is made where PDF generation is switched off.
    """
    documents = await load_documents(work, note_ids)
    stored = [await store_document(work.organization_id, note_id, files) for note_id, files in documents.items()]
    return await mark_stored(work, stored)


async def load_documents(work: UnitOfWork, note_ids: Collection[UUID]) -> dict[UUID, NoteFiles]:
    """What is to be rendered, for the notes that have no document yet. A fixed number of statements."""
    if settings().disable_pdf_generation:
        return {}
    session = work.session
    found = await note_rows(session, note_ids)
    notes = {each: row for each, row in found.items() if row.status == "finalized" and row.document_key is None}
    if not notes:
        return {}
    customers = await customer_rows(session, {row.customer_id for row in notes.values()})
    metadata = await metadata_of_customers(session, list(customers))
    entities = await entities_of(session, {row.billing_entity_id for row in notes.values()})
    logos = {entity_id: await logo_of(entity) for entity_id, entity in entities.items()}
    items = await items_of_notes(session, notes)
    fees = await fee_rows(session, {item.fee_id for rows in items.values() for item in rows})
    fee_taxes = await taxes_of_fees(session, list(fees))
    taxes = await taxes_of_notes(session, notes)
    documents = {}
    for note_id, row in notes.items():
        entity, customer = entities[row.billing_entity_id], customers[row.customer_id]
        # In the customer's language, else its billing entity's.
        locale = customer.document_locale or entity.document_locale
        of_note = items.get(note_id, ())
        document = _document(
            row,
            entity,
            customer,
            locale,
            metadata.get(row.customer_id, ()),
            _lines(of_note, fees, fee_taxes, labels_for(locale)),
            taxes.get(note_id, ()),
            logos[row.billing_entity_id],
        )
        documents[note_id] = NoteFiles(document, electronic_note_of(row, entity, customer, of_note, fees, fee_taxes))
    return documents


async def store_document(organization_id: UUID, note_id: UUID, files: NoteFiles) -> Stored:
    """Renders the files of one note and stores them. Touches no row."""

    async def render(archivable: bool) -> bytes:
        return await render_note(files.document, archivable=archivable)

    pdf_key, xml_key = document_key(organization_id, note_id), document_key(organization_id, note_id, "xml")
    return Stored(note_id, xml=await store_files(pdf_key, xml_key, render, files.electronic))


async def mark_stored(work: UnitOfWork, stored: Sequence[Stored]) -> list[UUID]:
    """Notes that the documents are there; the ids of those that were not marked before, which alone are announced."""
    if not stored:
        return []
    path = sa.literal(f"{work.organization_id}/credit_notes/") + sa.cast(_notes.c.id, sa.Text)
    with_xml = [each.document_id for each in stored if each.xml]
    marked = await work.session.scalars(
        sa.update(_notes)
        .where(_notes.c.id.in_([each.document_id for each in stored]), _notes.c.document_key.is_(None))
        .values(
            document_key=path + ".pdf",
            xml_key=sa.case((_notes.c.id.in_(with_xml), path + ".xml")),
            updated_at=clock.now(),
        )
        .returning(_notes.c.id)
    )
    ids = list(marked.all())
    if ids:
        work.record(CreditNoteDocumentGenerated(tuple(ids)))
    return ids


def _lines(
    items: Sequence[Any], fees: Mapping[UUID, Any], taxes: Mapping[UUID, Sequence[Any]], labels: Labels
) -> tuple[Line, ...]:
    return tuple(
        Line(
            label=line_label(fees[item.fee_id], labels),
            amount=item.amount_cents,
            tax_rates=tuple(tax.tax_rate.normalize() for tax in taxes.get(item.fee_id, ())),
        )
        for item in items
    )


def _document(
    note: Any,
    entity: Any,
    customer: Any,
    locale: str,
    metadata: Sequence[Any],
    lines: tuple[Line, ...],
    taxes: Sequence[Any],
    logo: bytes | None,
) -> NoteDocument:
    sender, recipient = parties_of(entity, customer, locale, self_billed=bool(note.self_billed))
    return NoteDocument(
        number=note.number,
        invoice_number=note.invoice_number,
        issuing_date=note.issuing_date,
        currency=note.currency,
        locale=locale,
        sender=sender,
        recipient=recipient,
        lines=lines,
        coupons=note.coupons_adjustment_amount_cents,
        sub_total=note.sub_total_excluding_taxes_amount_cents,
        taxes=tuple(
            TaxLine(tax.tax_name, tax.tax_rate.normalize(), tax.base_amount_cents, tax.amount_cents) for tax in taxes
        ),
        total=note.total_amount_cents,
        credited=note.credit_amount_cents,
        refunded=note.refund_amount_cents,
        offset=note.offset_amount_cents,
        description=note.description,
        purchase_order_number=note.purchase_order_number,
        metadata=tuple((each.key, each.value) for each in metadata if each.display_in_invoice),
        footer=entity.invoice_footer,
        logo=logo,
    )
