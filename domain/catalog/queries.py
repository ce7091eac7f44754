"""Reads of the catalog. Lists of ids in, rows or counts by id out: N rows never cost N statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.catalog.models import BillableMetric, BillingEntityTax, Charge, Plan, Tax
from domain.identity.models import BillingEntity
from domain.kernel.errors import NotFound
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.rows import table

__all__ = [
    "MetricFilter", "TaxFilter", "billable_metric_row", "billable_metrics_page", "charge_row", "charge_rows",
    "charges_of_plans", "charges_page", "metric_rows", "plan_row", "plan_rows", "plans_page",
    "plans_with_subscriptions", "tax_row", "tax_rows", "taxes_page",
]  # fmt: skip

RowOf = sa.Row[Any]

_metrics, _plans, _charges, _taxes = table(BillableMetric), table(Plan), table(Charge), table(Tax)
_links, _entities = table(BillingEntityTax), table(BillingEntity)
_subscriptions = sa.table("subscriptions", sa.column("plan_id", sa.Uuid), sa.column("status", sa.Text))

_CHARGE_COLUMNS = (*_charges.c, _metrics.c.code.label("billable_metric_code"))


async def page_of(
    session: AsyncSession, select: sa.Select[Any], of: sa.Table, request: PageRequest, first: Any = None
) -> Page[RowOf]:
    """One page of a selection from `of`, by `first` and then newest first, and the count of all: two statements.

    Rows of the same instant, which are common where the clock stands still, are ordered by their time-sorted ids.
    """
    total = await session.scalar(sa.select(sa.func.count()).select_from(select.order_by(None).subquery())) or 0
    if request.offset >= total:
        return Page((), total, request)
    order = [first] if first is not None else []
    ordered = select.order_by(*order, of.c.created_at.desc(), of.c.id.desc())
    rows = await session.execute(ordered.limit(request.size).offset(request.offset))
    return Page(rows.all(), total, request)


def _found(row: RowOf | None, resource: str) -> RowOf:
    if row is None:
        raise NotFound(resource)
    return row


@dataclass(frozen=True, slots=True)
class MetricFilter:
    """Which metrics; None asks for all."""

    search_term: str | None = None
    recurring: bool | None = None
    aggregation_types: Collection[str] | None = None
    plan_id: UUID | None = None


async def billable_metrics_page(
    session: AsyncSession, request: PageRequest, wanted: MetricFilter | None = None
) -> Page[RowOf]:
    """Kept metrics, newest first."""
    wanted = wanted or MetricFilter()
    select = sa.select(*_metrics.c).where(_metrics.c.deleted_at.is_(None))
    if wanted.search_term:
        select = select.where(_contains(wanted.search_term, _metrics.c.name, _metrics.c.code))
    if wanted.recurring is not None:
        select = select.where(_metrics.c.recurring == wanted.recurring)
    if wanted.aggregation_types:
        select = select.where(_metrics.c.aggregation_type.in_(wanted.aggregation_types))
    if wanted.plan_id is not None:
        on_plan = sa.select(_charges.c.billable_metric_id).where(
            _charges.c.plan_id == wanted.plan_id, _charges.c.deleted_at.is_(None)
        )
        select = select.where(_metrics.c.id.in_(on_plan))
    return await page_of(session, select, _metrics, request)


async def billable_metric_row(
    session: AsyncSession, *, metric_id: UUID | None = None, code: str | None = None
) -> RowOf:
    """A kept metric. Raises NotFound."""
    wanted = _metrics.c.code == code if code is not None else _metrics.c.id == metric_id
    rows = await session.execute(sa.select(*_metrics.c).where(wanted, _metrics.c.deleted_at.is_(None)))
    return _found(rows.first(), "billable_metric")


async def metric_rows(session: AsyncSession, metric_ids: Collection[UUID]) -> dict[UUID, RowOf]:
    """Metrics by id, deleted ones as well."""
    return await _by_id(session, _metrics, metric_ids)


async def plans_page(
    session: AsyncSession, request: PageRequest, *, search_term: str | None = None,
    pending_deletion: bool = True, deleted: bool = False, categorized: bool = False,
) -> Page[RowOf]:  # fmt: skip
    """Plans without parent, newest first. `deleted` adds those that are gone, `pending_deletion` those that go;
    `categorized` asks for those of a product category, and no plan is in one."""
    select = sa.select(*_plans.c).where(_plans.c.parent_id.is_(None))
    if categorized:
        select = select.where(sa.false())
    if not deleted:
        select = select.where(_plans.c.deleted_at.is_(None))
    if not pending_deletion:
        select = select.where(~_plans.c.pending_deletion)
    if search_term:
        select = select.where(_contains(search_term, _plans.c.name, _plans.c.code))
    return await page_of(session, select, _plans, request)


async def plan_row(session: AsyncSession, *, plan_id: UUID | None = None, code: str | None = None) -> RowOf:
    """A kept plan by id, or by code one without parent. Raises NotFound."""
    if code is not None:
        wanted = sa.and_(_plans.c.code == code, _plans.c.parent_id.is_(None))
    else:
        wanted = _plans.c.id == plan_id
    rows = await session.execute(sa.select(*_plans.c).where(wanted, _plans.c.deleted_at.is_(None)))
    return _found(rows.first(), "plan")


async def plan_rows(session: AsyncSession, plan_ids: Collection[UUID]) -> dict[UUID, RowOf]:
    """Plans by id, deleted ones as well."""
    return await _by_id(session, _plans, plan_ids)


async def charges_of_plans(session: AsyncSession, plan_ids: Collection[UUID]) -> dict[UUID, list[RowOf]]:
    """The kept charges of each plan in their order, with `billable_metric_code`."""
    charges: dict[UUID, list[RowOf]] = defaultdict(list)
    if plan_ids:
        rows = await session.execute(
            sa.select(*_CHARGE_COLUMNS)
            .join(_metrics, _metrics.c.id == _charges.c.billable_metric_id)
            .where(_charges.c.plan_id.in_(plan_ids), _charges.c.deleted_at.is_(None))
            .order_by(_charges.c.plan_id, _charges.c.position, _charges.c.id)
        )
        for row in rows:
            charges[row.plan_id].append(row)
    return charges


async def charges_page(session: AsyncSession, plan_id: UUID, request: PageRequest) -> Page[RowOf]:
    """The kept charges of a plan with `billable_metric_code`, newest first."""
    select = (
        sa.select(*_CHARGE_COLUMNS)
        .join(_metrics, _metrics.c.id == _charges.c.billable_metric_id)
        .where(_charges.c.plan_id == plan_id, _charges.c.deleted_at.is_(None))
    )
    return await page_of(session, select, _charges, request)


async def charge_row(session: AsyncSession, plan_id: UUID, code: str) -> RowOf:
    """A kept charge of a plan. Raises NotFound."""
    rows = await session.execute(
        sa.select(*_CHARGE_COLUMNS)
        .join(_metrics, _metrics.c.id == _charges.c.billable_metric_id)
        .where(_charges.c.plan_id == plan_id, _charges.c.code == code, _charges.c.deleted_at.is_(None))
    )
    return _found(rows.first(), "charge")


async def charge_rows(session: AsyncSession, charge_ids: Collection[UUID]) -> dict[UUID, RowOf]:
    """Charges by id with `billable_metric_code`, deleted ones as well."""
    if not charge_ids:
        return {}
    rows = await session.execute(
        sa.select(*_CHARGE_COLUMNS)
        .join(_metrics, _metrics.c.id == _charges.c.billable_metric_id)
        .where(_charges.c.id.in_(charge_ids))
    )
    return {row.id: row for row in rows}


async def plans_with_subscriptions(session: AsyncSession, plan_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the plans that a subscription of any status is on."""
    rows = await session.scalars(
        sa.select(_subscriptions.c.plan_id).where(_subscriptions.c.plan_id.in_(plan_ids)).distinct()
    )
    return set(rows)


