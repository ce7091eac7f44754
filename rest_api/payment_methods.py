"""/api/v1/customers/{external_id}/payment_methods"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from domain.customers.queries import customer_row
from domain.payments.methods import delete_payment_method, payment_method_row, payment_methods_page, set_as_default
from domain.payments.payloads import payment_method_payload
from rest_api.frame import Call, answer, endpoint, page_answer
from rest_api.routing import delete, get, put

__all__ = ["routes"]


@endpoint(resource="payment_method")
async def index(call: Call) -> Response:
    """A page of the customer's methods, the newest first."""
    customer = await customer_row(call.work.session, external_id=call.path["external_id"])
    page = await payment_methods_page(call.work.session, customer.id, call.page())
    return page_answer("payment_methods", [payment_method_payload(row) for row in page.rows], page)


@endpoint(resource="payment_method")
async def make_default(call: Call) -> Response:
    """Payments go here from now on."""
    row = await _method(call)
    await set_as_default(call.work, row.id, row.customer_id)
    return answer({"payment_method": payment_method_payload(await _method(call))})


@endpoint(resource="payment_method")
async def destroy(call: Call) -> Response:
    """Takes a method away; it is shown as it was, and is no default any more."""
    row = await _method(call)
    await delete_payment_method(call.work, row.id)
    return answer({"payment_method": {**payment_method_payload(row), "is_default": False}})


async def _method(call: Call) -> Any:
    """The method of the path. Raises NotFound for the customer and for a method that is not the customer's."""
    customer = await customer_row(call.work.session, external_id=call.path["external_id"])
    return await payment_method_row(call.work.session, call.path["id"], customer_id=customer.id)


routes = [
    get("/customers/{external_id}/payment_methods", index),
    put("/customers/{external_id}/payment_methods/{id}/set_as_default", make_default),
    delete("/customers/{external_id}/payment_methods/{id}", destroy),
]
