"""What is told of payments that a provider refused, or that no provider could be asked for.

Source: handbook, credits 6.3, 6.4 and platform 10.4.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.credits.note_models import CreditNote
from domain.credits.wallets.models import WalletTransaction
from domain.customers.queries import customer_rows
from domain.invoicing.queries import invoice_rows
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.models import Payment
from domain.payments.providers.customers import provider_customers_of
from domain.payments.providers.news_models import Refund
from domain.payments.queries import invoices_of_requests, request_rows

__all__ = [
    "payment_failure_payloads", "refund_failure_payloads", "request_failure_payloads", "top_up_failure_payloads",
]  # fmt: skip

NO_PROVIDER: Final = "customer_must_have_payment_provider"

Payload = dict[str, Any]
_payments, _transactions = table(Payment), table(WalletTransaction)
_notes, _refunds = table(CreditNote), table(Refund)


async def payment_failure_payloads(work: UnitOfWork, invoice_ids: Collection[UUID]) -> dict[UUID, Payload]:
    """By invoice; four statements."""
    invoices = await invoice_rows(work.session, invoice_ids)
    parties = await _parties(work, {row.customer_id for row in invoices.values()})
    refused = await _refused(work, _payments.c.invoice_id, invoices)
    return {
        each: {
            "lago_invoice_id": each,
            **parties[row.customer_id],
            **_why(parties[row.customer_id], refused.get(each)),
        }
        for each, row in invoices.items()
    }


async def request_failure_payloads(work: UnitOfWork, request_ids: Collection[UUID]) -> dict[UUID, Payload]:
    """By payment request; five statements."""
    requests = await request_rows(work.session, request_ids)
    invoices = await invoices_of_requests(work.session, list(requests))
    parties = await _parties(work, {row.customer_id for row in requests.values()})
    refused = await _refused(work, _payments.c.payment_request_id, requests)
    return {
        each: {
            "lago_payment_request_id": each,
            "lago_invoice_ids": [invoice.id for invoice in invoices.get(each, ())],
            **parties[row.customer_id],
            "provider_error": _why(parties[row.customer_id], refused.get(each))["provider_error"],
        }
        for each, row in requests.items()
    }


async def top_up_failure_payloads(work: UnitOfWork, transaction_ids: Collection[UUID]) -> dict[UUID, Payload]:
    """By wallet transaction; five statements."""
    t = _transactions.c
    query = sa.select(t.id, t.invoice_id).where(t.id.in_(transaction_ids), t.invoice_id.is_not(None))
    invoice_of = {row.id: row.invoice_id for row in await work.session.execute(query)}
    invoices = await invoice_rows(work.session, set(invoice_of.values()))
    parties = await _parties(work, {row.customer_id for row in invoices.values()})
    refused = await _refused(work, _payments.c.invoice_id, invoices)
    return {
        each: {
            "lago_wallet_transaction_id": each,
            **parties[invoices[invoice_id].customer_id],
            "provider_error": _why(parties[invoices[invoice_id].customer_id], refused.get(invoice_id))[
                "provider_error"
            ],
        }
        for each, invoice_id in invoice_of.items()
        if invoice_id in invoices
    }


async def refund_failure_payloads(work: UnitOfWork, note_ids: Collection[UUID]) -> dict[UUID, Payload]:
    """By credit note; four statements."""
    n, r = _notes.c, _refunds.c
    query = (
        sa.select(n.id, n.customer_id, r.error_code, r.error_message)
        .join(_refunds, r.credit_note_id == n.id)
        .where(n.id.in_(note_ids))
    )
    notes = {row.id: row for row in await work.session.execute(query)}
    parties = await _parties(work, {row.customer_id for row in notes.values()})
    return {
        each: {
            "lago_credit_note_id": each,
            **parties[row.customer_id],
            "provider_error": {"message": row.error_message, "error_code": row.error_code},
        }
        for each, row in notes.items()
    }


async def _parties(work: UnitOfWork, customer_ids: Collection[UUID]) -> dict[UUID, Payload]:
    """Customers and what they are called at their providers."""
    customers = await customer_rows(work.session, customer_ids)
    holders = await provider_customers_of(work.session, customer_ids)
    return {
        each: {
            "lago_customer_id": each,
            "external_customer_id": row.external_id,
            "provider_customer_id": holders[each].provider_customer_id if each in holders else None,
            "payment_provider": row.payment_provider,
            "payment_provider_code": row.payment_provider_code,
        }
        for each, row in customers.items()
    }


async def _refused(work: UnitOfWork, column: sa.ColumnElement[Any], ids: Collection[UUID]) -> dict[UUID, Any]:
    """The last provider payment of each payable that was refused."""
    p = _payments.c
    query = (
        sa.select(column.label("payable_id"), p.error_code, p.error_message)
        .where(column.in_(ids), p.payment_type == "provider", p.payable_payment_status == "failed")
        .order_by(p.created_at, p.id)
    )
    refused: dict[UUID, Any] = {row.payable_id: row for row in await work.session.execute(query)}
    return refused


def _why(party: Mapping[str, Any], refused: Any) -> Payload:
    """The provider's words, else that there is no provider."""
    if party["payment_provider"] is None:
        return {"provider_error": None, "error_details": {"code": NO_PROVIDER}}
    code = None if refused is None else refused.error_code
    error = None if refused is None else {"message": refused.error_message, "error_code": code}
    return {"provider_error": error, "error_details": {"code": code} if code else {}}
