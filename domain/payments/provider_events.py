"""What a provider's event changes here. Each may come twice, late and in any order. Source: handbook, credits 10.3."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.invoicing.models import Invoice
from domain.invoicing.update_invoice import DISPUTABLE, lose_dispute
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.events import InvoicePaymentsAsked, PaymentsConfirmed
from domain.payments.methods import forget_method, learn_method
from domain.payments.models import Payment, PaymentRequestInvoice
from domain.payments.outcomes import note_outcome
from domain.payments.payables import INVOICE, account_of, lock_invoice, lock_request
from domain.payments.providers.gateway import (
    Connection,
    DisputeLost,
    MethodGone,
    MethodKept,
    PaymentMoved,
    ProviderEvent,
    RefundMoved,
    RemoteMethod,
)
from domain.payments.providers.models import ProviderCustomer
from domain.payments.refunds import note_refund_of_provider

__all__ = ["apply_event"]

_payments, _parts, _invoices = table(Payment), table(PaymentRequestInvoice), table(Invoice)
_holders = table(ProviderCustomer)
# What ends a payment; a page is paid by several tries, each of which is only seen at its end.
ENDED: Final = ("succeeded", "failed")


async def apply_event(
    work: UnitOfWork, connection: Connection, event: ProviderEvent, method: RemoteMethod | None = None
) -> None:
    """Writes what the event says; `method` describes the one that a MethodKept is about."""
    match event:
        case PaymentMoved():
            await _payment_moved(work, connection, event)
        case MethodKept():
            await _method_kept(work, connection, event, method)
        case MethodGone():
            await forget_method(work, connection.id, event.method_id)
        case RefundMoved():
            await note_refund_of_provider(work, connection.id, event.refunded)
        case DisputeLost():
            await _dispute_lost(work, connection, event)


async def _payment_moved(work: UnitOfWork, connection: Connection, event: PaymentMoved) -> None:
    payment_id = await _payment_of(work, connection, event)
    if payment_id is None:
        payment_id = await _paid_on_page(work, connection, event)
    if payment_id is None:
        return
    await note_outcome(work, payment_id, event.charged)
    if event.charged.payment_status == "succeeded":
        work.record(PaymentsConfirmed((payment_id,)))


async def _payment_of(work: UnitOfWork, connection: Connection, event: PaymentMoved) -> UUID | None:
    """The payment that we asked for, or have seen before."""
    p = _payments.c
    known = sa.and_(p.payment_provider_id == connection.id, p.provider_payment_id == event.provider_payment_id)
    asked = sa.and_(
        p.payment_provider_id == connection.id, p.id == event.payment_id,
        sa.or_(p.provider_payment_id.is_(None), p.provider_payment_id == event.provider_payment_id),
    )  # fmt: skip
    wanted = known if event.payment_id is None else sa.or_(known, asked)
    found: UUID | None = await work.session.scalar(sa.select(p.id).where(wanted).limit(1))
    return found


async def _paid_on_page(work: UnitOfWork, connection: Connection, event: PaymentMoved) -> UUID | None:
    """A new payment, for what was paid, or tried to be, on a page of ours."""
    if event.payable_id is None or event.charged.payment_status not in ENDED:
        return None
    lock = lock_invoice if event.payable_type == INVOICE else lock_request
    payable = await lock(work, event.payable_id)
    if payable is None:
        return None
    again = await _payment_of(work, connection, event)
    if again is not None:
        return again
    account = await account_of(work.session, payable.customer_id, payable.billing_entity_id)
    same = account is not None and account.connection.id == connection.id
    payment = Payment(
        organization_id=work.organization_id,
        customer_id=payable.customer_id,
        payment_type="provider",
        amount_cents=event.charged.amount_cents or payable.due,
        amount_currency=payable.currency,
        status="created",
        # Not counted as under way beside a payment that we asked for; what became of it is noted at once.
        payable_payment_status="failed",
        payment_provider_id=connection.id,
        payment_provider_customer_id=account.holder.id if same and account is not None else None,
        **payable.reference,
    )
    work.session.add(payment)
    await work.session.flush()
    return payment.id


async def _method_kept(
    work: UnitOfWork, connection: Connection, event: MethodKept, method: RemoteMethod | None
) -> None:
    """It becomes the customer's default, and what waits to be paid is tried with it."""
    h = _holders.c
    query = sa.select(*h).where(
        h.payment_provider_id == connection.id,
        h.provider_customer_id == event.provider_customer_id,
        h.deleted_at.is_(None),
    )
    holder: Any = (await work.session.execute(query)).first()
    if holder is None or method is None:
        return
    _, news = await learn_method(work, holder, method)
    if not news:
        return
    i = _invoices.c
    waiting = sa.select(i.id).where(
        i.customer_id == holder.customer_id,
        i.status == "finalized",
        i.payment_status == "pending",
        i.ready_for_payment_processing,
        i.total_amount_cents > 0,
    )
    ids = tuple((await work.session.scalars(waiting.order_by(i.id))).all())
    if ids:
        work.record(InvoicePaymentsAsked(ids))


async def _dispute_lost(work: UnitOfWork, connection: Connection, event: DisputeLost) -> None:
    p, r, i = _payments.c, _parts.c, _invoices.c
    query = sa.select(p.invoice_id, p.payment_request_id).where(
        p.payment_provider_id == connection.id, p.provider_payment_id == event.provider_payment_id
    )
    payment = (await work.session.execute(query)).first()
    if payment is None:
        return
    named = (
        i.id == payment.invoice_id
        if payment.invoice_id is not None
        else i.id.in_(sa.select(r.invoice_id).where(r.payment_request_id == payment.payment_request_id))
    )
    disputed = sa.select(i.id).where(named, i.status.in_(DISPUTABLE)).order_by(i.id)
    for invoice_id in (await work.session.scalars(disputed)).all():
        await lose_dispute(work, invoice_id)
