"""/api/v1/credit_notes"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from uuid import UUID

from starlette.responses import Response

from domain.credits.change_note import change_metadata, remove_metadata_key, update_note, void_note
from domain.credits.create_note import create_note
from domain.credits.estimate_note import estimate_note
from domain.credits.note_documents import DOCUMENTS
from domain.credits.note_models import CREDIT_STATUSES, REASONS, REFUND_STATUSES
from domain.credits.note_payloads import estimate_payload, note_payloads
from domain.credits.note_queries import TYPES, NoteFilter, note_row, notes_page
from domain.customers.queries import customer_row
from domain.invoicing.queries import billing_entity_ids
from domain.kernel.currencies import CURRENCIES
from domain.kernel.jobs import JobRequest
from domain.kernel.validation import INVALID, Reader
from rest_api.frame import Call, answer, empty_answer, endpoint, page_answer
from rest_api.routing import delete, get, patch, post, put

__all__ = ["routes"]


@endpoint(resource="credit_note")
async def index(call: Call) -> Response:
    """A page of the finalized notes, the newest first."""
    return await _page(call, await _filter(call))


@endpoint(resource="customer")
async def of_customer(call: Call) -> Response:
    """The same page for one customer."""
    customer = await customer_row(call.work.session, external_id=call.path["external_id"])
    return await _page(call, await _filter(call, customer.id))


@endpoint(resource="credit_note")
async def show(call: Call) -> Response:
    return await _shown(call, (await note_row(call.work.session, call.path["id"])).id)


@endpoint(resource="credit_note")
async def create(call: Call) -> Response:
    return await _shown(call, await create_note(call.work, call.root("credit_note")))


@endpoint(resource="credit_note")
async def estimate(call: Call) -> Response:
    """What a note of these items would come to."""
    params = call.root("credit_note")
    found = await estimate_note(call.work, params.get("invoice_id"), params.get("items"))
    return answer({"estimated_credit_note": estimate_payload(found)})


@endpoint(resource="credit_note")
async def update(call: Call) -> Response:
    row = await note_row(call.work.session, call.path["id"])
    await update_note(call.work, row.id, call.root("credit_note"))
    return await _shown(call, row.id)


@endpoint(resource="credit_note")
async def void(call: Call) -> Response:
    row = await note_row(call.work.session, call.path["id"])
    await void_note(call.work, row.id)
    return await _shown(call, row.id)


@endpoint(resource="credit_note")
async def download(call: Call) -> Response:
    """The note with the links to its files; without a body while these are still to be made."""
    row = await note_row(call.work.session, call.path["id"])
    if row.document_key is not None:
        return await _shown(call, row.id)
    call.work.enqueue(JobRequest(DOCUMENTS, {"credit_note_ids": [row.id]}, unique_key=str(row.id)))
    return empty_answer()


@endpoint(resource="credit_note")
async def replace_metadata(call: Call) -> Response:
    return await _metadata(call, merge=False)


@endpoint(resource="credit_note")
async def merge_metadata(call: Call) -> Response:
    return await _metadata(call, merge=True)


@endpoint(resource="credit_note")
async def clear_metadata(call: Call) -> Response:
    return answer({"metadata": await change_metadata(call.work, call.path["id"], {}, merge=False)})


@endpoint(resource="credit_note")
async def remove_metadata(call: Call) -> Response:
    return answer({"metadata": await remove_metadata_key(call.work, call.path["id"], call.path["key"])})


async def _metadata(call: Call, *, merge: bool) -> Response:
    params = {"metadata": call.body.get("metadata")} if isinstance(call.body, dict) else {}
    return answer({"metadata": await change_metadata(call.work, call.path["id"], params, merge=merge)})


async def _shown(call: Call, note_id: UUID) -> Response:
    payloads = await note_payloads(call.work, [note_id])
    return answer({"credit_note": payloads[note_id]})


async def _page(call: Call, wanted: NoteFilter) -> Response:
    page = await notes_page(call.work.session, call.page(), wanted)
    payloads = await note_payloads(call.work, (), rows={row.id: row for row in page.rows})
    return page_answer("credit_notes", list(payloads.values()), page)


async def _filter(call: Call, customer_id: UUID | None = None) -> NoteFilter:
    """What the query string asks for. Raises ValidationFailed for unknown enumerations, NotFound for unknown codes."""
    read = Reader(call.query)
    reasons = _listed(call, read, "reason", REASONS)
    credit_statuses = _listed(call, read, "credit_status", CREDIT_STATUSES)
    refund_statuses = _listed(call, read, "refund_status", REFUND_STATUSES)
    types = _listed(call, read, "types", TYPES)
    currency = read.choice("currency", CURRENCIES)
    amount_from, amount_to = read.integer("amount_from"), read.integer("amount_to")
    read.finish()
    codes = call.texts("billing_entity_codes")
    return NoteFilter(
        customer_id=customer_id,
        external_customer_id=None if customer_id else call.query.get("external_customer_id"),
        invoice_number=call.query.get("invoice_number"),
        purchase_order_number=call.query.get("purchase_order_number"),
        reasons=reasons,
        credit_statuses=credit_statuses,
        refund_statuses=refund_statuses,
        types=types,
        currency=currency,
        billing_entity_ids=await billing_entity_ids(call.work.session, codes) if codes else None,
        issuing_date_from=_date(call.query.get("issuing_date_from")),
        issuing_date_to=_date(call.query.get("issuing_date_to")),
        amount_from=amount_from,
        amount_to=amount_to,
        self_billed=call.flag("self_billed"),
        search_term=call.query.get("search_term"),
    )


def _listed(call: Call, read: Reader, name: str, known: Collection[str]) -> list[str]:
    values = call.texts(name)
    if not set(values) <= set(known):
        read.add(name, INVALID)
    return values


def _date(text: str | None) -> date | None:
    """Dates that are none are passed over, as on most lists."""
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        return None


routes = [
    get("/credit_notes", index),
    post("/credit_notes", create),
    post("/credit_notes/estimate", estimate),
    get("/credit_notes/{id}", show),
    put("/credit_notes/{id}", update),
    put("/credit_notes/{id}/void", void),
    post("/credit_notes/{id}/download", download),
    post("/credit_notes/{id}/download_pdf", download),
    post("/credit_notes/{id}/download_xml", download),
    post("/credit_notes/{id}/metadata", replace_metadata),
    patch("/credit_notes/{id}/metadata", merge_metadata),
    delete("/credit_notes/{id}/metadata", clear_metadata),
    delete("/credit_notes/{id}/metadata/{key}", remove_metadata),
    get("/customers/{external_id}/credit_notes", of_customer),
]
