"""What is told of customers and their payment providers. Source: handbook, credits 10.1 and platform 10.4."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from domain.kernel.unit_of_work import UnitOfWork
from domain.messaging.send import send_webhooks
from domain.payments.payables import INVOICE
from domain.payments.providers.gateway import Connection, GatewayRefused, LinkOrder
from domain.payments.providers.payer import Told
from domain.payments.queries import invoices_of_requests

__all__ = ["tell_checkout_url", "tell_customer_error", "tell_payment_failure", "tell_provider_error"]

CHECKOUT: Final = "customer.checkout_url_generated"
CUSTOMER_ERROR: Final = "customer.payment_provider_error"
PROVIDER_ERROR: Final = "payment_provider.error"
PAYMENT_FAILURE: Final = "invoice.payment_failure"
REQUEST_FAILURE: Final = "payment_request.payment_failure"


async def tell_checkout_url(work: UnitOfWork, told: Told, url: str) -> None:
    """The page where the customer leaves a method."""
    content = {**_customer(told), "checkout_url": url}
    await _send(work, CHECKOUT, "payment_provider_customer_checkout_url", content, told.payer.customer_id)


async def tell_customer_error(work: UnitOfWork, told: Told, error: GatewayRefused) -> None:
    """The provider did not take the customer."""
    content = {**_customer(told), "provider_error": _error(error)}
    await _send(work, CUSTOMER_ERROR, "payment_provider_customer_error", content, told.payer.customer_id)


async def tell_provider_error(work: UnitOfWork, connection: Connection, action: str, error: GatewayRefused) -> None:
    """The provider did not do what connecting it needs."""
    content = {
        "lago_payment_provider_id": connection.id,
        "payment_provider_code": connection.code,
        "payment_provider_name": connection.name,
        "source": connection.provider_type,
        "action": action,
        "provider_error": _error(error),
    }
    await _send(work, PROVIDER_ERROR, "payment_provider_error", content, connection.id)


async def tell_payment_failure(
    work: UnitOfWork, order: LinkOrder, connection: Connection, error: GatewayRefused
) -> None:
    """The provider made no page for an invoice or a payment request."""
    content = {
        "lago_customer_id": order.customer_id,
        "external_customer_id": order.external_customer_id,
        "provider_customer_id": order.provider_customer_id,
        "payment_provider": connection.provider_type,
        "payment_provider_code": connection.code,
        "provider_error": _error(error),
    }
    about = order.payable_id
    if order.payable_type == INVOICE:
        content |= {"lago_invoice_id": about, "error_details": {"code": error.code}}
        await _send(work, PAYMENT_FAILURE, "payment_provider_invoice_payment_error", content, about)
        return
    invoices = (await invoices_of_requests(work.session, [about])).get(about, [])
    content |= {"lago_payment_request_id": about, "lago_invoice_ids": [row.id for row in invoices]}
    await _send(work, REQUEST_FAILURE, "payment_provider_payment_request_payment_error", content, about)


def _customer(told: Told) -> dict[str, Any]:
    return {
        "lago_customer_id": told.payer.customer_id,
        "external_customer_id": told.payer.external_id,
        "payment_provider": told.connection.provider_type,
        "payment_provider_code": told.connection.code,
    }


def _error(error: GatewayRefused) -> dict[str, str]:
    return {"message": error.message, "error_code": error.code}


async def _send(work: UnitOfWork, webhook_type: str, object_type: str, content: dict[str, Any], about: UUID) -> None:
    await send_webhooks(work, webhook_type, object_type, [content], [about])
