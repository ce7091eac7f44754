"""Payments asked of a provider: retries of invoices, and pages where customers pay or leave a card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from domain.billing.payment_pages import checkout_page, invoice_page, purchase_page
from domain.payments.collect import retry_payment
from rest_api.frame import Call, Outgoing, answer, empty_answer, endpoint, outgoing
from rest_api.routing import post

__all__ = ["routes"]


@endpoint(resource="invoice")
async def retry(call: Call) -> Response:
    """One more attempt; `payment_method` stands in the body itself."""
    body: Mapping[str, Any] = call.body if isinstance(call.body, Mapping) else {}
    await retry_payment(call.work, call.path["id"], body)
    return empty_answer()


@outgoing(resource="invoice")
async def invoice_url(call: Outgoing) -> Response:
    """Where an invoice is paid, for a day."""
    page = await invoice_page(call.work, call.path["id"])
    return answer(
        {
            "invoice_payment_details": {
                "lago_customer_id": page.customer_id,
                "external_customer_id": page.external_customer_id,
                "payment_provider": page.payment_provider,
                "lago_invoice_id": page.payable_id,
                "payment_url": page.url,
            }
        }
    )


@outgoing(resource="wallet_transaction")
async def purchase_url(call: Outgoing) -> Response:
    """Where bought credits are paid, for a day."""
    page = await purchase_page(call.work, call.path["id"])
    return answer(
        {
            "wallet_transaction_payment_details": {
                "lago_customer_id": page.customer_id,
                "external_customer_id": page.external_customer_id,
                "payment_provider": page.payment_provider,
                "lago_wallet_transaction_id": call.path["id"],
                "payment_url": page.url,
            }
        }
    )


@outgoing(resource="customer")
async def customer_url(call: Outgoing) -> Response:
    """Where a customer leaves a card."""
    known, url = await checkout_page(call.work, external_id=call.path["external_id"])
    return answer(
        {
            "customer": {
                "lago_customer_id": known.payer.customer_id,
                "external_customer_id": known.payer.external_id,
                "payment_provider": known.connection.provider_type,
                "payment_provider_code": known.connection.code,
                "checkout_url": url,
            }
        }
    )


routes = [
    post("/invoices/{id}/retry_payment", retry),
    post("/invoices/{id}/payment_url", invoice_url),
    post("/customers/{external_id}/checkout_url", customer_url),
    post("/wallet_transactions/{id}/payment_url", purchase_url),
]
