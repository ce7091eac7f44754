"""Which payables a provider is asked for. Source: handbook, credits 6.3 and 7."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.credits.wallets.models import WalletTransaction
from domain.customers.models import Customer
from domain.invoicing.models import Invoice
from domain.kernel.rows import table
from domain.payments.models import PaymentRequest
from domain.payments.providers.models import CONNECTED_TYPES, PaymentProvider, ProviderCustomer

__all__ = ["automatic_top_ups", "invoices_to_take", "requests_to_take"]

_invoices, _customers, _requests = table(Invoice), table(Customer), table(PaymentRequest)
_holders, _providers = table(ProviderCustomer), table(PaymentProvider)


def _connected(customer_id: sa.ColumnElement[UUID]) -> sa.ColumnElement[bool]:
    """Whether a customer is known to a kept provider that it pays with."""
    h, c = _holders.c, _customers.c
    known = (
        sa.select(h.id)
        .join(_providers, sa.and_(_providers.c.id == h.payment_provider_id, _providers.c.deleted_at.is_(None)))
        .join(_customers, sa.and_(c.id == h.customer_id, c.payment_provider == h.provider_type))
        .where(
            h.customer_id == customer_id,
            h.deleted_at.is_(None),
            h.provider_customer_id.is_not(None),
            h.provider_type.in_(CONNECTED_TYPES),
        )
    )
    return sa.exists(known)


async def invoices_to_take(session: AsyncSession, invoice_ids: Collection[UUID], *, issued: bool = False) -> list[UUID]:
    """Of these invoices, in their order, those that are to be paid and whose customers' providers can be asked. One
    statement. issued: because they were issued, and not because somebody asks for it; some are left alone then."""
    i = _invoices.c
    query = sa.select(i.id).where(
        i.id.in_(invoice_ids),
        i.status.in_(("finalized", "open")),
        i.payment_status != "succeeded",
        i.total_amount_cents > 0,
        sa.not_(i.self_billed),
        _connected(i.customer_id),
    )
    if issued:
        query = query.where(sa.not_(i.skip_automatic_payment))
    found = set(await session.scalars(query))
    return [each for each in invoice_ids if each in found]


async def requests_to_take(session: AsyncSession, request_ids: Collection[UUID]) -> list[UUID]:
    """Of these payment requests, in their order, those whose customers' providers can be asked. One statement."""
    q = _requests.c
    query = sa.select(q.id).where(
        q.id.in_(request_ids), q.payment_status != "succeeded", q.amount_cents > 0, _connected(q.customer_id)
    )
    found = set(await session.scalars(query))
    return [each for each in request_ids if each in found]


async def automatic_top_ups(session: AsyncSession, invoice_ids: Collection[UUID]) -> list[UUID]:
    """Those of these invoices for credits that a rule bought. One statement."""
    t = table(WalletTransaction).c
    query = sa.select(t.invoice_id).where(t.invoice_id.in_(invoice_ids), t.source.in_(("interval", "threshold")))
    return list((await session.scalars(query)).all())
