"""What becomes of subscriptions that wait for the payment of their first invoice.

A payment, a refusal and the expiry may come at the same time: whoever locks the subscription first decides, and the
others find it decided. Source: handbook, subscriptions-and-invoices 1.8.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from domain.billing.events import BillingDue
from domain.billing.give_up import give_up, open_invoices
from domain.billing.paid_invoice import finalize_paid
from domain.billing.subscribe import AFTER_UPGRADE
from domain.billing.unused_days import credit_unused_days
from domain.kernel import clock
from domain.kernel.jobs import JobRequest
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.subscriptions.activation_rules import resolve_rules
from domain.subscriptions.calendar import ONE_DAY
from domain.subscriptions.facts import successor_of, terms_of
from domain.subscriptions.instants import local_date, start_of_day
from domain.subscriptions.life import activate_paid, terminate_row
from domain.subscriptions.models import ActivationRule, Subscription
from domain.subscriptions.queries import rows_by_ids
from domain.subscriptions.terms import SubscriptionTerms, Successor

__all__ = ["EXPIRE", "EXPIRE_CHUNK", "expire", "expire_due", "resolve_payments"]

EXPIRE: Final = "billing.expire_incomplete"
EXPIRE_CHUNK: Final = 50

_rule, _row = table(ActivationRule).c, table(Subscription).c
_WAITING: Final = sa.text(
    """
    SELECT DISTINCT x.subscription_id FROM invoice_subscriptions x
    JOIN subscriptions s ON s.id = x.subscription_id AND s.status = 'incomplete'
    JOIN invoices i ON i.id = x.invoice_id AND i.status = 'open'
    WHERE x.invoice_id = ANY(:ids)
    """
)


async def resolve_payments(work: UnitOfWork, invoice_ids: Sequence[UUID]) -> None:
    """Subscriptions whose first invoice was paid become active, those whose payment was refused are canceled.

    Invoices that nothing waits for are passed over.
    """
    ids = (await work.session.scalars(_WAITING, {"ids": list(invoice_ids)})).all()
    for row in await _locked(work, ids):
        (invoice,) = await open_invoices(work, [row.id])
        if invoice.payment_status == "succeeded":
            await _activate(work, row, invoice)
        elif invoice.payment_status == "failed":
            await _cancel(work, row, "failed", "payment_failed")


async def expire_due(work: UnitOfWork) -> int:
    """Hands subscriptions that were not paid in time to jobs "billing.expire_incomplete" {"subscription_ids"}; how
    many."""
    query = (
        sa.select(_row.id)
        .join(table(ActivationRule), _rule.subscription_id == _row.id)
        .where(_row.status == "incomplete", _rule.status == "pending", _rule.expires_at <= clock.now())
        .order_by(_row.id)
    )
    ids = list((await work.session.scalars(query)).all())
    for start in range(0, len(ids), EXPIRE_CHUNK):
        part = ids[start : start + EXPIRE_CHUNK]
        work.enqueue(JobRequest(EXPIRE, {"subscription_ids": part}, unique_key=f"{part[0]}:{len(part)}"))
    return len(ids)


async def expire(work: UnitOfWork, subscription_ids: Sequence[UUID]) -> None:
    """Gives up these subscriptions, if they wait still. One whose payment came in meanwhile becomes active."""
    for row in await _locked(work, subscription_ids):
        invoices = await open_invoices(work, [row.id])
        if invoices and invoices[0].payment_status == "succeeded":
            await _activate(work, row, invoices[0])
        else:
            await _cancel(work, row, "expired", "timeout")


async def _locked(work: UnitOfWork, ids: Sequence[UUID]) -> Sequence[Subscription]:
    """The rows among these that wait, each with the row before it, locked in the order of their ids."""
    if not ids:
        return ()
    before = sa.select(_row.previous_subscription_id).where(_row.id.in_(ids))
    query = (
        select(Subscription)
        .where(sa.or_(col(Subscription.id).in_(ids), col(Subscription.id).in_(before)))
        .order_by(col(Subscription.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    rows = (await work.session.execute(query)).scalars().all()
    return [row for row in rows if row.id in set(ids) and row.status == "incomplete"]


async def _activate(work: UnitOfWork, row: Subscription, invoice: sa.Row[Any]) -> None:
    now = clock.now()
    await resolve_rules(work, row.id, "satisfied")
    await _end_before(work, row)
    await activate_paid(work, row, now)
    await finalize_paid(work, invoice)
    assert row.started_at is not None, "it has started"
    # The start of the period that has begun since: its day is billed as if the hourly run had done so.
    terms = await _terms(work, row.id)
    missed = [*_billing_days(terms, local_date(row.started_at, terms.zone) + ONE_DAY, local_date(now, terms.zone))]
    if missed:
        _bill_period(work, row.id, terms, missed[-1])


async def _end_before(work: UnitOfWork, row: Subscription) -> None:
    """The row before ends when the other started: nothing of it has been billed since."""
    at = row.started_at
    assert at is not None, "it has started"
    if row.previous_subscription_id is None:
        return
    before = await work.session.get_one(Subscription, row.previous_subscription_id)
    if before.status != "active":
        return
    upgraded = successor_of((await rows_by_ids(work.session, [before.id]))[0]) is Successor.UPGRADE
    if upgraded:
        await credit_unused_days(work, [before], at, upgraded=True)
    await terminate_row(work, before, at)
    work.record(BillingDue((before.id,), at + AFTER_UPGRADE if upgraded else at, "upgrading"))


async def _cancel(work: UnitOfWork, row: Subscription, outcome: str, reason: str) -> None:
    """The row before goes on; its billing days since are made up for."""
    now = clock.now()
    await give_up(work, [row], now, outcome, reason)
    before = row.previous_subscription_id
    if before is None or row.started_at is None:
        return
    terms = await _terms(work, before)
    since = max(local_date(row.started_at, terms.zone), local_date(terms.started_at, terms.zone) + ONE_DAY)
    for day in _billing_days(terms, since, local_date(now, terms.zone)):
        _bill_period(work, before, terms, day)


async def _terms(work: UnitOfWork, subscription_id: UUID) -> SubscriptionTerms:
    await work.session.flush()
    return terms_of((await rows_by_ids(work.session, [subscription_id]))[0])


def _billing_days(terms: SubscriptionTerms, first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        if terms.is_billing_day(day):
            yield day
        day += ONE_DAY


def _bill_period(work: UnitOfWork, subscription_id: UUID, terms: SubscriptionTerms, day: date) -> None:
    at = start_of_day(day, terms.zone)
    work.enqueue(
        JobRequest(
            "billing.bill_chunk", {"at": at, "groups": [[subscription_id]]}, unique_key=f"{day}:{subscription_id}"
        )
    )
