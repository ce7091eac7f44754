"""Giving money back through the provider that took it. Source: handbook, credits 10.8.

The row of a refund is committed before the provider is called, and names the call: done again after a crash, it is the
same refund.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.credits.note_models import CreditNote
from domain.credits.refund_status import note_refund_status
from domain.invoicing.models import Invoice
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.events import CreditNoteRefundsFailed
from domain.payments.models import Payment, PaymentRequestInvoice
from domain.payments.providers.connections import connection_row
from domain.payments.providers.gateway import Connection, Refunded, RefundOrder
from domain.payments.providers.models import CONNECTED_TYPES, PaymentProvider
from domain.payments.providers.news_models import Refund

__all__ = [
    "RefundWanted", "begin_note_refund", "begin_payment_refund", "note_refund", "note_refund_of_provider",
    "notes_to_refund",
]  # fmt: skip

EXPIRED: Final = "subscription_activation_expired"

_notes, _invoices, _payments = table(CreditNote), table(Invoice), table(Payment)
_parts, _refunds, _providers = table(PaymentRequestInvoice), table(Refund), table(PaymentProvider)


@dataclass(frozen=True, slots=True)
class RefundWanted:
    """What to ask of which provider. `refund_id`: the row that waits for the answer."""

    refund_id: UUID
    connection: Connection
    order: RefundOrder


async def notes_to_refund(work: UnitOfWork, note_ids: Collection[UUID]) -> list[UUID]:
    """Those of these notes that give money back which a provider took. One statement."""
    n = _notes.c
    query = sa.select(n.id).where(
        n.id.in_(note_ids),
        n.status == "finalized",
        n.refund_amount_cents > 0,
        n.refund_status.is_distinct_from("succeeded"),
        sa.exists(_payments_of(n.invoice_id)),
    )
    return list((await work.session.scalars(query.order_by(n.id))).all())


async def begin_note_refund(work: UnitOfWork, note_id: UUID) -> RefundWanted | None:
    """Writes the refund of a credit note; None when there is nothing to give back through a provider: it was given
    back before, the dispute over the invoice was lost, the payment was by hand, or its provider is gone."""
    n, i = _notes.c, _invoices.c
    query = (
        sa.select(*n, i.payment_dispute_lost_at.label("disputed"))
        .join(_invoices, i.id == n.invoice_id)
        .where(n.id == note_id, n.status == "finalized", n.refund_amount_cents > 0)
        .with_for_update(of=_notes)
    )
    note = (await work.session.execute(query)).first()
    if note is None or note.refund_status == "succeeded" or note.disputed is not None:
        return None
    p = _payments.c
    newest = _payments_of(sa.literal(note.invoice_id, sa.Uuid)).order_by(p.created_at.desc(), p.id.desc()).limit(1)
    payment = (await work.session.execute(newest)).first()
    if payment is None:
        return None
    metadata = {
        "lago_customer_id": str(note.customer_id),
        "lago_credit_note_id": str(note.id),
        "lago_invoice_id": str(note.invoice_id),
        "reason": note.reason,
    }
    return await _begin(
        work, payment, note.refund_amount_cents, key=note.id, reason="credit_note", note=note, metadata=metadata
    )


async def begin_payment_refund(work: UnitOfWork, payment_id: UUID) -> RefundWanted | None:
    """Writes the refund of a whole payment, because what it activates has expired; None where no provider took it."""
    query = sa.select(*_payments.c).where(
        _payments.c.id == payment_id,
        _payments.c.payable_payment_status == "succeeded",
        _payments.c.provider_payment_id.is_not(None),
    )
    payment = (await work.session.execute(query.with_for_update())).first()
    if payment is None:
        return None
    metadata = {"lago_customer_id": str(payment.customer_id), "lago_payment_id": str(payment.id), "reason": EXPIRED}
    return await _begin(work, payment, payment.amount_cents, key=payment.id, reason=EXPIRED, metadata=metadata)


async def note_refund(work: UnitOfWork, refund_id: UUID, refunded: Refunded) -> None:
    """Writes what became of a refund. One that has succeeded is not moved back."""
    refund = await work.session.get(Refund, refund_id, with_for_update=True, populate_existing=True)
    if refund is None or refund.refund_status == "succeeded":
        return
    news = refund.refund_status != refunded.refund_status
    refund.status, refund.refund_status = refunded.status, refunded.refund_status
    refund.provider_refund_id = refunded.provider_refund_id or refund.provider_refund_id
    refund.error_code, refund.error_message = refunded.error_code, refunded.error_message
    await work.session.flush()
    if refund.credit_note_id is None:
        return
    await note_refund_status(work, refund.credit_note_id, refunded.refund_status)
    if news and refunded.refund_status == "failed":
        work.record(CreditNoteRefundsFailed((refund.credit_note_id,)))


async def note_refund_of_provider(work: UnitOfWork, provider_id: UUID, refunded: Refunded) -> None:
    """The same, for a refund that its provider names."""
    r = _refunds.c
    refund_id = await work.session.scalar(
        sa.select(r.id).where(r.payment_provider_id == provider_id, r.provider_refund_id == refunded.provider_refund_id)
    )
    if refund_id is not None:
        await note_refund(work, refund_id, refunded)


def _payments_of(invoice_id: Any) -> sa.Select[Any]:
    """The payments of an invoice that a kept provider took, those of its payment requests among them."""
    p, r = _payments.c, _parts.c
    requests = sa.select(r.payment_request_id).where(r.invoice_id == invoice_id)
    return (
        sa.select(*p)
        .join(_providers, sa.and_(_providers.c.id == p.payment_provider_id, _providers.c.deleted_at.is_(None)))
        .where(
            sa.or_(p.invoice_id == invoice_id, p.payment_request_id.in_(requests)),
            p.payment_type == "provider",
            p.payable_payment_status == "succeeded",
            p.provider_payment_id.is_not(None),
            _providers.c.provider_type.in_(CONNECTED_TYPES),
        )
    )


async def _begin(
    work: UnitOfWork,
    payment: Any,
    amount_cents: int,
    *,
    key: UUID,
    reason: str,
    metadata: dict[str, str],
    note: Any = None,
) -> RefundWanted | None:
    connection = await connection_row(work.session, payment.payment_provider_id)
    if connection is None:
        return None
    r = _refunds.c
    same = r.payment_id == payment.id if note is None else r.credit_note_id == note.id
    refund: Refund | None = await work.session.scalar(
        sa.select(Refund).where(same, r.reason == reason).with_for_update()
    )
    if refund is not None and refund.provider_refund_id is not None:
        return None
    if refund is None:
        refund = Refund(
            organization_id=work.organization_id,
            payment_id=payment.id,
            payment_provider_id=connection.id,
            credit_note_id=None if note is None else note.id,
            reason=reason,
            amount_cents=amount_cents,
            amount_currency=payment.amount_currency,
        )
        work.session.add(refund)
        await work.session.flush()
    order = RefundOrder(
        refund_id=key,
        provider_payment_id=payment.provider_payment_id,
        amount_cents=amount_cents,
        currency=payment.amount_currency,
        reason="other" if note is None else note.reason,
        metadata=metadata,
    )
    return RefundWanted(refund.id, connection, order)
