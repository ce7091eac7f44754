"""Payments as REST and webhooks show them (interface PaymentObject)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from domain.invoicing.queries import invoice_rows
from domain.kernel.format import instant
from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.queries import invoices_of_requests

__all__ = ["payment_payloads"]

Payload = dict[str, Any]


async def payment_payloads(work: UnitOfWork, rows: Sequence[Any]) -> list[Payload]:
    """Rows of `queries` in their order; two statements."""
    session = work.session
    own = await invoice_rows(session, {row.invoice_id for row in rows if row.invoice_id is not None})
    requested = await invoices_of_requests(
        session, {row.payment_request_id for row in rows if row.payment_request_id is not None}
    )
    return [
        _payment(row, [own[row.invoice_id]] if row.invoice_id is not None else requested[row.payment_request_id])
        for row in rows
    ]


def _payment(row: Any, invoices: Sequence[Any]) -> Payload:
    payable_id: UUID = row.invoice_id or row.payment_request_id
    return {
        "lago_id": row.id,
        "lago_customer_id": row.customer_id,
        "external_customer_id": row.external_customer_id,
        "invoice_ids": [invoice.id for invoice in invoices],
        "invoice_numbers": [invoice.number for invoice in invoices],
        "lago_payable_id": payable_id,
        "payable_type": "Invoice" if row.invoice_id is not None else "PaymentRequest",
        "amount_cents": row.amount_cents,
        "amount_currency": row.amount_currency,
        "status": row.status,
        "payment_status": row.payable_payment_status,
        "type": row.payment_type,
        "reference": row.reference,
        # What a payment provider would add; a payment by hand has none of it.
        "payment_provider_code": None,
        "payment_provider_type": None,
        "external_payment_id": None,
        "provider_payment_id": None,
        "provider_customer_id": None,
        "payment_method_id": None,
        "next_action": {},
        "created_at": instant(row.created_at),
    }
