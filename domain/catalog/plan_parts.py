"""Reads of what hangs on plans and charges: by owner, any number of owners, one or two statements a kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.catalog.applied_taxes import taxes_of
from domain.catalog.entitlements.holdings import Holding, holdings_of_plans
from domain.catalog.models import (
    AddOn,
    AppliedPricingUnit,
    BillableMetricFilter,
    Charge,
    ChargeFilter,
    ChargeFilterValue,
    ChargeTax,
    Commitment,
    CommitmentTax,
    FixedCharge,
    FixedChargeTax,
    PlanTax,
    PricingUnit,
    UsageThreshold,
)
from domain.kernel.errors import NotFound
from domain.kernel.ids import parse_id
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.rows import table

__all__ = [
    "ChargeParts", "FilterRow", "PlanParts", "charge_parts", "commitments_of_plans", "filter_row", "filter_rows",
    "filters_of_charges", "filters_page", "fixed_charge_row", "fixed_charge_rows", "fixed_charges_of_plans",
    "fixed_charges_page", "plan_parts", "pricing_units_of_charges",
    "thresholds_of_plans",
]  # fmt: skip

RowOf = sa.Row[Any]

_filters, _values, _dimensions = table(ChargeFilter), table(ChargeFilterValue), table(BillableMetricFilter)
_applied, _units = table(AppliedPricingUnit), table(PricingUnit)
_fixed, _add_ons = table(FixedCharge), table(AddOn)
_commitments, _thresholds = table(Commitment), table(UsageThreshold)
_charges = table(Charge)

_FIXED_COLUMNS = (*_fixed.c, _add_ons.c.code.label("add_on_code"))


@dataclass(frozen=True, slots=True)
class FilterRow:
    """A charge filter with its values by key. row: its columns and `charge_code`."""

    row: RowOf
    values: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class ChargeParts:
    """What hangs on charges, by charge id."""

    filters: dict[UUID, list[FilterRow]] = field(default_factory=dict)
    pricing_units: dict[UUID, RowOf] = field(default_factory=dict)
    taxes: dict[UUID, list[RowOf]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlanParts:
    """What hangs on plans, by plan id; taxes of fixed charges and commitments by theirs."""

    fixed_charges: dict[UUID, list[RowOf]]
    fixed_charge_taxes: dict[UUID, list[RowOf]]
    taxes: dict[UUID, list[RowOf]]
    commitments: dict[UUID, RowOf]
    commitment_taxes: dict[UUID, list[RowOf]]
    thresholds: dict[UUID, list[RowOf]]
    entitlements: dict[UUID, list[Holding]]


async def charge_parts(session: AsyncSession, charge_ids: Collection[UUID]) -> ChargeParts:
    """Filters, pricing units and taxes of charges: four statements."""
    if not charge_ids:
        return ChargeParts()
    return ChargeParts(
        await filters_of_charges(session, charge_ids),
        await pricing_units_of_charges(session, charge_ids),
        await taxes_of(session, ChargeTax, charge_ids),
    )


async def plan_parts(session: AsyncSession, plans: Collection[Any], *, fixed_charges: bool = True) -> PlanParts:
    """What hangs on these rows of plans: seven statements. Thresholds of overrides' parents are read as well, and their
    entitlements are the overrides'."""
    ids = [plan.id for plan in plans]
    fixed = await fixed_charges_of_plans(session, ids) if fixed_charges else {}
    commitments = await commitments_of_plans(session, ids)
    return PlanParts(
        fixed,
        await taxes_of(session, FixedChargeTax, [row.id for rows in fixed.values() for row in rows]),
        await taxes_of(session, PlanTax, ids),
        commitments,
        await taxes_of(session, CommitmentTax, [row.id for row in commitments.values()]),
        await thresholds_of_plans(session, {*ids, *(plan.parent_id for plan in plans if plan.parent_id)}),
        await holdings_of_plans(session, plans),
    )


async def filters_of_charges(session: AsyncSession, charge_ids: Collection[UUID]) -> dict[UUID, list[FilterRow]]:
    """The kept filters of each charge, in their order."""
    found: dict[UUID, list[FilterRow]] = defaultdict(list)
    if charge_ids:
        wanted = sa.and_(_filters.c.charge_id.in_(charge_ids), _filters.c.deleted_at.is_(None))
        for one in (await _filter_rows(session, wanted)).values():
            found[one.row.charge_id].append(one)
    return found


async def filter_rows(session: AsyncSession, filter_ids: Collection[UUID]) -> dict[UUID, FilterRow]:
    """Charge filters by id, deleted ones as well."""
    return await _filter_rows(session, _filters.c.id.in_(filter_ids)) if filter_ids else {}


async def filter_row(session: AsyncSession, charge_id: UUID, filter_id: object) -> FilterRow:
    """A kept filter of a charge. Raises NotFound."""
    wanted = sa.and_(
        _filters.c.id == parse_id(filter_id), _filters.c.charge_id == charge_id, _filters.c.deleted_at.is_(None)
    )
    for one in (await _filter_rows(session, wanted)).values():
        return one
    raise NotFound("charge_filter")


