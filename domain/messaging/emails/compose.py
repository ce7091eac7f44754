"""From an object to the mail that tells a customer of it, in the customer's language. Source: handbook, platform 17."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.credits.note_queries import note_rows
from domain.customers.queries import customer_rows
from domain.identity.queries import billing_entity_rows
from domain.invoicing.document.formatting import formatter_for
from domain.invoicing.links import download_url
from domain.invoicing.payloads import total_due
from domain.invoicing.queries import invoice_rows
from domain.kernel.errors import NotFound
from domain.kernel.unit_of_work import UnitOfWork
from domain.messaging.emails.letter import Letter, Row, rendered, words_of
from domain.messaging.emails.recipients import addresses
from domain.payments.campaign_queries import campaign_rows
from domain.payments.queries import invoices_of_requests, paid_invoices, payment_rows, request_rows
from domain.payments.receipt_queries import receipt_rows
from domain.payments.request_links import link_of
from infrastructure import storage
from infrastructure.mail import Attachment, Mail
from infrastructure.settings import settings

__all__ = ["KINDS", "FilesNotReady", "compose", "subject_of"]

KINDS: Final = ("invoice", "credit_note", "payment_receipt", "payment_request")


class FilesNotReady(Exception):
    """The documents that a mail carries are still to be made; they will be in a moment."""


async def compose(
    work: UnitOfWork, kind: str, object_id: UUID, key: str, recipients: Mapping[str, Sequence[str]] | None = None
) -> Mail | None:
    """The mail, or None for an object that is gone or has nobody to be sent to. Without `recipients` (to, cc, bcc) it
    goes to the customer. Raises FilesNotReady."""
    try:
        about = await subject_of(work, kind, object_id)
    except NotFound:
        return None
    to = list(recipients["to"]) if recipients else addresses(about.to)
    if not to or not about.entity.email:
        return None
    letter = about.letter
    text, html = rendered(letter)
    sender = about.entity.legal_name or about.entity.name
    return Mail(
        key=key,
        sender=(sender, about.entity.email),
        reply_to=about.entity.email,
        to=to,
        cc=tuple(recipients["cc"]) if recipients else (),
        bcc=tuple(recipients["bcc"]) if recipients else about.bcc,
        subject=letter.subject,
        text=text,
        html=html,
        attachments=[Attachment(f"{name}.pdf", await storage.get(key), "application/pdf") for name, key in about.files],
    )


class _About:
    """An object as a mail tells of it."""

    def __init__(
        self, entity: Any, customer: Any, letter: Letter, files: Sequence[tuple[str, str]] = (),
        to: str | None = None, bcc: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.entity = entity
        self.customer = customer
        self.letter = letter
        self.files = files
        self.to = customer.email if to is None else to
        self.bcc = tuple(bcc)


async def subject_of(work: UnitOfWork, kind: str, object_id: UUID) -> _About:
    """What a mail of this kind says, about whom and with which files. Raises NotFound and FilesNotReady."""
    tell = {"invoice": _invoice, "credit_note": _credit_note, "payment_receipt": _receipt, "payment_request": _request}
    return await tell[kind](work, object_id)


async def _invoice(work: UnitOfWork, invoice_id: UUID) -> _About:
    invoice = await _row(invoice_rows, work, "invoice", invoice_id)
    entity, customer = await _parties(work, invoice.billing_entity_id, invoice.customer_id)
    words, form, locale = _language(entity, customer, invoice.currency)
    return _About(
        entity,
        customer,
        _letter(
            "invoice", words, locale, entity, invoice.number, form.money(total_due(invoice)),
            [
                Row(words("number"), invoice.number),
                Row(words("issued"), form.date(invoice.issuing_date)),
                Row(words("due_date"), form.date(invoice.payment_due_date)),
            ],
            _link(invoice, "invoice"),
        ),
        _files(invoice),
    )  # fmt: skip


async def _credit_note(work: UnitOfWork, note_id: UUID) -> _About:
    note = await _row(note_rows, work, "credit_note", note_id)
    invoice = await _row(invoice_rows, work, "invoice", note.invoice_id)
    entity, customer = await _parties(work, invoice.billing_entity_id, note.customer_id)
    words, form, locale = _language(entity, customer, note.currency)
    return _About(
        entity,
        customer,
        _letter(
            "credit_note", words, locale, entity, note.number, form.money(note.total_amount_cents),
            [
                Row(words("number"), note.number),
                Row(words("issued"), form.date(note.issuing_date)),
                Row(words("invoice_number"), invoice.number),
            ],
            _link(note, "credit_note"),
        ),
        _files(note),
    )  # fmt: skip


async def _receipt(work: UnitOfWork, receipt_id: UUID) -> _About:
    receipt = await _row(receipt_rows, work, "payment_receipt", receipt_id)
    payment = await _row(payment_rows, work, "payment", receipt.payment_id)
    paid = await invoice_rows(work.session, (await paid_invoices(work.session, [payment]))[payment.id])
    invoices = sorted(paid.values(), key=lambda row: (row.issuing_date, row.number))
    entity, customer = await _parties(work, receipt.billing_entity_id, receipt.customer_id)
    words, form, locale = _language(entity, customer, payment.amount_currency)
    paid_on = payment.created_at.astimezone(ZoneInfo(invoices[0].timezone)).date()
    return _About(
        entity,
        customer,
        _letter(
            "receipt", words, locale, entity, receipt.number, form.money(payment.amount_cents),
            [
                Row(words("number"), receipt.number),
                Row(words("payment_date"), form.date(paid_on)),
                *(Row(words("invoice_number"), row.number, _link(row, "invoice")) for row in invoices),
            ],
            _link(receipt, "payment_receipt"),
        ),
        [file for row in (receipt, *invoices) for file in _files(row)],
    )  # fmt: skip


async def _request(work: UnitOfWork, request_id: UUID) -> _About:
    request = await _row(request_rows, work, "payment_request", request_id)
    named = (await invoices_of_requests(work.session, [request_id]))[request_id]
    invoices = await invoice_rows(work.session, [row.id for row in named])
    first = invoices[named[0].id]
    entity, customer = await _parties(work, first.billing_entity_id, request.customer_id)
    words, form, locale = _language(entity, customer, request.amount_currency)
    campaigns = await campaign_rows(work.session, [request.dunning_campaign_id] if request.dunning_campaign_id else [])
    rows = [
        Row(row.number, form.money(total_due(invoices[row.id])), _link(invoices[row.id], "invoice")) for row in named
    ]
    link = await link_of(work.session, request, customer, entity.id)
    letter = _letter("request", words, locale, entity, "", form.money(request.amount_cents), rows, link)
    return _About(
        entity, customer, letter, to=request.email or "",
        bcc=[email for campaign in campaigns.values() for email in campaign.bcc_emails],
    )  # fmt: skip


async def _row(read: Any, work: UnitOfWork, name: str, object_id: UUID) -> Any:
    row = (await read(work.session, [object_id])).get(object_id)
    if row is None:
        raise NotFound(name)
    return row


async def _parties(work: UnitOfWork, entity_id: UUID, customer_id: UUID) -> tuple[Any, Any]:
    entity = (await billing_entity_rows(work, [entity_id]))[entity_id]
    return entity, (await customer_rows(work.session, [customer_id]))[customer_id]


def _language(entity: Any, customer: Any, currency: str) -> tuple[Any, Any, str]:
    locale = customer.document_locale or entity.document_locale
    return words_of(locale), formatter_for(locale, currency), locale


def _letter(
    kind: str, words: Any, locale: str, entity: Any, number: str, amount: str, rows: Sequence[Row], link: str | None
) -> Letter:  # fmt: skip
    sender = entity.legal_name or entity.name
    subject = {"sender": sender, "number": number} if number else {"sender": sender}
    return Letter(
        locale=locale,
        subject=words(f"{kind}_subject", **subject),
        heading=words(f"{kind}_from", sender=sender),
        amount=amount,
        text=words("request_text") if kind == "request" else "",
        rows=rows,
        link=link,
        link_text=words("pay") if kind == "request" else words("download"),
        closing=words("questions", email=entity.email or ""),
    )


def _link(row: Any, kind: str) -> str | None:
    return download_url(row.organization_id, row.id, kind) if row.document_key else None


def _files(row: Any) -> list[tuple[str, str]]:
    """The PDF to attach, by name and key; none where the installation makes none."""
    if settings().disable_pdf_generation:
        return []
    if row.document_key is None:
        raise FilesNotReady(str(row.id))
    return [(str(row.number).replace("/", "-"), row.document_key)]
