"""Charges, their filters and pricing units, and fixed charges."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import strawberry
from strawberry import Info

from domain.catalog import plan_parts, queries
from domain.catalog.models import ChargeTax, FixedChargeTax
from domain.kernel.format import decimal_text
from domain.kernel.unit_of_work import UnitOfWork
from domain.subscriptions.fixed_units import own_units_of, plan_ids_of
from graphql_api.catalog.add_ons import AddOn, fetch_add_ons
from graphql_api.catalog.enums import ChargeModelEnum, FixedChargeChargeModelEnum, RegroupPaidFeesEnum
from graphql_api.catalog.metrics import BillableMetric, fetch_metrics
from graphql_api.catalog.pricing_units import PricingUnit, fetch_pricing_units
from graphql_api.catalog.properties import FixedChargeProperties, Properties, fixed_properties_type, properties_type
from graphql_api.catalog.tax_types import Tax, taxes_on
from graphql_api.loaders import load, load_one
from graphql_api.scalars import BigInt, ChargeFilterValues, ISO8601DateTime

__all__ = [
    "AppliedPricingUnit", "Charge", "ChargeFilter", "FixedCharge", "charge_filter_type", "charge_type",
    "fetch_charge_filters", "fetch_charges", "fetch_charges_of_plans", "fetch_fixed_charges",
    "fetch_fixed_charges_of_plans", "fetch_fixed_charges_of_subscriptions", "fixed_charge_type",
]  # fmt: skip


@strawberry.type
class ChargeFilter:
    id: strawberry.ID
    charge_code: str | None
    invoice_display_name: str | None
    properties: Properties
    values: ChargeFilterValues


@strawberry.type
class AppliedPricingUnit:
    """`conversion_rate`: what one unit is in the plan's currency."""

    unit_id: strawberry.Private[UUID]

    id: strawberry.ID
    conversion_rate: float
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime

    @strawberry.field
    async def pricing_unit(self, info: Info) -> PricingUnit:
        return await load_one(info, "pricing_units", fetch_pricing_units, self.unit_id)


@strawberry.type
class Charge:
    metric_id: strawberry.Private[UUID]
    key: strawberry.Private[UUID]

    id: strawberry.ID
    code: str | None
    invoice_display_name: str | None
    charge_model: ChargeModelEnum
    properties: Properties | None
    parent_id: strawberry.ID | None
    pay_in_advance: bool
    invoiceable: bool
    prorated: bool
    regroup_paid_fees: RegroupPaidFeesEnum | None
    min_amount_cents: BigInt
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime
    deleted_at: ISO8601DateTime | None

    @strawberry.field
    async def billable_metric(self, info: Info) -> BillableMetric:
        return await load_one(info, "billable_metrics", fetch_metrics, self.metric_id)

    @strawberry.field
    async def filters(self, info: Info) -> list[ChargeFilter] | None:
        return await load(info, "filters_of_charges", _fetch_filters_of_charges, self.key) or []

    @strawberry.field
    async def applied_pricing_unit(self, info: Info) -> AppliedPricingUnit | None:
        return await load(info, "applied_pricing_units", _fetch_applied_units, self.key)

    @strawberry.field
    async def taxes(self, info: Info) -> list[Tax] | None:
        return await taxes_on(info, ChargeTax, self.key)


@strawberry.type
class FixedCharge:
    add_on_id: strawberry.Private[UUID]
    key: strawberry.Private[UUID]

    id: strawberry.ID
    code: str | None
    invoice_display_name: str | None
    charge_model: FixedChargeChargeModelEnum
    properties: FixedChargeProperties | None
    units: str
    pay_in_advance: bool
    prorated: bool
    parent_id: strawberry.ID | None
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime
    deleted_at: ISO8601DateTime | None

    @strawberry.field
    async def add_on(self, info: Info) -> AddOn:
        return await load_one(info, "add_ons", fetch_add_ons, self.add_on_id)

    @strawberry.field
    async def taxes(self, info: Info) -> list[Tax] | None:
        return await taxes_on(info, FixedChargeTax, self.key)


