"""Ending subscriptions, and switching to a planned downgrade. Source: handbook, subscriptions-and-invoices 1.6."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from domain.billing.events import BillingDue, PaidFeesDue
from domain.billing.give_up import give_up
from domain.billing.start import start_if_unpaid
from domain.billing.units import record_first_units
from domain.billing.unused_days import credit_unused_days
from domain.catalog.models import Plan
from domain.kernel import clock
from domain.kernel.errors import ValidationFailed
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Reader
from domain.subscriptions import queries
from domain.subscriptions.activation_rules import waiting_for_payment
from domain.subscriptions.events import SubscriptionCanceled
from domain.subscriptions.life import activate, cancel, terminate_row
from domain.subscriptions.models import Subscription

__all__ = ["switch_to_next", "terminate", "terminate_active"]

CREDIT_NOTE_MODES = ("credit", "skip", "refund", "offset")
INVOICE_MODES = ("generate", "skip")


async def terminate(work: UnitOfWork, row: Subscription, params: Mapping[str, Any]) -> Subscription:
    """Ends an active row now, or cancels a pending one. The modes given are kept on the row.

    params: on_termination_credit_note (plans paid in advance only), on_termination_invoice. Raises ValidationFailed for
    a row that waits for its payment, or whose successor does.
    """
    read = Reader(params)
    credit_note = read.choice("on_termination_credit_note", CREDIT_NOTE_MODES)
    invoice = read.choice("on_termination_invoice", INVOICE_MODES)
    read.finish()
    if row.status == "incomplete":
        raise ValidationFailed({"base": ["subscription_incomplete"]})
    if await queries.waiting_successors(work.session, [row.id]):
        raise ValidationFailed({"base": ["next_subscription_incomplete"]})
    if row.status == "pending":
        await cancel(work, row, clock.now())
        if row.previous_subscription_id is not None:
            work.record(SubscriptionCanceled((row.id,)))
        return row
    plan = await work.session.get_one(Plan, row.plan_id)
    if credit_note is not None and plan.pay_in_advance:
        row.on_termination_credit_note = credit_note
    row.on_termination_invoice = invoice or row.on_termination_invoice
    await terminate_active(work, [row], clock.now())
    return row


async def terminate_active(work: UnitOfWork, rows: Sequence[Subscription], at: datetime) -> None:
    """Ends active rows: what they paid in advance and will not use is credited, their successors that are planned or
    wait for a payment are called off and what they owe is billed."""
    await credit_unused_days(work, rows, at)
    ids = [row.id for row in rows]
    successors = await queries.pending_successor(work.session, ids)
    waiting = await queries.waiting_successors(work.session, ids)
    await give_up(work, list(waiting.values()), at, "declined")
    for row in rows:
        await terminate_row(work, row, at)
        if row.id in successors:
            await cancel(work, successors[row.id], at)
        if row.on_termination_invoice == "generate":
            work.record(BillingDue((row.id,), at, "subscription_terminating"))
        else:
            work.record(PaidFeesDue(row.id, at))


async def switch_to_next(work: UnitOfWork, subscription_ids: Sequence[UUID], at: datetime) -> None:
    """The planned downgrades of these rows take effect: each ends and its successor starts at the same instant. One
    that is to be paid first waits, and the row before with it."""
    query = select(Subscription).where(col(Subscription.id).in_(subscription_ids), col(Subscription.status) == "active")
    rows = (await work.session.execute(query.with_for_update())).scalars().all()
    successors = await queries.pending_successor(work.session, [row.id for row in rows])
    plan_ids = {row.plan_id for row in successors.values()}
    plans = {
        plan.id: plan for plan in (await work.session.execute(select(Plan).where(col(Plan.id).in_(plan_ids)))).scalars()
    }
    gated = await waiting_for_payment(work, [each.id for each in successors.values()])
    switching = [
        (row, following)
        for row in rows
        if (following := successors.get(row.id)) is not None
        and not (
            following.id in gated and await start_if_unpaid(work, following, plans[following.plan_id], at, billed_at=at)
        )
    ]
    for row, following in switching:
        await terminate_row(work, row, at)
        await activate(work, following, at, at)
    pay_in_advance = await record_first_units(work, [following.id for _, following in switching])
    for row, following in switching:
        in_advance = plans[following.plan_id].pay_in_advance or following.id in pay_in_advance
        billed = (row.id, following.id) if in_advance else (row.id,)
        work.record(BillingDue(billed, at, "upgrading"))
