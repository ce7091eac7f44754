"""/api/v1/invoices"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from starlette.responses import Response

from domain.billing.all_invoices import retry_invoice
from domain.billing.finalize import finalize as finalize_drafts
from domain.billing.finalize import refresh as refresh_drafts
from domain.billing.one_off import create_one_off_invoice
from domain.billing.preview import preview_invoice
from domain.billing.void import delete_draft, void_invoice
from domain.customers.models import Customer
from domain.customers.queries import customer_row
from domain.invoicing.payloads import invoice_details, invoice_payloads
from domain.invoicing.queries import VISIBLE, InvoiceFilter, billing_entity_ids, invoice_row, invoices_page
from domain.invoicing.update_invoice import lose_dispute, update_invoice
from domain.kernel.currencies import CURRENCIES
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.jobs import JobRequest
from domain.kernel.validation import INVALID, Reader
from rest_api.frame import Call, answer, empty_answer, endpoint, page_answer
from rest_api.routing import delete, get, post, put

__all__ = ["routes"]

PAYMENT_STATUSES = ("pending", "succeeded", "failed")
INVOICE_TYPES = ("subscription", "add_on", "credit", "one_off", "advance_charges", "progressive_billing")
GENERATE = "invoicing.generate_documents"
_METADATA = re.compile(r"metadata\[(.{1,255})\]")


@endpoint(resource="invoice")
async def index(call: Call) -> Response:
    """A page of the invoices that clients see, the latest issued first."""
    return await _page(call, await _filter(call))


@endpoint(resource="customer")
async def of_customer(call: Call) -> Response:
    """The same page for one customer."""
    customer = await customer_row(call.work.session, external_id=call.path["external_id"])
    return await _page(call, await _filter(call, customer.id))


@endpoint(resource="invoice")
async def show(call: Call) -> Response:
    return await _shown(call, (await invoice_row(call.work.session, call.path["id"])).id)


@endpoint(resource="invoice")
async def refresh(call: Call) -> Response:
    """Computes a draft anew; an invoice that is none is answered as it is."""
    row = await invoice_row(call.work.session, call.path["id"])
    if row.invoice_type != "subscription":
        raise Forbidden
    await refresh_drafts(call.work, [row.id])
    return await _shown(call, row.id)


@endpoint(resource="invoice")
async def finalize(call: Call) -> Response:
    """Finalizes a draft; only drafts are found."""
    row = await invoice_row(call.work.session, call.path["id"], ("draft",))
    await finalize_drafts(call.work, [row.id])
    return await _shown(call, row.id)


@endpoint(resource="invoice")
async def download(call: Call) -> Response:
    """The invoice with the links to its files; without a body while these are still to be made."""
    row = await invoice_row(call.work.session, call.path["id"], ("finalized",))
    if row.document_key is not None:
        return await _shown(call, row.id)
    call.work.enqueue(JobRequest(GENERATE, {"invoice_ids": [row.id]}, unique_key=str(row.id)))
    return empty_answer()


@endpoint(resource="invoice")
async def sync_salesforce_id(call: Call) -> Response:
    """Notes the id that an invoice has at a Salesforce integration. There is none that it could be connected to."""
    await invoice_row(call.work.session, call.path["id"])
    call.root("invoice")
    raise NotFound("integration")


@endpoint(resource="invoice")
async def create(call: Call) -> Response:
    """A one-off invoice."""
    params = call.root("invoice")
    row = await customer_row(call.work.session, external_id=str(params.get("external_customer_id")))
    customer = await call.work.session.get_one(Customer, row.id)
    return await _shown(call, await create_one_off_invoice(call.work, customer, params))


@endpoint(resource="invoice")
async def preview(call: Call) -> Response:
    """An invoice as it would be; nothing is stored."""
    return answer({"invoice": await preview_invoice(call.work, call.content())})


@endpoint(resource="invoice")
async def void(call: Call) -> Response:
    """Takes a final invoice back."""
    return await _shown(call, await void_invoice(call.work, call.path["id"], call.content()))


@endpoint(resource="invoice")
async def retry(call: Call) -> Response:
    """Finishes an invoice whose taxes had failed."""
    return await _shown(call, await retry_invoice(call.work, call.path["id"]))


@endpoint(resource="invoice")
async def destroy(call: Call) -> Response:
    """Takes a draft away."""
    row = await invoice_row(call.work.session, call.path["id"])
    await delete_draft(call.work, row.id)
    return await _shown(call, row.id)


@endpoint(resource="invoice")
async def update(call: Call) -> Response:
    """Notes the payment status that the client knows of."""
    row = await update_invoice(call.work, call.path["id"], call.root("invoice"))
    return await _shown(call, row.id)


@endpoint(resource="invoice")
async def dispute_lost(call: Call) -> Response:
    """Notes that a dispute over the payment was lost."""
    row = await lose_dispute(call.work, call.path["id"])
    return await _shown(call, row.id)


async def _page(call: Call, wanted: InvoiceFilter) -> Response:
    page = await invoices_page(call.work.session, call.page(), wanted)
    rows = {row.id: row for row in page.rows}
    payloads = await invoice_payloads(call.work, rows, rows=rows)
    return page_answer("invoices", list(payloads.values()), page)


async def _shown(call: Call, invoice_id: UUID) -> Response:
    details = await invoice_details(call.work, [invoice_id])
    return answer({"invoice": details[invoice_id]})


async def _filter(call: Call, customer_id: UUID | None = None) -> InvoiceFilter:
    """What the query string asks for. Raises ValidationFailed for unknown enumerations, NotFound for unknown codes."""
    read = Reader(call.query)
    statuses = _listed(call, read, ("status", "statuses"), VISIBLE)
    payment_statuses = _listed(call, read, ("payment_status", "payment_statuses"), PAYMENT_STATUSES)
    types = _listed(call, read, ("invoice_type",), INVOICE_TYPES)
    currency = read.choice("currency", CURRENCIES)
    amount_from, amount_to = read.integer("amount_from"), read.integer("amount_to")
    settlements = _listed(call, read, ("settlements",), ("credit_note",))
    read.finish()
    codes = call.texts("billing_entity_codes")
    metadata = ((_METADATA.fullmatch(name), value) for name, value in call.query.items())
    return InvoiceFilter(
        customer_id=customer_id,
        external_customer_id=None if customer_id else call.query.get("external_customer_id"),
        statuses=statuses,
        payment_statuses=payment_statuses,
        invoice_types=types,
        billing_entity_ids=await billing_entity_ids(call.work.session, codes) if codes else None,
        currency=currency,
        amount_from=amount_from,
        amount_to=amount_to,
        issuing_date_from=_date(call.query.get("issuing_date_from")),
        issuing_date_to=_date(call.query.get("issuing_date_to")),
        partially_paid=call.flag("partially_paid"),
        payment_dispute_lost=call.flag("payment_dispute_lost"),
        payment_overdue=call.flag("payment_overdue"),
        purchase_order_number=call.query.get("purchase_order_number"),
        self_billed=call.flag("self_billed"),
        search_term=call.query.get("search_term"),
        settled_by_credit_notes=bool(settlements),
        metadata={match[1]: value for match, value in metadata if match},
    )


def _listed(call: Call, read: Reader, names: Sequence[str], known: Collection[str]) -> list[str]:
    values = [value for name in names for value in call.texts(name)]
    if not set(values) <= set(known):
        read.add(names[0], INVALID)
    return values


def _date(text: str | None) -> date | None:
    """Dates that are none are passed over, as on most lists."""
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        return None


routes = [
    get("/invoices", index),
    post("/invoices", create),
    post("/invoices/preview", preview),
    get("/invoices/{id}", show),
    delete("/invoices/{id}", destroy),
    post("/invoices/{id}/void", void),
    post("/invoices/{id}/retry", retry),
    put("/invoices/{id}", update),
    post("/invoices/{id}/lose_dispute", dispute_lost),
    put("/invoices/{id}/refresh", refresh),
    put("/invoices/{id}/finalize", finalize),
    post("/invoices/{id}/download", download),
    post("/invoices/{id}/download_pdf", download),
    post("/invoices/{id}/download_xml", download),
    put("/invoices/{id}/sync_salesforce_id", sync_salesforce_id),
    get("/customers/{external_id}/invoices", of_customer),
]
