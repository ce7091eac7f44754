"""Giving up subscriptions that wait for a payment: nothing was bought. Source: handbook, subscriptions 1.8."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.billing.events import GatedInvoicesClosed
from domain.credits.spend_coupons import give_back_coupons
from domain.credits.spend_notes import give_back_notes
from domain.credits.wallets.give_back import give_back
from domain.kernel import clock
from domain.kernel.unit_of_work import UnitOfWork
from domain.subscriptions.activation_rules import resolve_rules
from domain.subscriptions.life import cancel_unpaid
from domain.subscriptions.models import Subscription

__all__ = ["give_up", "open_invoices"]

# Locked after their subscriptions, as everywhere.
_OPEN: Final = sa.text(
    """
    SELECT i.id, i.payment_status, i.fees_amount_cents, i.customer_id, i.billing_entity_id, i.self_billed,
           x.subscription_id
    FROM invoices i JOIN invoice_subscriptions x ON x.invoice_id = i.id
    WHERE x.subscription_id = ANY(:ids) AND i.status = 'open' ORDER BY i.id FOR NO KEY UPDATE OF i
    """
)
_CLOSE: Final = sa.text(
    "UPDATE invoices SET status = 'closed', ready_for_payment_processing = false, updated_at = :now"
    " WHERE id = ANY(:ids)"
)


async def open_invoices(work: UnitOfWork, subscription_ids: Sequence[UUID]) -> Sequence[sa.Row[Any]]:
    """The invoices that these subscriptions wait for, locked; the subscriptions are locked already."""
    return (await work.session.execute(_OPEN, {"ids": list(subscription_ids)})).all()


async def give_up(
    work: UnitOfWork, rows: Sequence[Subscription], at: datetime, outcome: str, reason: str | None = None
) -> None:
    """Cancels incomplete rows, which are locked, closes their invoices and gives back what these had taken.

    outcome: of their rules: failed, expired or declined. reason: payment_failed, timeout, or None where something else
    ended them.
    """
    if not rows:
        return
    closed = [each.id for each in await open_invoices(work, [row.id for row in rows])]
    if closed:
        await work.session.execute(_CLOSE, {"ids": closed, "now": clock.now()})
        await give_back_coupons(work, closed)
        await give_back_notes(work, closed)
        await give_back(work, closed)
        work.record(GatedInvoicesClosed(tuple(closed)))
    for row in rows:
        await resolve_rules(work, row.id, outcome)
        await cancel_unpaid(work, row, at, reason)