async def filters_page(session: AsyncSession, charge_id: UUID, request: PageRequest) -> Page[FilterRow]:
    """The kept filters of a charge, in their order. A charge has few: they are read together."""
    rows = (await filters_of_charges(session, [charge_id])).get(charge_id, [])
    return Page(rows[request.offset : request.offset + request.size], len(rows), request)


async def _filter_rows(session: AsyncSession, wanted: sa.ColumnElement[bool]) -> dict[UUID, FilterRow]:
    rows: Iterable[RowOf] = await session.execute(
        sa.select(*_filters.c, _charges.c.code.label("charge_code"))
        .join(_charges, _charges.c.id == _filters.c.charge_id)
        .where(wanted)
        .order_by(_filters.c.charge_id, _filters.c.position, _filters.c.id)
    )
    found = {row.id: FilterRow(row, {}) for row in rows}
    if found:
        values = await session.execute(
            sa.select(_values.c.charge_filter_id, _dimensions.c.key, _values.c["values"])
            .join(_dimensions, _dimensions.c.id == _values.c.billable_metric_filter_id)
            .join(_filters, _filters.c.id == _values.c.charge_filter_id)
            # The values of a filter that is deleted were deleted with it.
            .where(
                _values.c.charge_filter_id.in_(found),
                sa.or_(_values.c.deleted_at.is_(None), _filters.c.deleted_at.is_not(None)),
            )
            .order_by(_values.c.id)
        )
        for filter_id, key, each in values:
            found[filter_id].values[key] = list(each)
    return found


async def pricing_units_of_charges(session: AsyncSession, charge_ids: Collection[UUID]) -> dict[UUID, RowOf]:
    """The unit each charge is priced in, with `conversion_rate`; charges in money are left out."""
    if not charge_ids:
        return {}
    rows: Iterable[RowOf] = await session.execute(
        sa.select(
            *_units.c,
            _applied.c.charge_id,
            _applied.c.conversion_rate,
            _applied.c.id.label("applied_id"),
            _applied.c.created_at.label("applied_created_at"),
            _applied.c.updated_at.label("applied_updated_at"),
        )
        .join(_applied, _applied.c.pricing_unit_id == _units.c.id)
        .where(_applied.c.charge_id.in_(charge_ids))
    )
    return {row.charge_id: row for row in rows}


async def fixed_charges_of_plans(session: AsyncSession, plan_ids: Collection[UUID]) -> dict[UUID, list[RowOf]]:
    """The kept fixed charges of each plan in their order, with `add_on_code`."""
    found: dict[UUID, list[RowOf]] = defaultdict(list)
    if plan_ids:
        rows = await session.execute(
            _fixed_select()
            .where(_fixed.c.plan_id.in_(plan_ids), _fixed.c.deleted_at.is_(None))
            .order_by(_fixed.c.plan_id, _fixed.c.position, _fixed.c.id)
        )
        for row in rows:
            found[row.plan_id].append(row)
    return found


async def fixed_charges_page(session: AsyncSession, plan_id: UUID, request: PageRequest) -> Page[RowOf]:
    """The kept fixed charges of a plan with `add_on_code`, newest first."""
    from domain.catalog.queries import page_of

    wanted = _fixed_select().where(_fixed.c.plan_id == plan_id, _fixed.c.deleted_at.is_(None))
    return await page_of(session, wanted, _fixed, request)


async def fixed_charge_row(session: AsyncSession, plan_id: UUID, code: str) -> RowOf:
    """A kept fixed charge of a plan. Raises NotFound."""
    rows = await session.execute(
        _fixed_select().where(_fixed.c.plan_id == plan_id, _fixed.c.code == code, _fixed.c.deleted_at.is_(None))
    )
    row: RowOf | None = rows.first()
    if row is None:
        raise NotFound("fixed_charge")
    return row


async def fixed_charge_rows(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, RowOf]:
    """Fixed charges by id with `add_on_code`, deleted ones as well."""
    if not ids:
        return {}
    return {row.id: row for row in await session.execute(_fixed_select().where(_fixed.c.id.in_(ids)))}


def _fixed_select() -> sa.Select[Any]:
    return sa.select(*_FIXED_COLUMNS).join(_add_ons, _add_ons.c.id == _fixed.c.add_on_id)


async def commitments_of_plans(session: AsyncSession, plan_ids: Collection[UUID]) -> dict[UUID, RowOf]:
    """The minimum commitment of each plan that has one."""
    if not plan_ids:
        return {}
    rows = await session.execute(sa.select(*_commitments.c).where(_commitments.c.plan_id.in_(plan_ids)))
    return {row.plan_id: row for row in rows}


async def thresholds_of_plans(session: AsyncSession, plan_ids: Collection[UUID]) -> dict[UUID, list[RowOf]]:
    """The kept usage thresholds of each plan, fixed ones first, by amount."""
    found: dict[UUID, list[RowOf]] = defaultdict(list)
    if plan_ids:
        rows = await session.execute(
            sa.select(*_thresholds.c)
            .where(_thresholds.c.plan_id.in_(plan_ids), _thresholds.c.deleted_at.is_(None))
            .order_by(_thresholds.c.plan_id, _thresholds.c.recurring, _thresholds.c.amount_cents)
        )
        for row in rows:
            found[row.plan_id].append(row)
    return dict(found)
