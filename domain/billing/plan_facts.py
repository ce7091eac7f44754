"""What the plans of a run charge for: usage, fixed quantities, the least a period brings in. One statement each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.metering.matching import ALL_VALUES, FilterRule

__all__ = [
    "ChargeFacts", "CommitmentFacts", "FilterFacts", "FixedChargeFacts", "PlanFacts", "PricingUnitFacts", "load_plans",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class FilterFacts:
    """A charge filter: what it matches, and its own price."""

    rule: FilterRule
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PricingUnitFacts:
    """The unit of account a charge is priced in; conversion_rate: what one is in the plan's currency."""

    id: UUID
    short_name: str
    conversion_rate: Decimal


@dataclass(frozen=True, slots=True)
class ChargeFacts:
    """A charge of a plan and the metric it prices. filters: in the order they were last written."""

    id: UUID
    plan_id: UUID
    charge_model: str
    properties: Mapping[str, Any]
    metric_id: UUID
    metric_code: str
    aggregation_type: str
    field_name: str | None
    recurring: bool
    rounding_function: str | None
    rounding_precision: int | None
    values_ready: bool
    pay_in_advance: bool = False
    prorated: bool = False
    invoiceable: bool = True
    accepts_target_wallet: bool = False
    regroup_paid_fees: bool = False
    min_amount_cents: int = 0
    filters: tuple[FilterFacts, ...] = ()
    pricing_unit: PricingUnitFacts | None = None


@dataclass(frozen=True, slots=True)
class FixedChargeFacts:
    """A quantity of an add-on that a plan bills. units: the plan's; a subscription may have its own."""

    id: UUID
    plan_id: UUID
    parent_id: UUID | None
    add_on_id: UUID
    charge_model: str
    properties: Mapping[str, Any]
    units: Decimal
    pay_in_advance: bool
    prorated: bool


@dataclass(frozen=True, slots=True)
class CommitmentFacts:
    id: UUID
    plan_id: UUID
    amount_cents: int
    invoice_display_name: str | None


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """Everything by plan."""

    charges: Mapping[UUID, Sequence[ChargeFacts]] = field(default_factory=dict)
    fixed_charges: Mapping[UUID, Sequence[FixedChargeFacts]] = field(default_factory=dict)
    commitments: Mapping[UUID, CommitmentFacts] = field(default_factory=dict)


_CHARGES = sa.text(
    """
    SELECT ch.id, ch.plan_id, ch.charge_model, ch.properties, ch.pay_in_advance, ch.prorated, ch.invoiceable,
           ch.regroup_paid_fees, ch.min_amount_cents, ch.accepts_target_wallet, ch.billable_metric_id,
           m.code, m.aggregation_type, m.field_name, m.recurring, m.rounding_function, m.rounding_precision,
           m.values_ready, filters.listed AS filters, applied.pricing_unit_id, applied.conversion_rate, unit.short_name
    FROM charges ch
    JOIN billable_metrics m ON m.id = ch.billable_metric_id
    LEFT JOIN applied_pricing_units applied ON applied.charge_id = ch.id
    LEFT JOIN pricing_units unit ON unit.id = applied.pricing_unit_id
    LEFT JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_object('id', f.id, 'properties', f.properties, 'created_at', f.created_at,
                                            'values', f.values, 'listed', f.listed) ORDER BY f.position, f.id) AS listed
        FROM (
            SELECT cf.id, cf.properties, cf.position, cf.created_at,
                   jsonb_object_agg(mf.key, v.values) AS values, jsonb_object_agg(mf.key, mf.values) AS listed
            FROM charge_filters cf
            JOIN charge_filter_values v ON v.charge_filter_id = cf.id AND v.deleted_at IS NULL
            JOIN billable_metric_filters mf ON mf.id = v.billable_metric_filter_id
            WHERE cf.charge_id = ch.id AND cf.deleted_at IS NULL
            GROUP BY cf.id
        ) f
    ) filters ON true
    WHERE ch.plan_id = ANY(:plans) AND ch.deleted_at IS NULL AND m.deleted_at IS NULL
    ORDER BY ch.plan_id, ch.position, ch.id
    """
)
_FIXED_CHARGES = sa.text(
    """
    SELECT id, plan_id, parent_id, add_on_id, charge_model, properties, units, pay_in_advance, prorated
    FROM fixed_charges WHERE plan_id = ANY(:plans) AND deleted_at IS NULL ORDER BY plan_id, position, id
    """
)
_COMMITMENTS = sa.text(
    "SELECT id, plan_id, amount_cents, invoice_display_name FROM commitments WHERE plan_id = ANY(:plans)"
)


async def load_plans(session: AsyncSession, plan_ids: Sequence[UUID]) -> PlanFacts:
    """What these plans charge for, in three statements."""
    plans = {"plans": list(plan_ids)}
    fixed: dict[UUID, list[FixedChargeFacts]] = defaultdict(list)
    charges = _charges((await session.execute(_CHARGES, plans)).all())
    for row in await session.execute(_FIXED_CHARGES, plans):
        fixed[row.plan_id].append(FixedChargeFacts(*row))
    commitments = {row.plan_id: CommitmentFacts(*row) for row in await session.execute(_COMMITMENTS, plans)}
    return PlanFacts(charges, fixed, commitments)


def _charges(rows: Sequence[sa.Row[Any]]) -> dict[UUID, list[ChargeFacts]]:
    found: dict[UUID, list[ChargeFacts]] = defaultdict(list)
    for row in rows:
        unit = None
        if row.pricing_unit_id is not None:
            unit = PricingUnitFacts(row.pricing_unit_id, row.short_name, row.conversion_rate)
        found[row.plan_id].append(
            ChargeFacts(
                id=row.id,
                plan_id=row.plan_id,
                charge_model=row.charge_model,
                properties=row.properties,
                metric_id=row.billable_metric_id,
                metric_code=row.code,
                aggregation_type=row.aggregation_type,
                field_name=row.field_name,
                recurring=row.recurring,
                rounding_function=row.rounding_function,
                rounding_precision=row.rounding_precision,
                values_ready=row.values_ready,
                pay_in_advance=row.pay_in_advance,
                prorated=row.prorated,
                invoiceable=row.invoiceable,
                accepts_target_wallet=row.accepts_target_wallet,
                regroup_paid_fees=row.regroup_paid_fees is not None,
                min_amount_cents=row.min_amount_cents,
                filters=tuple(_filter(each) for each in row.filters or ()),
                pricing_unit=unit,
            )
        )
    return found


def _filter(found: Mapping[str, Any]) -> FilterFacts:
    listed = found["listed"]
    every = frozenset(key for key, values in found["values"].items() if values == [ALL_VALUES])
    rule = FilterRule(
        id=UUID(found["id"]),
        values={key: frozenset(listed[key] if key in every else values) for key, values in found["values"].items()},
        created_at=datetime.fromisoformat(found["created_at"]),
        all_keys=every,
    )
    return FilterFacts(rule, found["properties"])