def charge_filter_type(one: plan_parts.FilterRow) -> ChargeFilter:
    return ChargeFilter(
        id=one.row.id,
        charge_code=one.row.charge_code,
        invoice_display_name=one.row.invoice_display_name,
        properties=properties_type(one.row.properties),
        values=ChargeFilterValues(one.values),
    )


def charge_type(row: Any) -> Charge:
    """A charge from a row, or from the object just written."""
    return Charge(
        metric_id=row.billable_metric_id,
        key=row.id,
        id=row.id,
        code=row.code,
        invoice_display_name=row.invoice_display_name,
        charge_model=ChargeModelEnum(row.charge_model),
        properties=properties_type(row.properties),
        parent_id=row.parent_id,
        pay_in_advance=row.pay_in_advance,
        invoiceable=row.invoiceable,
        prorated=row.prorated,
        regroup_paid_fees=RegroupPaidFeesEnum(row.regroup_paid_fees) if row.regroup_paid_fees else None,
        min_amount_cents=row.min_amount_cents,
        created_at=row.created_at,
        updated_at=row.updated_at,
        deleted_at=row.deleted_at,
    )


def fixed_charge_type(row: Any, units: Decimal | None = None) -> FixedCharge:
    """A fixed charge from a row, or from the object just written. units: those of the subscription that shows it."""
    return FixedCharge(
        add_on_id=row.add_on_id,
        key=row.id,
        id=row.id,
        code=row.code,
        invoice_display_name=row.invoice_display_name,
        charge_model=FixedChargeChargeModelEnum(row.charge_model),
        properties=fixed_properties_type(row.properties),
        units=decimal_text(row.units if units is None else units),
        pay_in_advance=row.pay_in_advance,
        prorated=row.prorated,
        parent_id=row.parent_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
        deleted_at=row.deleted_at,
    )


async def fetch_charges(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, Charge]:
    """Charges by id, deleted ones as well."""
    return {key: charge_type(row) for key, row in (await queries.charge_rows(work.session, ids)).items()}


async def fetch_charges_of_plans(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[Charge]]:
    """The kept charges of each plan, in their order."""
    charges = await queries.charges_of_plans(work.session, ids)
    return {plan_id: [charge_type(row) for row in rows] for plan_id, rows in charges.items()}


async def fetch_charge_filters(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, ChargeFilter]:
    """Charge filters by id, deleted ones as well."""
    return {key: charge_filter_type(one) for key, one in (await plan_parts.filter_rows(work.session, ids)).items()}


async def fetch_fixed_charges(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, FixedCharge]:
    """Fixed charges by id, deleted ones as well."""
    rows = await plan_parts.fixed_charge_rows(work.session, ids)
    return {key: fixed_charge_type(row) for key, row in rows.items()}


async def fetch_fixed_charges_of_plans(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[FixedCharge]]:
    """The kept fixed charges of each plan, in their order."""
    found = await plan_parts.fixed_charges_of_plans(work.session, ids)
    return {plan_id: [fixed_charge_type(row) for row in rows] for plan_id, rows in found.items()}


async def fetch_fixed_charges_of_subscriptions(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[FixedCharge]]:
    """The kept fixed charges of each subscription's plan, with the units that the subscription has."""
    plans = await plan_ids_of(work.session, ids)
    own = await own_units_of(work.session, ids)
    rows = await plan_parts.fixed_charges_of_plans(work.session, set(plans.values()))
    return {
        subscription_id: [
            fixed_charge_type(row, own.get(subscription_id, {}).get(row.id)) for row in rows.get(plan_id, ())
        ]
        for subscription_id, plan_id in plans.items()
    }


async def _fetch_filters_of_charges(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[ChargeFilter]]:
    found = await plan_parts.filters_of_charges(work.session, ids)
    return {charge_id: [charge_filter_type(one) for one in rows] for charge_id, rows in found.items()}


async def _fetch_applied_units(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, AppliedPricingUnit]:
    return {
        charge_id: AppliedPricingUnit(
            unit_id=row.id,
            id=row.applied_id,
            conversion_rate=float(row.conversion_rate),
            created_at=row.applied_created_at,
            updated_at=row.applied_updated_at,
        )
        for charge_id, row in (await plan_parts.pricing_units_of_charges(work.session, ids)).items()
    }
