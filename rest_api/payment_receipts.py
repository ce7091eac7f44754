"""/api/v1/payment_receipts"""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response

from domain.kernel.ids import parse_id
from domain.payments.payloads import payment_receipt_payloads
from domain.payments.receipt_queries import receipt_row, receipts_page
from rest_api.frame import Call, answer, endpoint, page_answer
from rest_api.routing import get

__all__ = ["routes"]

# An id that can't exist matches nothing.
_NOTHING = UUID(int=0)


@endpoint(resource="payment_receipt")
async def index(call: Call) -> Response:
    """A page of receipts, the latest first."""
    invoice = call.query.get("invoice_id")
    invoice_id = (parse_id(invoice) or _NOTHING) if invoice else None
    page = await receipts_page(call.work.session, call.page(), invoice_id)
    return page_answer("payment_receipts", await payment_receipt_payloads(call.work, page.rows), page)


@endpoint(resource="payment_receipt")
async def show(call: Call) -> Response:
    """What is not found is called an invoice here, as clients expect."""
    row = await receipt_row(call.work.session, call.path["id"], "invoice")
    return answer({"payment_receipt": (await payment_receipt_payloads(call.work, [row]))[0]})


routes = [
    get("/payment_receipts", index),
    get("/payment_receipts/{id}", show),
]
