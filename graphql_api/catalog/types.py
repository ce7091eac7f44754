"""Metrics, plans, charges and taxes. What a row points at is loaded together for all rows of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import strawberry
from strawberry import Info

from domain.catalog import queries
from domain.catalog.usage_counts import MetricUse, PlanUse, metric_uses, plan_uses
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.catalog.enums import AggregationTypeEnum, ChargeModelEnum, PlanInterval, RoundingFunctionEnum
from graphql_api.catalog.organization import LazyOrganization, own_organization
from graphql_api.catalog.tax_types import Tax, TaxCollection, fetch_taxes, tax_type
from graphql_api.enums import CurrencyEnum
from graphql_api.loaders import load, load_one
from graphql_api.pagination import CollectionMetadata
from graphql_api.scalars import BigInt, ISO8601DateTime

__all__ = [
    "BillableMetric", "BillableMetricCollection", "Charge", "GraduatedRange", "Plan", "PlanCollection", "Properties",
    "Tax", "TaxCollection", "charge_type", "fetch_charges", "fetch_charges_of_plans", "fetch_metrics", "fetch_plans",
    "fetch_taxes", "metric_type", "plan_type", "tax_type",
]  # fmt: skip


@strawberry.type
class BillableMetric:
    id: strawberry.ID
    name: str
    code: str
    description: str | None
    aggregation_type: AggregationTypeEnum
    field_name: str | None
    recurring: bool
    rounding_function: RoundingFunctionEnum | None
    rounding_precision: int | None
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime
    deleted_at: ISO8601DateTime | None

    @strawberry.field
    async def organization(self, info: Info) -> LazyOrganization | None:
        return await own_organization(info)

    @strawberry.field
    async def has_plans(self, info: Info) -> bool:
        return (await self._use(info)).plans

    @strawberry.field
    async def has_subscriptions(self, info: Info) -> bool:
        return (await self._use(info)).subscriptions

    @strawberry.field
    async def has_active_subscriptions(self, info: Info) -> bool:
        return (await self._use(info)).active_subscriptions

    @strawberry.field
    async def has_draft_invoices(self, info: Info) -> bool:
        return (await self._use(info)).draft_invoices

    async def _use(self, info: Info) -> MetricUse:
        return await load_one(info, "metric_uses", _fetch_metric_uses, _key(self.id))


@strawberry.type
class GraduatedRange:
    from_value: float
    to_value: float | None
    per_unit_amount: str
    flat_amount: str


@strawberry.type
class Properties:
    amount: str | None
    free_units: BigInt | None
    package_size: BigInt | None
    graduated_ranges: list[GraduatedRange] | None


@strawberry.type
class Charge:
    metric_id: strawberry.Private[UUID]

    id: strawberry.ID
    code: str | None
    invoice_display_name: str | None
    charge_model: ChargeModelEnum
    properties: Properties | None
    parent_id: strawberry.ID | None
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime
    deleted_at: ISO8601DateTime | None
    # Charges are in arrears, on invoices, in whole periods and without a minimum.
    pay_in_advance: bool = False
    invoiceable: bool = True
    prorated: bool = False
    min_amount_cents: BigInt = BigInt(0)

    @strawberry.field
    async def billable_metric(self, info: Info) -> BillableMetric:
        return await load_one(info, "billable_metrics", fetch_metrics, self.metric_id)


@strawberry.type
class Plan:
    parent_plan_id: strawberry.Private[UUID | None]

    id: strawberry.ID
    name: str
    code: str
    invoice_display_name: str | None
    description: str | None
    interval: PlanInterval | None
    amount_cents: BigInt | None
    amount_currency: CurrencyEnum
    pay_in_advance: bool | None
    trial_period: float | None
    bill_charges_monthly: bool | None
    is_overridden: bool
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime
    deleted_at: ISO8601DateTime | None

    @strawberry.field
    async def organization(self, info: Info) -> LazyOrganization | None:
        return await own_organization(info)

    @strawberry.field
    async def parent(self, info: Info) -> Plan | None:
        return await load(info, "plans", fetch_plans, self.parent_plan_id) if self.parent_plan_id else None

    @strawberry.field
    async def charges(self, info: Info) -> list[Charge] | None:
        return await self._charges(info)

    @strawberry.field
    async def charges_count(self, info: Info) -> int:
        return len(await self._charges(info))

    @strawberry.field
    async def has_charges(self, info: Info) -> bool:
        return bool(await self._charges(info))

    @strawberry.field
    async def customers_count(self, info: Info) -> int:
        return (await self._use(info)).customers

    @strawberry.field
    async def has_customers(self, info: Info) -> bool:
        return (await self._use(info)).customers > 0

    @strawberry.field
    async def subscriptions_count(self, info: Info) -> int:
        return (await self._use(info)).subscriptions

    @strawberry.field
    async def has_subscriptions(self, info: Info) -> bool:
        return (await self._use(info)).subscriptions > 0

    @strawberry.field
    async def active_subscriptions_count(self, info: Info) -> int:
        return (await self._use(info)).active_subscriptions

    @strawberry.field
    async def has_active_subscriptions(self, info: Info) -> bool:
        return (await self._use(info)).active_subscriptions > 0

    @strawberry.field
    async def draft_invoices_count(self, info: Info) -> int:
        return (await self._use(info)).draft_invoices

    @strawberry.field
    async def has_draft_invoices(self, info: Info) -> bool:
        return (await self._use(info)).draft_invoices > 0

    @strawberry.field
    async def has_overridden_plans(self, info: Info) -> bool | None:
        return (await self._use(info)).overrides > 0

    async def _charges(self, info: Info) -> list[Charge]:
        return await load(info, "charges_of_plans", fetch_charges_of_plans, _key(self.id)) or []

    async def _use(self, info: Info) -> PlanUse:
        return await load_one(info, "plan_uses", _fetch_plan_uses, _key(self.id))


@strawberry.type
class BillableMetricCollection:
    collection: list[BillableMetric]
    metadata: CollectionMetadata


@strawberry.type
class PlanCollection:
    collection: list[Plan]
    metadata: CollectionMetadata


def _key(id: object) -> UUID:
    """Ids are kept as they came from the row."""
    return id if isinstance(id, UUID) else UUID(str(id))


def metric_type(row: Any) -> BillableMetric:
    return BillableMetric(
        id=row.id,
        name=row.name,
        code=row.code,
        description=row.description,
        aggregation_type=AggregationTypeEnum(row.aggregation_type),
        field_name=row.field_name,
        recurring=row.recurring,
        rounding_function=RoundingFunctionEnum(row.rounding_function) if row.rounding_function else None,
        rounding_precision=row.rounding_precision,
        created_at=row.created_at,
        updated_at=row.updated_at,
        deleted_at=row.deleted_at,
    )


def charge_type(row: Any) -> Charge:
    """A charge from a row, or from the object just written."""
    return Charge(
        metric_id=row.billable_metric_id,
        id=row.id,
        code=row.code,
        invoice_display_name=row.invoice_display_name,
        charge_model=ChargeModelEnum(row.charge_model),
        properties=_properties(row.properties),
        parent_id=row.parent_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
        deleted_at=row.deleted_at,
    )


def _properties(stored: dict[str, Any]) -> Properties:
    ranges = stored.get("graduated_ranges")
    return Properties(
        amount=stored.get("amount"),
        free_units=stored.get("free_units"),
        package_size=stored.get("package_size"),
        graduated_ranges=None if ranges is None else [GraduatedRange(**_bounds(tier)) for tier in ranges],
    )


def _bounds(tier: dict[str, Any]) -> dict[str, Any]:
    return {name: tier.get(name) for name in ("from_value", "to_value", "per_unit_amount", "flat_amount")}


def plan_type(row: Any) -> Plan:
    """A plan from a row, or from the object just written."""
    return Plan(
        parent_plan_id=row.parent_id,
        id=row.id,
        name=row.name,
        code=row.code,
        invoice_display_name=row.invoice_display_name,
        description=row.description,
        interval=PlanInterval(row.interval),
        amount_cents=row.amount_cents,
        amount_currency=CurrencyEnum(row.amount_currency),
        pay_in_advance=row.pay_in_advance,
        trial_period=row.trial_period,
        bill_charges_monthly=row.bill_charges_monthly,
        is_overridden=row.parent_id is not None,
        created_at=row.created_at,
        updated_at=row.updated_at,
        deleted_at=row.deleted_at,
    )


async def fetch_metrics(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, BillableMetric]:
    """Metrics by id, deleted ones as well."""
    return {key: metric_type(row) for key, row in (await queries.metric_rows(work.session, ids)).items()}


async def fetch_plans(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, Plan]:
    """Plans by id, deleted ones as well."""
    return {key: plan_type(row) for key, row in (await queries.plan_rows(work.session, ids)).items()}


async def fetch_charges(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, Charge]:
    """Charges by id, deleted ones as well."""
    return {key: charge_type(row) for key, row in (await queries.charge_rows(work.session, ids)).items()}


async def fetch_charges_of_plans(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[Charge]]:
    """The kept charges of each plan, in their order."""
    charges = await queries.charges_of_plans(work.session, ids)
    return {plan_id: [charge_type(row) for row in rows] for plan_id, rows in charges.items()}


async def _fetch_metric_uses(work: UnitOfWork, ids: list[UUID]) -> Mapping[UUID, MetricUse]:
    return await metric_uses(work.session, ids)


async def _fetch_plan_uses(work: UnitOfWork, ids: list[UUID]) -> Mapping[UUID, PlanUse]:
    return await plan_uses(work.session, ids)
