"""Payments that the client took by itself and tells us of. Source: handbook, credits 6.2, subscriptions 7.3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from domain.invoicing.queries import invoice_row
from domain.invoicing.settle import lock_for_payment, settle, state_of
from domain.kernel import clock
from domain.kernel.errors import Forbidden, ValidationFailed
from domain.kernel.ids import parse_id
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import MANDATORY, OUT_OF_RANGE, Params, Reader
from domain.payments.events import PaymentsSucceeded
from domain.payments.models import Payment
from domain.payments.queries import in_succeeded_request

__all__ = ["create_manual_payment", "note_what_was_paid"]

LONGEST_REFERENCE: Final = 40
PAYABLE: Final = ("draft", "finalized", "voided", "failed", "pending", "open")
_payments = table(Payment)


async def create_manual_payment(work: UnitOfWork, params: Params) -> UUID:
    """Notes a payment that has succeeded; its id. The invoice is locked: of two payments at once the second one sees
    what the first has left to pay.

    params: invoice_id, amount_cents, reference, paid_at (now without it).
    Raises ValidationFailed, NotFound("invoice"), and Forbidden for an invoice that is neither finalized nor open.
    """
    invoice_id, amount = _asked(params)
    await invoice_row(work.session, invoice_id, PAYABLE)
    invoice = (await lock_for_payment(work, [invoice_id]))[invoice_id]
    if invoice.invoice_type != "advance_charges" and invoice.status not in ("finalized", "open"):
        raise Forbidden
    read = Reader(params)
    reference = read.text("reference", mandatory=True, longest=LONGEST_REFERENCE)
    paid_at = read.instant("paid_at")
    if amount > state_of(invoice).due:
        read.add("amount_cents", OUT_OF_RANGE)
    if invoice.invoice_type == "credit" and amount != invoice.total_amount_cents:
        read.add("amount_cents", "invalid_amount")
    if await in_succeeded_request(work.session, invoice_id):
        read.add("base", "payment_request_is_already_succeeded")
    read.finish()
    payment_id = await _write(work, invoice, amount, reference, paid_at or clock.now())
    await settle(work, paid={invoice_id: amount})
    return payment_id


def _asked(params: Params) -> tuple[UUID, int]:
    """The invoice and the amount, which are looked at before anything is read."""
    errors: dict[str, list[str]] = {}
    sent, amount = params.get("invoice_id"), params.get("amount_cents")
    if sent is None or (isinstance(sent, str) and not sent.strip()):
        errors["invoice_id"] = [MANDATORY]
    read = Reader({"amount_cents": amount})
    cents = read.integer("amount_cents", mandatory=True, least=1)
    if cents is None:
        errors["amount_cents"] = ["invalid_value"]
    if errors:
        raise ValidationFailed(errors)
    assert cents is not None, "an amount was read"
    return parse_id(sent) or UUID(int=0), cents


async def note_what_was_paid(work: UnitOfWork, invoices: Sequence[Mapping[str, Any]], reference: str) -> None:
    """The payments of new invoices, given as their columns, whose totals were paid before they were made. One
    statement."""
    now = clock.now()
    payments = [
        _payment(work, each["id"], each["customer_id"], each["currency"], each["total_amount_cents"], reference, now)
        for each in invoices
        if each["total_amount_cents"] > 0
    ]
    if payments:
        work.session.add_all(payments)
        await work.session.flush()
        work.record(PaymentsSucceeded(tuple(each.id for each in payments)))


async def _write(work: UnitOfWork, invoice: Any, amount: int, reference: str | None, paid_at: datetime) -> UUID:
    payment = _payment(work, invoice.id, invoice.customer_id, invoice.currency, amount, reference, paid_at)
    work.session.add(payment)
    await work.session.flush()
    work.record(PaymentsSucceeded((payment.id,)))
    return payment.id


def _payment(
    work: UnitOfWork,
    invoice_id: UUID,
    customer_id: UUID,
    currency: str,
    cents: int,
    reference: str | None,
    at: datetime,
) -> Payment:
    return Payment(
        organization_id=work.organization_id,
        customer_id=customer_id,
        invoice_id=invoice_id,
        payment_type="manual",
        amount_cents=cents,
        amount_currency=currency,
        status="succeeded",
        payable_payment_status="succeeded",
        reference=reference,
        created_at=at,
    )
