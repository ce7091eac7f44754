"""Payments asked of a provider: retries of invoices, and pages where customers pay or leave a card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from domain.payments.collect import checkout_url, payment_url, purchase_url, retry_payment
from rest_api.frame import Call, empty_answer, endpoint
from rest_api.routing import post

__all__ = ["routes"]


@endpoint(resource="invoice")
async def retry(call: Call) -> Response:
    """One more attempt; `payment_method` stands in the body itself."""
    body: Mapping[str, Any] = call.body if isinstance(call.body, Mapping) else {}
    await retry_payment(call.work, call.path["id"], body)
    return empty_answer()


@endpoint(resource="invoice")
async def invoice_url(call: Call) -> Response:
    await payment_url(call.work, call.path["id"])
    return empty_answer()


@endpoint(resource="wallet_transaction")
async def transaction_url(call: Call) -> Response:
    await purchase_url(call.work, call.path["id"])
    return empty_answer()


@endpoint(resource="customer")
async def customer_url(call: Call) -> Response:
    await checkout_url(call.work, external_id=call.path["external_id"])
    return empty_answer()


routes = [
    post("/invoices/{id}/retry_payment", retry),
    post("/invoices/{id}/payment_url", invoice_url),
    post("/wallet_transactions/{id}/payment_url", transaction_url),
    post("/customers/{external_id}/checkout_url", customer_url),
]
