"""Metrics, plans, charges and taxes. What a row points at is loaded together for all rows of an answer."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, TYPE_CHECKING
from uuid import UUID

import strawberry
from strawberry import Info

from domain.catalog import queries
from domain.catalog.usage_counts import MetricUse, PlanUse, metric_uses, plan_uses, tax_customers
from domain.identity.queries import organization_row
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.catalog.enums import AggregationTypeEnum, ChargeModelEnum, PlanInterval, RoundingFunctionEnum
from graphql_api.context import current
from graphql_api.enums import CurrencyEnum
from graphql_api.loaders import load, load_one
from graphql_api.operations import permitted
from graphql_api.pagination import CollectionMetadata
from graphql_api.scalars import BigInt, Float, ISO8601DateTime

if TYPE_CHECKING:
    from graphql_api.identity.types import Organization

__all__ = [
    "BillableMetric", "BillableMetricCollection", "Charge", "GraduatedRange", "Plan", "PlanCollection", "Properties",
    "Tax", "TaxCollection", "charge_type", "fetch_charges", "fetch_charges_of_plans", "fetch_metrics", "fetch_plans",
    "fetch_taxes", "metric_type", "own_organization", "plan_type", "tax_type",
]  # fmt: skip

LazyOrganization = Annotated["Organization", strawberry.lazy("graphql_api.identity.types")]


async def own_organization(info: Info) -> Organization | None:
    """The organization the caller is bound to."""
    from graphql_api.identity.types import Organization

    async def fetch(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, Organization]:
        return {
            work.organization_id: Organization(
                row=await organization_row(work),
                login_method=current(info).login_method,
                shows_billing=permitted(info, "organization:invoices:view"),
            )
        }

    tenant = current(info).tenant
    return await load(info, "own_organization", fetch, tenant.organization_id) if tenant else None


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
        return await load_one(info, "metric_uses", _fetch_metric_uses, UUID(self.id))


@strawberry.type
class GraduatedRange:
    from_value: Float
    to_value: Float | None
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
    trial_period: Float | None
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
        return await load(info, "charges_of_plans", fetch_charges_of_plans, UUID(self.id)) or []

    async def _use(self, info: Info) -> PlanUse:
        return await load_one(info, "plan_uses", _fetch_plan_uses, UUID(self.id))


@strawberry.type
class Tax:
    id: strawberry.ID
    name: str
    code: str
    description: str | None
    rate: Float
    applied_to_organization: bool
    applied_to_billing_entities_codes: list[str]
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime
    # Taxes are made by hand and put on billing entities only.
    auto_generated: bool = False
    add_ons_count: int = 0
    charges_count: int = 0
    plans_count: int = 0

    @strawberry.field
    async def organization(self, info: Info) -> LazyOrganization | None:
        return await own_organization(info)

    @strawberry.field
    async def customers_count(self, info: Info) -> int:
        return await load(info, "tax_customers", _fetch_tax_customers, UUID(self.id)) or 0


@strawberry.type
class BillableMetricCollection:
    collection: list[BillableMetric]
    metadata: CollectionMetadata


@strawberry.type
class PlanCollection:
    collection: list[Plan]
    metadata: CollectionMetadata


@strawberry.type
class TaxCollection:
    collection: list[Tax]
    metadata: CollectionMetadata


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
