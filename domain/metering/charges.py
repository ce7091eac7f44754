"""The charges of plans as usage is measured, priced and shown by them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.metering.matching import ALL_VALUES, FilterRule

__all__ = ["PlanCharge", "PlanFilter", "PricingUnit", "charges_by_ids", "charges_of_plans"]


@dataclass(frozen=True, slots=True)
class PlanFilter:
    """A charge filter. values: as they were written, "all values" included."""

    rule: FilterRule
    properties: Mapping[str, Any]
    values: Mapping[str, Sequence[str]]
    invoice_display_name: str | None


@dataclass(frozen=True, slots=True)
class PricingUnit:
    """What a charge is priced in, if not in the plan's currency; conversion_rate: what one is in that currency."""

    id: UUID
    code: str
    short_name: str
    conversion_rate: Decimal


@dataclass(frozen=True, slots=True)
class PlanCharge:
    """A charge of a plan with its metric and its filters, those in the order they were last written."""

    id: UUID
    plan_id: UUID
    code: str
    invoice_display_name: str | None
    charge_model: str
    properties: Mapping[str, Any]
    pay_in_advance: bool
    prorated: bool
    invoiceable: bool
    accepts_target_wallet: bool
    metric_id: UUID
    metric_name: str
    metric_code: str
    metric_description: str | None
    aggregation_type: str
    field_name: str | None
    recurring: bool
    rounding_function: str | None
    rounding_precision: int | None
    values_ready: bool
    filters: tuple[PlanFilter, ...] = ()
    pricing_unit: PricingUnit | None = None


_COLUMNS = """
    SELECT ch.id, ch.plan_id, ch.code, ch.invoice_display_name, ch.charge_model, ch.properties, ch.pay_in_advance,
           ch.prorated, ch.invoiceable, ch.accepts_target_wallet, m.id AS metric_id, m.name AS metric_name,
           m.code AS metric_code, m.description AS metric_description, m.aggregation_type, m.field_name, m.recurring,
           m.rounding_function, m.rounding_precision, m.values_ready, applied.conversion_rate, unit.short_name,
           unit.id AS unit_id, unit.code AS unit_code
    FROM charges AS ch
    JOIN billable_metrics AS m ON m.id = ch.billable_metric_id
    LEFT JOIN applied_pricing_units AS applied ON applied.charge_id = ch.id
    LEFT JOIN pricing_units AS unit ON unit.id = applied.pricing_unit_id
"""
_FILTER_COLUMNS = """
    SELECT f.charge_id, f.id, f.properties, f.invoice_display_name, f.created_at,
           jsonb_object_agg(mf.key, v.values) AS chosen, jsonb_object_agg(mf.key, mf.values) AS listed
    FROM charges AS ch
    JOIN charge_filters AS f ON f.charge_id = ch.id
    JOIN charge_filter_values AS v ON v.charge_filter_id = f.id
    JOIN billable_metric_filters AS mf ON mf.id = v.billable_metric_filter_id
"""
_OF_PLANS = "WHERE ch.organization_id = :organization_id AND ch.plan_id = ANY(:ids) AND ch.deleted_at IS NULL"
_BY_IDS = "WHERE ch.organization_id = :organization_id AND ch.id = ANY(:ids)"
_KEPT = "AND f.deleted_at IS NULL AND v.deleted_at IS NULL AND mf.deleted_at IS NULL"
_ORDER = "ORDER BY ch.plan_id, lower(m.name), ch.position, ch.id"
_FILTER_ORDER = "GROUP BY f.id ORDER BY f.charge_id, f.position, f.id"

_CHARGES = sa.text(f"{_COLUMNS} {_OF_PLANS} AND m.deleted_at IS NULL {_ORDER}")
_FILTERS = sa.text(f"{_FILTER_COLUMNS} {_OF_PLANS} {_KEPT} {_FILTER_ORDER}")
_CHARGES_BY_IDS = sa.text(f"{_COLUMNS} {_BY_IDS} {_ORDER}")
_FILTERS_BY_IDS = sa.text(f"{_FILTER_COLUMNS} {_BY_IDS} {_FILTER_ORDER}")


async def charges_of_plans(
    session: AsyncSession, organization_id: UUID, plan_ids: Sequence[UUID]
) -> dict[UUID, list[PlanCharge]]:
    """The charges of each plan, ordered by the lower-cased names of their metrics; two statements."""
    found: dict[UUID, list[PlanCharge]] = defaultdict(list)
    for charge in await _read(session, _CHARGES, _FILTERS, organization_id, plan_ids):
        found[charge.plan_id].append(charge)
    return found


async def charges_by_ids(
    session: AsyncSession, organization_id: UUID, charge_ids: Sequence[UUID]
) -> dict[UUID, PlanCharge]:
    """These charges with all filters they ever had, also those that were deleted since: what fees are shown with."""
    charges = await _read(session, _CHARGES_BY_IDS, _FILTERS_BY_IDS, organization_id, charge_ids)
    return {charge.id: charge for charge in charges}


async def _read(
    session: AsyncSession, charges: sa.TextClause, filters: sa.TextClause, organization_id: UUID, ids: Sequence[UUID]
) -> list[PlanCharge]:
    wanted = {"organization_id": organization_id, "ids": list(ids)}
    by_charge: dict[UUID, list[PlanFilter]] = defaultdict(list)
    for row in await session.execute(filters, wanted):
        by_charge[row.charge_id].append(_filter(row))
    found = []
    for row in await session.execute(charges, wanted):
        columns = dict(row._mapping)
        unit_columns = [columns.pop(name) for name in ("unit_id", "unit_code", "short_name", "conversion_rate")]
        unit = PricingUnit(*unit_columns) if unit_columns[0] is not None else None
        found.append(PlanCharge(**columns, filters=tuple(by_charge[row.id]), pricing_unit=unit))
    return found


def _filter(row: sa.Row[Any]) -> PlanFilter:
    every = frozenset(key for key, values in row.chosen.items() if values == [ALL_VALUES])
    rule = FilterRule(
        id=row.id,
        values={key: frozenset(row.listed[key] if key in every else values) for key, values in row.chosen.items()},
        created_at=row.created_at,
        all_keys=every,
    )
    return PlanFilter(rule, row.properties, row.chosen, row.invoice_display_name)
