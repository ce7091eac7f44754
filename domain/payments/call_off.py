"""Payments under way that are not wanted any more. Source: handbook, subscriptions 1.8 and jobs 4.

A provider may have taken the money by then; its word on the payment comes in as ever, and decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.models import Payment
from domain.payments.providers.connections import connection_of
from domain.payments.providers.gateway import Connection
from domain.payments.providers.models import PaymentProvider

__all__ = ["Unwanted", "note_called_off", "payment_taken", "payment_to_call_off"]

UNDER_WAY: Final = ("pending", "processing")
_payments, _providers = table(Payment).c, table(PaymentProvider)


@dataclass(frozen=True, slots=True)
class Unwanted:
    """A payment at its provider."""

    connection: Connection
    payment_id: UUID
    provider_payment_id: str


async def payment_taken(work: UnitOfWork, invoice_id: UUID) -> UUID | None:
    """The payment of an invoice that its provider took, None where it took none."""
    p = _payments
    query = sa.select(p.id).where(
        p.invoice_id == invoice_id, p.payment_type == "provider", p.payable_payment_status == "succeeded"
    )
    found: UUID | None = await work.session.scalar(query.order_by(p.created_at, p.id).limit(1))
    return found


async def payment_to_call_off(work: UnitOfWork, invoice_id: UUID) -> Unwanted | None:
    """The payment of an invoice that its provider works on, None where it works on none."""
    p = _payments
    query = sa.select(p.id, p.provider_payment_id, p.payment_provider_id).where(
        p.invoice_id == invoice_id,
        p.payment_type == "provider",
        p.payable_payment_status.in_(UNDER_WAY) | (p.status == "requires_action"),
        p.provider_payment_id.is_not(None),
    )
    row = (await work.session.execute(query.order_by(p.created_at.desc(), p.id.desc()))).first()
    if row is None:
        return None
    provider = await work.session.execute(sa.select(*_providers.c).where(_providers.c.id == row.payment_provider_id))
    return Unwanted(connection_of(provider.one()), row.id, row.provider_payment_id)


async def note_called_off(work: UnitOfWork, payment_id: UUID) -> None:
    """Nothing was taken. One that has succeeded after all stays as it is."""
    p = _payments
    await work.session.execute(
        sa.update(table(Payment))
        .where(p.id == payment_id, p.payable_payment_status != "succeeded")
        .values(status="canceled", payable_payment_status="failed", updated_at=clock.now())
    )