@dataclass(frozen=True, slots=True)
class TaxFilter:
    """Which taxes; None asks for all. order: "name" or "rate", else newest first."""

    search_term: str | None = None
    applied_to_organization: bool | None = None
    auto_generated: bool | None = None
    order: str | None = None


_entity_codes = (
    sa.select(sa.func.array_agg(_entities.c.code))
    .join(_links, _links.c.billing_entity_id == _entities.c.id)
    .where(_links.c.tax_id == _taxes.c.id, _entities.c.deleted_at.is_(None), _entities.c.archived_at.is_(None))
    .scalar_subquery()
)


def _tax_select(organization_id: UUID) -> sa.Select[Any]:
    """Taxes with `entity_codes` (billing entities they are on, or null) and `applied_to_organization`."""
    applied = sa.exists().where(_links.c.tax_id == _taxes.c.id, _links.c.billing_entity_id == organization_id)
    return sa.select(*_taxes.c, applied.label("applied_to_organization"), _entity_codes.label("entity_codes"))


async def taxes_page(
    session: AsyncSession, organization_id: UUID, request: PageRequest, wanted: TaxFilter | None = None
) -> Page[RowOf]:
    """Kept taxes, newest first."""
    wanted = wanted or TaxFilter()
    select = _tax_select(organization_id).where(_taxes.c.deleted_at.is_(None))
    if wanted.search_term:
        select = select.where(_contains(wanted.search_term, _taxes.c.name, _taxes.c.code))
    if wanted.applied_to_organization is not None:
        linked = sa.exists().where(_links.c.tax_id == _taxes.c.id, _links.c.billing_entity_id == organization_id)
        select = select.where(linked if wanted.applied_to_organization else ~linked)
    if wanted.auto_generated is not None:
        select = select.where(_taxes.c.auto_generated if wanted.auto_generated else ~_taxes.c.auto_generated)
    first = {"name": _taxes.c.name, "rate": _taxes.c.rate}.get(wanted.order or "")
    return await page_of(session, select, _taxes, request, first)


async def tax_row(
    session: AsyncSession, organization_id: UUID, *, tax_id: UUID | None = None, code: str | None = None
) -> RowOf:
    """A kept tax. Raises NotFound."""
    wanted = _taxes.c.code == code if code is not None else _taxes.c.id == tax_id
    rows = await session.execute(_tax_select(organization_id).where(wanted, _taxes.c.deleted_at.is_(None)))
    return _found(rows.first(), "tax")


async def tax_rows(session: AsyncSession, organization_id: UUID, tax_ids: Collection[UUID]) -> dict[UUID, RowOf]:
    """Taxes by id, deleted ones as well."""
    if not tax_ids:
        return {}
    rows = await session.execute(_tax_select(organization_id).where(_taxes.c.id.in_(tax_ids)))
    return {row.id: row for row in rows}


async def _by_id(session: AsyncSession, of: sa.Table, ids: Collection[UUID]) -> dict[UUID, RowOf]:
    if not ids:
        return {}
    return {row.id: row for row in await session.execute(sa.select(*of.c).where(of.c.id.in_(ids)))}


def _contains(term: str, *columns: sa.Column[Any]) -> sa.ColumnElement[bool]:
    """Case-insensitive contains, on any of the columns."""
    text = term.strip()[:255]
    return sa.or_(*(column.icontains(text, autoescape=True) for column in columns))
