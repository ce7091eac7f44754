"""The dunning run: customers with overdue invoices are reminded, each by a payment request.
Source: handbook, credits 11, and jobs 3.3.

A chunk of customers is one short transaction with a fixed number of statements. The customers are locked, so a run
beside it waits and then finds the days between two attempts not over yet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.customers.models import Customer
from domain.customers.reminders import lock_reminders, note_reminders
from domain.identity.models import BillingEntity
from domain.invoicing.models import Invoice
from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.campaign_queries import applied_campaign, campaign_rows, overdue_balances, thresholds_of
from domain.payments.dunning_rules import Campaign, Reminders, due_currencies, finished
from domain.payments.events import DunningCampaignsFinished
from domain.payments.models import DunningCampaign, DunningCampaignThreshold, PaymentRequest, PaymentRequestInvoice
from domain.payments.requests import Wanted, request_payments

__all__ = ["CHUNK", "begin_anew", "next_reminder", "remind"]

CHUNK: Final = 500
_customers, _entities, _invoices = table(Customer), table(BillingEntity), table(Invoice)
_campaigns, _thresholds = table(DunningCampaign), table(DunningCampaignThreshold)
_requests, _of_requests = table(PaymentRequest), table(PaymentRequestInvoice)


async def remind(work: UnitOfWork) -> int:
    """Reminds at most CHUNK customers; how many. About nine statements."""
    now = clock.now()
    due = _due().where(sa.or_(_last_at().is_(None), _next_at() < now)).order_by(_customers.c.id).limit(CHUNK)
    found = (await work.session.execute(due)).all()
    if not found:
        return 0
    campaign_of = {row.id: row.campaign_id for row in found}
    customers = await lock_reminders(work, list(campaign_of))
    campaigns = await _campaigns_of(work, set(campaign_of.values()))
    balances = await overdue_balances(work.session, list(customers))

    after: dict[UUID, Reminders] = {}
    asked: dict[tuple[UUID, str], UUID] = {}
    for customer_id, row in customers.items():
        campaign = campaigns[campaign_of[customer_id]]
        reminders = reminders_of(row)
        currencies = due_currencies(campaign, reminders, balances.get(customer_id, {}), now)
        if currencies:
            after[customer_id] = reminders.after_attempt(currencies, now)
            asked |= {(customer_id, currency): campaign_of[customer_id] for currency in currencies}
    await note_reminders(work, {each: (state.attempts, state.last_at) for each, state in after.items()})
    await _request(work, customers, campaigns, asked)
    done = tuple(each for each, state in after.items() if finished(campaigns[campaign_of[each]], state))
    if done:
        work.record(DunningCampaignsFinished(done))
    return len(after)


async def begin_anew(work: UnitOfWork, invoice_ids: Sequence[UUID]) -> None:
    """Overdue invoices were paid: where a campaign had asked for them, the customer's count of that currency begins
    anew. Three statements."""
    i, r = _invoices.c, _of_requests.c
    query = (
        sa.select(i.customer_id, i.currency)
        .distinct()
        .join(_of_requests, r.invoice_id == i.id)
        .join(_requests, _requests.c.id == r.payment_request_id)
        .where(i.id.in_(invoice_ids), _requests.c.dunning_campaign_id.is_not(None))
    )
    currencies: dict[UUID, set[str]] = defaultdict(set)
    for row in await work.session.execute(query):
        currencies[row.customer_id].add(row.currency)
    if currencies:
        customers = await lock_reminders(work, list(currencies))
        states = {each: reminders_of(row).after_payment(currencies[each]) for each, row in customers.items()}
        await note_reminders(work, {each: (state.attempts, state.last_at) for each, state in states.items()})


async def next_reminder(work: UnitOfWork, after: datetime) -> datetime | None:
    """When the first customer may be reminded next, as balances and campaigns stand."""
    waiting = _due().add_columns(_next_at().label("next_at")).subquery()
    query = sa.select(sa.func.count(), sa.func.bool_or(waiting.c.next_at.is_(None)), sa.func.min(waiting.c.next_at))
    count, at_once, first = (await work.session.execute(query.select_from(waiting))).one()
    if not count:
        return None
    return after if at_once or first is None else max(after, first)


def reminders_of(row: Any) -> Reminders:
    """How often a customer was reminded, from its row."""
    return Reminders(row.dunning_currency_attempts, row.last_dunning_campaign_attempt_at)


def _last_at() -> sa.ColumnElement[datetime]:
    return _customers.c.last_dunning_campaign_attempt_at


def _next_at() -> sa.ColumnElement[Any]:
    return _last_at() + _campaigns.c.days_between_attempts * sa.text("interval '1 day'")


def _due() -> sa.Select[Any]:
    """Customers that a campaign would remind, were the days between two attempts over: the rule in SQL, so that those
    it passes over are not read every hour."""
    c, i, d, t = _customers.c, _invoices.c, _campaigns.c, _thresholds.c
    reached = (
        sa.select(i.currency)
        .select_from(_invoices)
        .join(_thresholds, sa.and_(t.dunning_campaign_id == d.id, t.currency == i.currency))
        .where(i.customer_id == c.id, i.payment_overdue, sa.not_(i.self_billed))
        .where(
            sa.func.coalesce(sa.cast(c.dunning_currency_attempts.op("->>")(i.currency), sa.Integer), 0) < d.max_attempts
        )
        .group_by(i.currency, t.amount_cents)
        .having(sa.func.sum(i.total_amount_cents) >= t.amount_cents)
        .correlate(_customers, _campaigns)
    )
    return (
        sa.select(c.id, d.id.label("campaign_id"))
        .select_from(_customers)
        .join(_entities, _entities.c.id == c.billing_entity_id)
        .join(_campaigns, d.id == applied_campaign)
        .where(c.deleted_at.is_(None), sa.not_(c.exclude_from_dunning_campaign), d.deleted_at.is_(None))
        .where(c.id.in_(sa.select(i.customer_id).where(i.payment_overdue, sa.not_(i.self_billed))))
        .where(sa.exists(reached))
    )


async def _campaigns_of(work: UnitOfWork, campaign_ids: set[UUID]) -> dict[UUID, Campaign]:
    rows = await campaign_rows(work.session, campaign_ids)
    thresholds = await thresholds_of(work.session, campaign_ids)
    return {
        each: Campaign(
            row.days_between_attempts,
            row.max_attempts,
            {threshold.currency: threshold.amount_cents for threshold in thresholds[each]},
        )
        for each, row in rows.items()
    }


async def _request(
    work: UnitOfWork,
    customers: Mapping[UUID, Any],
    campaigns: Mapping[UUID, Campaign],
    asked: Mapping[tuple[UUID, str], UUID],
) -> None:
    """One request for each customer, currency and billing entity, of the overdue invoices that can be paid now. Where
    these alone do not reach the threshold nothing is asked for."""
    i = _invoices.c
    query = (
        sa.select(*i)
        .where(i.customer_id.in_({customer_id for customer_id, _ in asked}))
        .where(i.payment_overdue, sa.not_(i.self_billed), i.ready_for_payment_processing, i.status == "finalized")
        .order_by(i.id)
        .with_for_update()
    )
    ready: dict[tuple[UUID, str], list[Any]] = defaultdict(list)
    for row in await work.session.execute(query):
        ready[row.customer_id, row.currency].append(row)
    wanted = []
    for (customer_id, currency), campaign_id in asked.items():
        invoices = ready[customer_id, currency]
        if sum(row.total_amount_cents for row in invoices) < campaigns[campaign_id].thresholds[currency]:
            continue
        for entity_id in dict.fromkeys(row.billing_entity_id for row in invoices):
            of_entity = [row for row in invoices if row.billing_entity_id == entity_id]
            wanted.append(Wanted(customer_id, customers[customer_id].email, of_entity, campaign_id))
    await request_payments(work, wanted)
