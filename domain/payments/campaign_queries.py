"""Reads of dunning campaigns, of the customers they concern and of what these owe."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.customers.models import Customer
from domain.identity.models import BillingEntity
from domain.invoicing.models import Invoice
from domain.kernel.errors import NotFound
from domain.kernel.ids import parse_id
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.rows import table
from domain.payments.models import DunningCampaign, DunningCampaignThreshold

__all__ = [
    "CampaignFilter", "applied_campaign", "campaign_row", "campaign_rows", "campaigns_of_customers", "campaigns_page",
    "customer_counts", "customers_on_campaign", "overdue_balances", "thresholds_of",
]  # fmt: skip

RowOf = sa.Row[Any]

_campaigns, _thresholds = table(DunningCampaign), table(DunningCampaignThreshold)
_customers, _entities, _invoices = table(Customer), table(BillingEntity), table(Invoice)

applied_campaign = sa.func.coalesce(_customers.c.applied_dunning_campaign_id, _entities.c.applied_dunning_campaign_id)
"""The campaign of a customer: its own, else its billing entity's. For queries that join both tables."""


@dataclass(frozen=True, slots=True)
class CampaignFilter:
    """Which campaigns; empty asks for all that are kept."""

    search_term: str | None = None
    applied_to_organization: bool | None = None
    currencies: Collection[str] = ()


def _select() -> sa.Select[Any]:
    """Kept campaigns with `applied_to_organization`: whether the default billing entity has them."""
    applied = sa.exists(
        sa.select(_entities.c.id).where(
            _entities.c.id == _campaigns.c.organization_id,
            _entities.c.applied_dunning_campaign_id == _campaigns.c.id,
        )
    )
    return sa.select(*_campaigns.c, applied.label("applied_to_organization"))


async def campaigns_page(
    session: AsyncSession, request: PageRequest, wanted: CampaignFilter, order: str | None = None
) -> Page[RowOf]:
    """By name, or by code where that is asked for; two statements."""
    d = _campaigns.c
    query = _select().where(d.deleted_at.is_(None))
    if wanted.search_term and wanted.search_term.strip():
        term = wanted.search_term.strip()[:255]
        query = query.where(sa.or_(d.name.icontains(term, autoescape=True), d.code.icontains(term, autoescape=True)))
    if wanted.currencies:
        t = _thresholds.c
        priced = sa.select(t.id).where(t.dunning_campaign_id == d.id, t.currency.in_(wanted.currencies))
        query = query.where(sa.exists(priced))
    if wanted.applied_to_organization is not None:
        listed = query.subquery()
        query = sa.select(*listed.c).where(listed.c.applied_to_organization.is_(wanted.applied_to_organization))
    total = await session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
    if request.offset >= total:
        return Page((), total, request)
    by = "code" if order == "code" else "name"
    columns = query.selected_columns
    rows = await session.execute(query.order_by(columns[by], columns["id"]).limit(request.size).offset(request.offset))
    return Page(rows.all(), total, request)


async def campaign_row(session: AsyncSession, campaign_id: object) -> RowOf:
    """A kept campaign. Raises NotFound("dunning_campaign")."""
    identifier = parse_id(campaign_id)
    row = (await campaign_rows(session, [identifier])).get(identifier) if identifier else None
    if row is None or row.deleted_at is not None:
        raise NotFound("dunning_campaign")
    return row


async def campaign_rows(session: AsyncSession, campaign_ids: Collection[UUID]) -> dict[UUID, RowOf]:
    """Campaigns by id, deleted ones as well."""
    if not campaign_ids:
        return {}
    return {row.id: row for row in await session.execute(_select().where(_campaigns.c.id.in_(campaign_ids)))}


async def thresholds_of(session: AsyncSession, campaign_ids: Collection[UUID]) -> dict[UUID, list[RowOf]]:
    """The thresholds of each campaign by their currencies."""
    t = _thresholds.c
    query = sa.select(*t).where(t.dunning_campaign_id.in_(campaign_ids)).order_by(t.dunning_campaign_id, t.currency)
    found: dict[UUID, list[RowOf]] = defaultdict(list)
    for row in await session.execute(query):
        found[row.dunning_campaign_id].append(row)
    return found


def _on_campaign() -> sa.Select[Any]:
    return (
        sa.select(_customers.c.id, applied_campaign.label("campaign_id"))
        .join(_entities, _entities.c.id == _customers.c.billing_entity_id)
        .where(_customers.c.deleted_at.is_(None), sa.not_(_customers.c.exclude_from_dunning_campaign))
    )


async def customers_on_campaign(session: AsyncSession, campaign_id: UUID, *, reminded: bool = False) -> list[UUID]:
    """The customers that this campaign concerns; only those reminded so far, if that is asked for."""
    query = _on_campaign().where(applied_campaign == campaign_id)
    if reminded:
        query = query.where(_customers.c.dunning_currency_attempts != {})
    return [row.id for row in await session.execute(query)]


async def campaigns_of_customers(session: AsyncSession, customer_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The campaign that concerns each customer; those that none does are left out."""
    query = (
        sa.select(_customers.c.id, applied_campaign.label("campaign_id"))
        .join(_entities, _entities.c.id == _customers.c.billing_entity_id)
        .where(_customers.c.id.in_(customer_ids), applied_campaign.is_not(None))
    )
    return {row.id: row.campaign_id for row in await session.execute(query)}


async def customer_counts(session: AsyncSession, campaign_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many customers each campaign concerns."""
    of_customers = _on_campaign().where(applied_campaign.in_(campaign_ids)).subquery()
    query = sa.select(of_customers.c.campaign_id, sa.func.count().label("customers")).group_by(
        of_customers.c.campaign_id
    )
    return {row.campaign_id: row.customers for row in await session.execute(query)}


async def overdue_balances(session: AsyncSession, customer_ids: Collection[UUID]) -> dict[UUID, dict[str, int]]:
    """The totals of the overdue invoices of each customer, in cents by currency. Parts that were paid do not lower
    them; invoices that the customer issues itself do not count."""
    i = _invoices.c
    query = (
        sa.select(i.customer_id, i.currency, sa.func.sum(i.total_amount_cents).label("balance"))
        .where(i.customer_id.in_(customer_ids), i.payment_overdue, sa.not_(i.self_billed))
        .group_by(i.customer_id, i.currency)
    )
    found: dict[UUID, dict[str, int]] = defaultdict(dict)
    for row in await session.execute(query):
        found[row.customer_id][row.currency] = int(row.balance)
    return found
