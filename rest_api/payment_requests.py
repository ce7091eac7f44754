"""/api/v1/payment_requests"""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response

from domain.customers.queries import customer_row
from domain.invoicing.payment_state import PAYMENT_STATUSES
from domain.invoicing.queries import billing_entity_ids
from domain.kernel.currencies import CURRENCIES
from domain.kernel.validation import Reader
from domain.payments.payloads import payment_request_payloads
from domain.payments.queries import RequestFilter, request_row, requests_page
from domain.payments.requests import create_payment_request
from rest_api.frame import Call, answer, endpoint, page_answer
from rest_api.routing import get, post

__all__ = ["routes"]


@endpoint(resource="payment_request")
async def index(call: Call) -> Response:
    """A page of payment requests, the latest first."""
    return await _page(call, external_customer_id=call.query.get("external_customer_id"))


@endpoint(resource="payment_request")
async def of_customer(call: Call) -> Response:
    """The same page for one customer."""
    customer = await customer_row(call.work.session, external_id=call.path["external_id"])
    return await _page(call, customer_id=customer.id)


@endpoint(resource="payment_request")
async def show(call: Call) -> Response:
    return await _shown(call, call.path["id"])


@endpoint(resource="payment_request")
async def create(call: Call) -> Response:
    """Asks a customer to pay overdue invoices together."""
    return await _shown(call, await create_payment_request(call.work, call.root("payment_request")))


async def _page(call: Call, *, customer_id: UUID | None = None, external_customer_id: str | None = None) -> Response:
    read = Reader(call.query)
    status, currency = read.choice("payment_status", PAYMENT_STATUSES), read.choice("currency", CURRENCIES)
    read.finish()
    codes = call.texts("billing_entity_codes")
    wanted = RequestFilter(
        customer_id=customer_id,
        external_customer_id=external_customer_id,
        payment_status=status,
        currency=currency,
        billing_entity_ids=await billing_entity_ids(call.work.session, codes) if codes else None,
    )
    page = await requests_page(call.work.session, call.page(), wanted)
    return page_answer("payment_requests", await payment_request_payloads(call.work, page.rows), page)


async def _shown(call: Call, request_id: object) -> Response:
    row = await request_row(call.work.session, request_id)
    return answer({"payment_request": (await payment_request_payloads(call.work, [row]))[0]})


routes = [
    get("/payment_requests", index),
    post("/payment_requests", create),
    get("/payment_requests/{id}", show),
    get("/customers/{external_id}/payment_requests", of_customer),
]
