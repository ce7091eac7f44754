"""Reading subscriptions: one row for a change, facts for many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from domain.catalog.models import Plan
from domain.customers.models import Customer
from domain.identity.models import BillingEntity
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.rows import table
from domain.subscriptions.models import ActivationRule, Subscription

__all__ = [
    "STATUSES",
    "ZONE",
    "SubscriptionFilters",
    "current_of_customer",
    "find",
    "find_incomplete",
    "find_only",
    "first_starts",
    "latest_termination",
    "list_rows",
    "pending_successor",
    "rows_by_ids",
    "waiting_successors",
]  # fmt: skip

STATUSES = ("pending", "active", "terminated", "canceled", "incomplete")

s = table(Subscription).c
p = table(Plan).c
c = table(Customer).c
e = table(BillingEntity).c
_issuer = table(BillingEntity).alias("issuer")

_previous = table(Subscription).alias("previous")
_previous_plan = table(Plan).alias("previous_plan")
_next = table(Subscription).alias("next")
_next_plan = table(Plan).alias("next_plan")

# The successor: the newest row, not canceled, that points at this one.
_successor = (
    sa.select(_next.c.id)
    .where(_next.c.previous_subscription_id == s.id, _next.c.status != "canceled")
    .order_by(_next.c.created_at.desc(), _next.c.id.desc())
    .limit(1)
    .correlate(table(Subscription))
    .scalar_subquery()
)

# The zone of every local date of the customer: its own, else its billing entity's.
ZONE = sa.func.coalesce(c.timezone, e.timezone, "UTC")


# The billing entity of the invoices: the subscription's own, else the customer's.
ISSUER = sa.func.coalesce(s.billing_entity_id, c.billing_entity_id)


# The activation rules of a row as JSON, oldest first.
_rule = table(ActivationRule).c
RULES = (
    sa.select(
        sa.func.json_agg(
            aggregate_order_by(
                sa.func.json_build_object(
                    "id", _rule.id, "type", _rule.rule_type, "timeout_hours", _rule.timeout_hours,
                    "status", _rule.status, "expires_at", _rule.expires_at, "created_at", _rule.created_at,
                    "updated_at", _rule.updated_at,
                ),
                _rule.id,
            )
        )
    )
    .where(_rule.subscription_id == s.id)
    .correlate(table(Subscription))
    .scalar_subquery()
)  # fmt: skip


def _facts() -> sa.Select[Any]:
    """A subscription with its plan, customer and neighbours, as `payloads` and the life cycle read it."""
    return (
        sa.select(
            *table(Subscription).c,
            p.code.label("plan_code"),
            p.name.label("plan_name"),
            p.interval,
            p.amount_cents,
            p.amount_currency,
            p.pay_in_advance,
            p.trial_period,
            p.bill_charges_monthly,
            p.bill_fixed_charges_monthly,
            c.external_id.label("external_customer_id"),
            ZONE.label("timezone"),
            _issuer.c.code.label("billing_entity_code"),
            _previous_plan.c.code.label("previous_plan_code"),
            RULES.label("activation_rules"),
            _next.c.id.label("next_subscription_id"),
            _next.c.status.label("next_status"),
            _next.c.started_at.label("next_started_at"),
            _next.c.name.label("next_name"),
            _next_plan.c.id.label("next_plan_id"),
            _next_plan.c.code.label("next_plan_code"),
            _next_plan.c.amount_cents.label("next_amount_cents"),
            _next_plan.c.interval.label("next_interval"),
        )
        .join(table(Plan), p.id == s.plan_id)
        .join(table(Customer), c.id == s.customer_id)
        .join(table(BillingEntity), e.id == c.billing_entity_id)
        .join(_issuer, _issuer.c.id == ISSUER)
        .outerjoin(_previous, _previous.c.id == s.previous_subscription_id)
        .outerjoin(_previous_plan, _previous_plan.c.id == _previous.c.plan_id)
        .outerjoin(_next, _next.c.id == _successor)
        .outerjoin(_next_plan, _next_plan.c.id == _next.c.plan_id)
    )


@dataclass(frozen=True, slots=True)
class SubscriptionFilters:
    """What a list asks for; None does not filter."""

    statuses: Sequence[str] = ()
    external_customer_id: str | None = None
    customer_ids: Sequence[UUID] | None = None
    plan_code: str | None = None
    external_id: str | None = None
    currency: str | None = None
    billing_entity_codes: Sequence[str] = ()
    billing_entity_ids: Sequence[UUID | None] = ()
    overridden: bool | None = None
    search_term: str | None = None


def _where(query: sa.Select[Any], filters: SubscriptionFilters) -> sa.Select[Any]:
    if filters.statuses:
        query = query.where(s.status.in_(filters.statuses))
    if filters.external_customer_id is not None:
        query = query.where(c.external_id == filters.external_customer_id)
    if filters.customer_ids is not None:
        query = query.where(s.customer_id.in_(filters.customer_ids))
    if filters.plan_code is not None:
        query = query.where(p.code == filters.plan_code)
    if filters.external_id is not None:
        query = query.where(s.external_id == filters.external_id)
    if filters.currency is not None:
        query = query.where(p.amount_currency == filters.currency)
    if filters.billing_entity_codes:
        query = query.where(_issuer.c.code.in_(filters.billing_entity_codes))
    if filters.billing_entity_ids:
        query = query.where(_issuer.c.id.in_(filters.billing_entity_ids))
    if filters.overridden is not None:
        query = query.where(p.parent_id.is_not(None) if filters.overridden else p.parent_id.is_(None))
    if filters.search_term:
        term = f"%{filters.search_term.strip()}%"
        texts = (s.external_id, s.name, p.name, p.code, c.name, c.external_id)
        query = query.where(sa.or_(*(column.ilike(term) for column in texts)))
    return query


async def list_rows(session: AsyncSession, filters: SubscriptionFilters, page: PageRequest) -> Page[sa.Row[Any]]:
    """A page of facts, newest anchor first."""
    count = _where(
        sa.select(sa.func.count())
        .select_from(table(Subscription))
        .join(table(Plan), p.id == s.plan_id)
        .join(table(Customer), c.id == s.customer_id)
        .join(_issuer, _issuer.c.id == ISSUER),
        filters,
    )
    total = (await session.execute(count)).scalar_one()
    query = _where(_facts(), filters).order_by(s.subscription_at.desc(), s.created_at.desc(), s.id)
    rows = (await session.execute(query.limit(page.size).offset(page.offset))).all()
    return Page(rows, total, page)


async def rows_by_ids(session: AsyncSession, ids: Sequence[UUID]) -> list[sa.Row[Any]]:
    """Facts of these subscriptions, in the order of `ids`; unknown ones are left out."""
    if not ids:
        return []
    rows = (await session.execute(_facts().where(s.id.in_(ids)))).all()
    place = {identifier: number for number, identifier in enumerate(ids)}
    return sorted(rows, key=lambda row: place[row.id])


async def find(session: AsyncSession, external_id: str, status: str = "active") -> Subscription | None:
    """The subscription a client means by its external id: of several the one that ended last or not at all."""
    query = (
        select(Subscription)
        .where(col(Subscription.external_id) == external_id, col(Subscription.status) == status)
        .order_by(
            col(Subscription.terminated_at).desc().nulls_first(),
            col(Subscription.started_at).desc(),
            col(Subscription.id).desc(),
        )
        .limit(1)
    )
    return (await session.execute(query)).scalars().first()


async def current_of_customer(session: AsyncSession, customer_id: UUID, external_id: str) -> Subscription | None:
    """The customer's subscription of that external id that a plan change would act on.

    Active, else pending without a predecessor.
    """
    live = col(Subscription.status) == "active"
    waiting = sa.and_(col(Subscription.status) == "pending", col(Subscription.previous_subscription_id).is_(None))
    query = (
        select(Subscription)
        .where(
            col(Subscription.customer_id) == customer_id,
            col(Subscription.external_id) == external_id,
            sa.or_(live, waiting),
        )
        .order_by(col(Subscription.status), col(Subscription.id).desc())
        .limit(1)
    )
    return (await session.execute(query)).scalars().first()


async def find_only(session: AsyncSession, external_id: str) -> Subscription | None:
    """The subscription with an external id that no other ever had."""
    query = select(Subscription).where(col(Subscription.external_id) == external_id).limit(2)
    rows = (await session.execute(query)).scalars().all()
    return rows[0] if len(rows) == 1 else None


async def find_incomplete(session: AsyncSession, customer_id: UUID, external_id: str) -> Subscription | None:
    """The customer's subscription of that external id that waits for its payment."""
    query = select(Subscription).where(
        col(Subscription.customer_id) == customer_id,
        col(Subscription.external_id) == external_id,
        col(Subscription.status) == "incomplete",
    )
    return (await session.execute(query)).scalars().first()


