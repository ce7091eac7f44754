"""Which card or mandate a payment is taken with. Source: handbook, credits 6.3, "Method choice"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.credits.wallets.models import RecurringTransactionRule, Wallet, WalletTransaction
from domain.customers.payment_reference import PaymentReference
from domain.invoicing.models import InvoiceSubscription
from domain.kernel.rows import table
from domain.payments.models import PaymentMethod
from domain.payments.payables import INVOICE, Payable
from domain.subscriptions.models import Subscription

__all__ = ["by_hand", "chosen_method", "meant"]

BY_SUBSCRIPTION: Final = ("subscription", "advance_charges", "progressive_billing")
AUTOMATIC: Final = ("interval", "threshold")

_methods, _subscriptions = table(PaymentMethod), table(Subscription)
_periods, _transactions = table(InvoiceSubscription), table(WalletTransaction)
_wallets, _rules = table(Wallet), table(RecurringTransactionRule)


def meant(references: Sequence[PaymentReference]) -> PaymentReference:
    """The first of these references that says more than "the customer's way". Pure."""
    return next((each for each in references if each.kind == "manual" or each.method_id), PaymentReference())


async def chosen_method(
    session: AsyncSession, payable: Payable, method_type: str | None = None, method_id: UUID | None = None
) -> Any:
    """The row of the method that is used; None where it is to be paid by hand, and where there is none.

    What the client asked for goes before what the invoice's subscription, purchase or own reference says, and that
    before the customer's default. A method that was taken away is not replaced by another.
    """
    if method_type is not None or method_id is not None:
        found = PaymentReference(method_type or "provider", method_id)
    else:
        found = meant(await _said(session, payable))
    if found.kind == "manual":
        return None
    m = _methods.c
    wanted = m.is_default if found.method_id is None else m.id == found.method_id
    query = sa.select(*m).where(m.customer_id == payable.customer_id, m.deleted_at.is_(None), wanted)
    return (await session.execute(query)).first()


async def by_hand(session: AsyncSession, payable: Payable) -> bool:
    """Whether what is billed says that the client takes the money itself."""
    return meant(await _said(session, payable)).kind == "manual"


async def _said(session: AsyncSession, payable: Payable) -> list[PaymentReference]:
    """What the invoice itself, or what it bills, says of its payment, the nearest first."""
    if payable.type != INVOICE:
        return []
    invoice = payable.invoices[payable.id]
    if invoice.payment_method_type is not None:
        return [_reference(invoice)]
    if invoice.invoice_type in BY_SUBSCRIPTION:
        s = _subscriptions.c
        query = (
            sa.select(s.payment_method_type, s.payment_method_id)
            .join(_periods, _periods.c.subscription_id == s.id)
            .where(_periods.c.invoice_id == payable.id)
            .order_by(_periods.c.created_at, _periods.c.id)
            .limit(1)
        )
        return [_reference(row) for row in await session.execute(query)]
    if invoice.invoice_type == "credit":
        return await _of_purchase(session, payable.id)
    return []


async def _of_purchase(session: AsyncSession, invoice_id: UUID) -> list[PaymentReference]:
    t, w, r = _transactions.c, _wallets.c, _rules.c
    bought = await session.execute(sa.select(*t).where(t.invoice_id == invoice_id).order_by(t.id).limit(1))
    transaction = bought.first()
    if transaction is None:
        return []
    said = [_reference(transaction)]
    if transaction.source in AUTOMATIC:
        rules = sa.select(r.payment_method_type, r.payment_method_id).where(
            r.wallet_id == transaction.wallet_id, r.status == "active"
        )
        said += [_reference(row) for row in await session.execute(rules.order_by(r.id).limit(1))]
    wallet = sa.select(w.payment_method_type, w.payment_method_id).where(w.id == transaction.wallet_id)
    return [*said, *(_reference(row) for row in await session.execute(wallet))]


def _reference(row: Any) -> PaymentReference:
    return PaymentReference(row.payment_method_type or "provider", row.payment_method_id)
