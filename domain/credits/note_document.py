"""The credit note as a document: its values, and their words and numbers on the page, which looks like an invoice's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from domain.invoicing.document.formatting import Formatter, formatter_for
from domain.invoicing.document.labels import Labels, labels_for
from domain.invoicing.document.model import Line, Party, TaxLine
from domain.invoicing.document.present import Presented, TotalRow, line_row, party_lines, total_row
from domain.invoicing.document.render import render_presented

__all__ = ["NoteDocument", "present_note", "render_note"]


@dataclass(frozen=True, slots=True)
class NoteDocument:
    """One credit note. Amounts are integers of the currency's minor unit, above zero; locale as for invoices."""

    number: str
    invoice_number: str
    issuing_date: date
    currency: str
    locale: str
    sender: Party
    recipient: Party
    lines: tuple[Line, ...]
    coupons: int
    sub_total: int
    taxes: tuple[TaxLine, ...]
    total: int
    credited: int = 0
    refunded: int = 0
    offset: int = 0
    description: str | None = None
    purchase_order_number: str | None = None
    metadata: Sequence[tuple[str, str]] = ()
    footer: str | None = None
    logo: bytes | None = None


def present_note(document: NoteDocument) -> Presented:
    """The note in its locale. Raises ValueError for an unknown locale or currency."""
    labels = labels_for(document.locale)
    form = formatter_for(document.locale, document.currency)
    language, _, region = document.locale.partition("-")
    return {
        "language": language,
        "region": region,
        "title": labels("credit_note"),
        "number": document.number,
        "logo": "",
        "facts": list(_facts(document, labels, form)),
        "parties": [
            party_lines(labels("from"), document.sender, labels),
            party_lines(labels("bill_to"), document.recipient, labels),
        ],
        "due": (labels("total_credited"), form.money(document.total), ""),
        "threshold": "",
        "summary_heading": labels("summary"),
        "columns": {
            "item": labels("item"),
            "units": "",
            "unit_price": "",
            "tax": labels("tax_rate"),
            "amount": labels("amount"),
        },
        "sections": [
            {
                "title": document.number,
                "amount": form.money(sum(line.amount for line in document.lines)),
                "groups": [{"period": "", "rows": [line_row(line, labels, form) for line in document.lines]}],
                "breakdowns": [],
            }
        ],
        "totals": list(_totals(document, labels, form)),
        "notes": [document.description] if document.description else [],
        "custom_sections": [],
        "footer": document.footer or "",
    }


async def render_note(document: NoteDocument, *, archivable: bool = False) -> bytes:
    """The PDF: the same bytes for the same document. archivable: as PDF/A-3. Raises as `render_invoice`."""
    return await render_presented(present_note(document), document.logo, document.issuing_date, archivable=archivable)


def _facts(document: NoteDocument, labels: Labels, form: Formatter) -> Iterator[tuple[str, str]]:
    yield labels("note_number"), document.number
    yield labels("number"), document.invoice_number
    if document.purchase_order_number:
        yield labels("purchase_order"), document.purchase_order_number
    yield labels("issuing_date"), form.date(document.issuing_date)
    yield from document.metadata


def _totals(document: NoteDocument, labels: Labels, form: Formatter) -> Iterator[TotalRow]:
    if document.coupons:
        yield total_row(labels("note_coupons"), -document.coupons, form)
    yield total_row(labels("sub_total_excluding"), document.sub_total, form)
    for tax in document.taxes:
        label = labels("tax_on", rate=form.rate(tax.rate), base=form.money(tax.base), name=tax.name)
        yield total_row(label, tax.amount, form)
    for name, amount in (
        ("credited", document.credited),
        ("refunded", document.refunded),
        ("offset", document.offset),
    ):
        if amount:
            yield total_row(labels(name), amount, form)
    yield total_row(labels("total"), document.total, form, strong=True)
