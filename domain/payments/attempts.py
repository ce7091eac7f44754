"""Beginning a payment by the customer's provider. Source: handbook, credits 6.3 and 7.

The row of the payment is committed before the provider is called, and its id names the call: whoever comes back after
a crash finds the row and repeats the same call, which the provider answers as it did the first time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.invoicing.settle import count_attempts, refuse_payments, settle
from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.events import InvoicePaymentsNotTaken
from domain.payments.method_choice import by_hand, chosen_method
from domain.payments.models import Payment, PaymentMethod, PaymentRequest
from domain.payments.payables import INVOICE, Account, Payable, account_of, lock_invoice, lock_request
from domain.payments.providers.gateway import ChargeOrder, Connection

__all__ = ["AUTHENTICATION", "Attempt", "begin_payment"]

AUTHENTICATION: Final = "authentication_required"
UNDER_WAY: Final = ("pending", "processing")
_BY_TRANSFER: Final = ["customer_balance"]

_payments, _methods, _requests = table(Payment), table(PaymentMethod), table(PaymentRequest)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What to ask of which provider."""

    connection: Connection
    order: ChargeOrder


async def begin_payment(
    work: UnitOfWork,
    payable_type: str,
    payable_id: UUID,
    *,
    first: bool = False,
    method_type: str | None = None,
    method_id: UUID | None = None,
) -> Attempt | None:
    """Writes the payment of an invoice or payment request that its provider is asked for; None when there is nothing
    to ask.

    first: only if nothing was refused before. method_type, method_id: what the client wants it paid with.

    Nothing is asked for what is self-billed, paid, voided or a draft, for customers without a provider, unknown to it
    or without anything to pay with, and while the provider works on a payment. What has nothing due is paid by that. A
    subscription that waits for a payment which nothing can be taken with waits no longer.
    """
    lock = lock_invoice if payable_type == INVOICE else lock_request
    payable = await lock(work, payable_id)
    if payable is None or payable.paid or not payable.open:
        return None
    if payable.due <= 0:
        await settle(work, paid=dict.fromkeys(payable.invoices, 0))
        return None
    account = await account_of(work.session, payable.customer_id, payable.billing_entity_id)
    payment = await _under_way(work, payable)
    if payment is not None and payment.payable_payment_status == "processing":
        return None
    unanswered = payment is not None and payment.error_code is None
    if account is None:
        if not unanswered:
            await _wait_no_longer(work, payable)
        return None
    if first and payment is None and await _tried(work, payable):
        return None
    if payment is None and not payable.ready:
        return None
    if payment is not None and unanswered:
        method = await _method(work, payment.payment_method_id)
    else:
        method = await chosen_method(work.session, payable, method_type, method_id)
    by_transfer = account.holder.provider_payment_methods == _BY_TRANSFER
    if method is None and not (by_transfer and method_type != "manual"):
        await _wait_no_longer(work, payable)
        return None
    written = await _written(work, payable, account, payment, method)
    return Attempt(account.connection, await _order(work, payable, account, written, method))


async def _wait_no_longer(work: UnitOfWork, payable: Payable) -> None:
    """There is nothing to take the payment with. Where a subscription waits for it, it has failed as if it had been
    refused; unless the client takes the money itself, which may come in still."""
    invoice = payable.invoices.get(payable.id)
    gated = invoice is not None and invoice.status == "open" and invoice.invoice_type != "credit"
    if gated and not await by_hand(work.session, payable):
        await refuse_payments(work, [payable.id])
        work.record(InvoicePaymentsNotTaken((payable.id,)))


async def _under_way(work: UnitOfWork, payable: Payable) -> Payment | None:
    found: Payment | None = await work.session.scalar(
        sa.select(Payment)
        .where(
            _payments.c[payable.column] == payable.id,
            _payments.c.payment_type == "provider",
            _payments.c.payable_payment_status.in_(UNDER_WAY),
        )
        .with_for_update()
    )
    return found


async def _tried(work: UnitOfWork, payable: Payable) -> bool:
    """Whether a provider payment of it ended before."""
    p = _payments.c
    tried = sa.select(p.id).where(p[payable.column] == payable.id, p.payment_type == "provider")
    return bool(await work.session.scalar(sa.select(sa.exists(tried))))


async def _method(work: UnitOfWork, method_id: UUID | None) -> Any:
    if method_id is None:
        return None
    return (await work.session.execute(sa.select(*_methods.c).where(_methods.c.id == method_id))).first()


async def _written(
    work: UnitOfWork, payable: Payable, account: Account, payment: Payment | None, method: Any
) -> Payment:
    """The row of the payment. One whose call was not answered yet stays as it is, so that the call is the same."""
    if payment is not None and payment.error_code is None:
        payment.amount_cents = payable.due
        await work.session.flush()
        return payment
    if payment is None:
        payment = Payment(
            organization_id=work.organization_id,
            customer_id=payable.customer_id,
            payment_type="provider",
            amount_cents=payable.due,
            amount_currency=payable.currency,
            status="pending",
            payable_payment_status="pending",
            **payable.reference,
        )
    else:
        payment.attempt += 1
        payment.amount_cents = payable.due
        payment.error_code = payment.error_message = None
    payment.payment_provider_id = account.connection.id
    payment.payment_provider_customer_id = account.holder.id
    payment.payment_method_id = None if method is None else method.id
    work.session.add(payment)
    await work.session.flush()
    await _count(work, payable)
    return payment


async def _count(work: UnitOfWork, payable: Payable) -> None:
    if payable.type == INVOICE:
        await count_attempts(work, [payable.id])
        return
    q = _requests.c
    await work.session.execute(
        sa.update(_requests)
        .where(q.id == payable.id)
        .values(payment_attempts=q.payment_attempts + 1, updated_at=clock.now())
    )


async def _order(work: UnitOfWork, payable: Payable, account: Account, payment: Payment, method: Any) -> ChargeOrder:
    p = _payments.c
    confirmed = sa.select(p.id).where(p[payable.column] == payable.id, p.error_code == AUTHENTICATION)
    return ChargeOrder(
        payment_id=payment.id,
        payable_type=payable.type,
        payable_id=payable.id,
        customer_id=payable.customer_id,
        billing_entity_id=payable.billing_entity_id,
        organization_id=work.organization_id,
        provider_customer_id=account.holder.provider_customer_id,
        external_customer_id=account.customer.external_id,
        method_id=None if method is None else method.provider_method_id,
        methods=account.holder.provider_payment_methods,
        amount_cents=payment.amount_cents,
        currency=payable.currency,
        description=f"{account.entity.name} - {payable.what}",
        metadata=payable.metadata,
        country=account.customer.country,
        entity_country=account.entity.country,
        on_session=bool(await work.session.scalar(sa.select(sa.exists(confirmed)))),
        attempt=payment.attempt,
    )
