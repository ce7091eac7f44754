"""Payments and payment requests as REST and webhooks show them (interface PaymentObject, PaymentRequestObject)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from domain.customers.payloads import customer_payloads
from domain.customers.queries import customer_rows
from domain.invoicing.links import download_url
from domain.invoicing.payloads import invoice_payloads
from domain.invoicing.queries import invoice_rows
from domain.kernel.format import instant
from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.campaign_queries import campaign_rows, campaigns_of_customers, overdue_balances
from domain.payments.queries import invoices_of_requests, payment_rows

__all__ = [
    "finished_campaign_payloads",
    "payment_method_payload",
    "payment_payloads",
    "payment_receipt_payloads",
    "payment_request_payloads",
]

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


async def payment_request_payloads(work: UnitOfWork, rows: Sequence[Any]) -> list[Payload]:
    """Rows of payment requests in their order, with customer and invoices. A fixed number of statements."""
    session = work.session
    named = await invoices_of_requests(session, [row.id for row in rows])
    invoices = await invoice_payloads(work, {invoice.id for each in named.values() for invoice in each})
    customers = await customer_payloads(session, {row.customer_id for row in rows})
    return [
        {
            "lago_id": row.id,
            "email": row.email,
            "amount_cents": row.amount_cents,
            "amount_currency": row.amount_currency,
            "payment_status": row.payment_status,
            "created_at": instant(row.created_at),
            "customer": customers[row.customer_id],
            "invoices": [invoices[invoice.id] for invoice in named[row.id]],
        }
        for row in rows
    ]


async def finished_campaign_payloads(work: UnitOfWork, customer_ids: Collection[UUID]) -> dict[UUID, Payload]:
    """What is told of customers whose campaign is over, by customer; four statements."""
    session = work.session
    customers = await customer_rows(session, customer_ids)
    campaign_of = await campaigns_of_customers(session, customer_ids)
    campaigns = await campaign_rows(session, set(campaign_of.values()))
    balances = await overdue_balances(session, customer_ids)
    return {
        each: {
            "external_customer_id": customer.external_id,
            "customer_external_id": customer.external_id,
            "dunning_campaign_code": campaigns[campaign_of[each]].code if each in campaign_of else None,
            "overdue_balance_cents": balances.get(each, {}).get(customer.currency, 0),
            "overdue_balance_currency": customer.currency,
            "overdue_balances": [
                {"currency": currency, "amount_cents": cents}
                for currency, cents in sorted(balances.get(each, {}).items())
            ],
        }
        for each, customer in customers.items()
    }


async def payment_receipt_payloads(work: UnitOfWork, rows: Sequence[Any]) -> list[Payload]:
    """Rows of receipts in their order, each with its payment."""
    payments = await payment_rows(work.session, {row.payment_id for row in rows})
    paid = {each["lago_id"]: each for each in await payment_payloads(work, list(payments.values()))}
    return [
        {
            "lago_id": row.id,
            "number": row.number,
            "file_url": download_url(row.organization_id, row.id, "payment_receipt") if row.document_key else None,
            "xml_url": download_url(row.organization_id, row.id, "payment_receipt_xml") if row.xml_key else None,
            "payment": paid[row.payment_id],
            "created_at": instant(row.created_at),
        }
        for row in rows
    ]


def payment_method_payload(row: Any) -> Payload:
    """A payment method from its row, which carries what its provider is called."""
    return {
        "lago_id": row.id,
        "is_default": row.is_default,
        "payment_provider_code": row.payment_provider_code,
        "payment_provider_name": row.payment_provider_name,
        "payment_provider_type": row.payment_provider_type,
        "provider_method_id": row.provider_method_id,
        "created_at": instant(row.created_at),
    }


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
        # What a payment provider adds; a payment by hand has none of it.
        "payment_provider_code": row.payment_provider_code,
        "payment_provider_type": row.payment_provider_type,
        "external_payment_id": row.provider_payment_id,
        "provider_payment_id": row.provider_payment_id,
        "provider_customer_id": row.provider_customer_id,
        "payment_method_id": row.payment_method_id,
        "next_action": row.next_action or {},
        "created_at": instant(row.created_at),
    }
