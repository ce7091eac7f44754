"""What a provider's answer makes of a payment and of what it is for. Source: handbook, credits 6.3 and 7.

The answer to a charge and the provider's later webhooks pass through here alike. A payment that has succeeded is never
moved back, and what has been noted before changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.credits.wallets.models import WalletTransaction
from domain.invoicing.settle import mark_ready, refuse_payments, settle
from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.events import (
    InvoicePaymentsNotTaken,
    PaymentNeedsAction,
    PaymentRequestPaymentsFailed,
    PaymentRequestsSettled,
    PaymentsSucceeded,
    TopUpPaymentsNotTaken,
)
from domain.payments.models import Payment, PaymentRequest
from domain.payments.payables import INVOICE, Payable, lock_invoice, lock_request
from domain.payments.providers.gateway import Charged

__all__ = ["note_outcome"]

# What is no failure of the payer's: nothing was taken, or he is asked again.
UNTOLD: Final = ("amount_too_small", "authentication_required")

_payments, _requests, _transactions = table(Payment), table(PaymentRequest), table(WalletTransaction)


async def note_outcome(work: UnitOfWork, payment_id: UUID, charged: Charged) -> bool:
    """Writes what became of a payment; whether another attempt, with the payer, is to follow."""
    named = (await work.session.execute(
        sa.select(_payments.c.invoice_id, _payments.c.payment_request_id).where(_payments.c.id == payment_id)
    )).first()  # fmt: skip
    if named is None:
        return False
    payable = (
        await lock_invoice(work, named.invoice_id)
        if named.invoice_id is not None
        else await lock_request(work, named.payment_request_id)
    )
    payment = await work.session.get(Payment, payment_id, with_for_update=True, populate_existing=True)
    if payable is None or payment is None or payment.payable_payment_status == "succeeded":
        return False
    if payable.paid and charged.payment_status in ("pending", "failed"):
        await work.session.delete(payment)
        await work.session.flush()
        return False
    again = _same(payment, charged)
    _write(payment, charged)
    await work.session.flush()
    if again:
        return False
    if charged.status == "requires_action":
        work.record(PaymentNeedsAction((payment.id,)))
    if charged.payment_status == "succeeded":
        await _succeeded(work, payable, payment)
    elif charged.payment_status == "failed" and not charged.needs_payer:
        await _failed(work, payable, charged)
    else:
        await _ready(work, payable, charged.payment_status != "processing")
    return charged.needs_payer


def _same(payment: Payment, charged: Charged) -> bool:
    """Whether this was noted before."""
    return (
        payment.provider_payment_id is not None
        and payment.status == charged.status
        and payment.payable_payment_status == charged.payment_status
    )


def _write(payment: Payment, charged: Charged) -> None:
    payment.status = charged.status
    payment.payable_payment_status = charged.payment_status
    payment.provider_payment_id = charged.provider_payment_id or payment.provider_payment_id
    payment.next_action = dict(charged.next_action) if charged.next_action else None
    payment.method = dict(charged.method) if charged.method else payment.method
    payment.error_code, payment.error_message = charged.error_code, charged.error_message
    if charged.amount_cents is not None:
        payment.amount_cents = charged.amount_cents


async def _succeeded(work: UnitOfWork, payable: Payable, payment: Payment) -> None:
    work.record(PaymentsSucceeded((payment.id,)))
    if payable.type == INVOICE:
        await settle(work, paid={payable.id: payment.amount_cents})
    else:
        await settle(work, paid=payable.shares)
        await _mark_request(work, payable.id, payment_status="succeeded")
        work.record(PaymentRequestsSettled((payable.id,)))
    await _ready(work, payable, False)


async def _failed(work: UnitOfWork, payable: Payable, charged: Charged) -> None:
    await refuse_payments(work, list(payable.invoices))
    told = charged.error_code not in UNTOLD
    if payable.type != INVOICE:
        await _mark_request(work, payable.id, payment_status="failed", ready_for_payment_processing=True)
        if told:
            work.record(PaymentRequestPaymentsFailed((payable.id,)))
        return
    if not told:
        return
    if payable.invoices[payable.id].invoice_type == "credit":
        bought = sa.select(_transactions.c.id).where(_transactions.c.invoice_id == payable.id)
        ids: Sequence[UUID] = (await work.session.scalars(bought.order_by(_transactions.c.id))).all()
        work.record(TopUpPaymentsNotTaken(tuple(ids)))
    else:
        work.record(InvoicePaymentsNotTaken((payable.id,)))


async def _ready(work: UnitOfWork, payable: Payable, ready: bool) -> None:
    await mark_ready(work, list(payable.invoices), ready)
    if payable.type != INVOICE:
        await _mark_request(work, payable.id, ready_for_payment_processing=ready)


async def _mark_request(work: UnitOfWork, request_id: UUID, **values: Any) -> None:
    await work.session.execute(
        sa.update(_requests).where(_requests.c.id == request_id).values(**values, updated_at=clock.now())
    )
