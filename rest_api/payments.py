"""/api/v1/payments"""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response

from domain.customers.queries import customer_row
from domain.kernel.ids import parse_id
from domain.payments.manual import create_manual_payment
from domain.payments.payloads import payment_payloads
from domain.payments.queries import PaymentFilter, payment_row, payments_page
from rest_api.frame import Call, answer, endpoint, page_answer
from rest_api.routing import get, post

__all__ = ["routes"]

# An id that can't exist matches nothing.
_NOTHING = UUID(int=0)


@endpoint(resource="payment")
async def index(call: Call) -> Response:
    """A page of payments, the latest first."""
    return await _page(call, external_customer_id=call.query.get("external_customer_id"))


@endpoint(resource="payment")
async def of_customer(call: Call) -> Response:
    """The same page for one customer."""
    customer = await customer_row(call.work.session, external_id=call.path["external_id"])
    return await _page(call, customer_id=customer.id)


@endpoint(resource="payment")
async def show(call: Call) -> Response:
    return await _shown(call, call.path["id"])


@endpoint(resource="payment")
async def create(call: Call) -> Response:
    """A payment that was taken by hand."""
    return await _shown(call, await create_manual_payment(call.work, call.root("payment")))


async def _page(call: Call, *, customer_id: UUID | None = None, external_customer_id: str | None = None) -> Response:
    invoice = call.query.get("invoice_id")
    wanted = PaymentFilter(
        invoice_id=(parse_id(invoice) or _NOTHING) if invoice else None,
        customer_id=customer_id,
        external_customer_id=external_customer_id,
    )
    page = await payments_page(call.work.session, call.page(), wanted)
    return page_answer("payments", await payment_payloads(call.work, page.rows), page)


async def _shown(call: Call, payment_id: object) -> Response:
    row = await payment_row(call.work.session, payment_id)
    return answer({"payment": (await payment_payloads(call.work, [row]))[0]})


routes = [
    get("/payments", index),
    post("/payments", create),
    get("/payments/{id}", show),
    get("/customers/{external_id}/payments", of_customer),
]