async def waiting_successors(session: AsyncSession, subscription_ids: Sequence[UUID]) -> dict[UUID, Subscription]:
    """What follows each of these once it is paid, by the id of the row it will follow; locked."""
    query = (
        select(Subscription)
        .where(
            col(Subscription.previous_subscription_id).in_(subscription_ids), col(Subscription.status) == "incomplete"
        )
        .order_by(col(Subscription.id))
        .with_for_update()
    )
    rows = (await session.execute(query)).scalars().all()
    return {row.previous_subscription_id: row for row in rows if row.previous_subscription_id}


async def pending_successor(session: AsyncSession, subscription_ids: Sequence[UUID]) -> dict[UUID, Subscription]:
    """The planned downgrade of each of these, by the id of the row it will follow."""
    query = (
        select(Subscription)
        .where(col(Subscription.previous_subscription_id).in_(subscription_ids), col(Subscription.status) == "pending")
        .order_by(col(Subscription.id))
    )
    rows = (await session.execute(query)).scalars().all()
    return {row.previous_subscription_id: row for row in rows if row.previous_subscription_id}


async def latest_termination(session: AsyncSession, customer_id: UUID, external_id: str) -> datetime | None:
    """When this customer's last row of that external id ended with an invoice: a backdated one starts no earlier."""
    query = sa.select(sa.func.max(s.terminated_at)).where(
        s.customer_id == customer_id,
        s.external_id == external_id,
        s.status == "terminated",
        s.on_termination_invoice == "generate",
    )
    latest: datetime | None = (await session.execute(query)).scalar_one()
    return latest


async def first_starts(session: AsyncSession, subscription_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """When the trial of each began: the earliest start among the customer's rows of the same external id.

    A row that never started, with no earlier one, counts from its subscription_at.
    """
    chain = table(Subscription).alias("chain")
    query = (
        sa.select(s.id, sa.func.coalesce(sa.func.min(chain.c.started_at), s.subscription_at))
        .outerjoin(
            chain,
            sa.and_(
                chain.c.customer_id == s.customer_id,
                chain.c.external_id == s.external_id,
                # What was given up before it was paid never started.
                chain.c.status != "canceled",
            ),
        )
        .where(s.id.in_(subscription_ids))
        .group_by(s.id)
    )
    return dict(list(await session.execute(query)))
