"""Metrics, plans, charges and taxes. What a row points at is loaded together for all rows of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import strawberry
from strawberry import Info

from domain.catalog import plan_parts, queries
from domain.catalog.models import CommitmentTax, PlanTax
from domain.catalog.usage_counts import PlanUse, plan_uses
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.catalog.charges import (
    Charge,
    FixedCharge,
    charge_type,
    fetch_charges,
    fetch_charges_of_plans,
    fetch_fixed_charges_of_plans,
)
from graphql_api.catalog.entitlement_types import PlanEntitlement, plan_entitlements
from graphql_api.catalog.enums import CommitmentTypeEnum, PlanInterval
from graphql_api.catalog.metrics import BillableMetric, fetch_metrics, metric_type
from graphql_api.catalog.organization import LazyOrganization, own_organization
from graphql_api.catalog.tax_types import Tax, TaxCollection, fetch_taxes, tax_type, taxes_on
from graphql_api.enums import CurrencyEnum
from graphql_api.insight.logged import Logged
from graphql_api.loaders import load, load_one
from graphql_api.pagination import CollectionMetadata
from graphql_api.scalars import BigInt, ISO8601DateTime

__all__ = [
    "BillableMetric", "Charge", "Commitment", "ItemMetadata", "Plan", "PlanCollection", "SelectablePlan",
    "SelectablePlanCollection", "Tax", "TaxCollection", "UsageThreshold", "charge_type", "fetch_charges",
    "fetch_charges_of_plans", "fetch_metrics", "fetch_plans", "fetch_taxes", "metric_type", "plan_type", "tax_type",
    "threshold_type",
]  # fmt: skip


@strawberry.type
class UsageThreshold:
    id: strawberry.ID
    amount_cents: BigInt
    recurring: bool
    threshold_display_name: str | None


@strawberry.type
class ItemMetadata:
    key: str
    value: str | None


@strawberry.type
class Commitment:
    key: strawberry.Private[UUID]
    plan_id: strawberry.Private[UUID]

    id: strawberry.ID
    amount_cents: BigInt
    commitment_type: CommitmentTypeEnum
    invoice_display_name: str | None
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime

    @strawberry.field
    async def plan(self, info: Info) -> Plan:
        return await load_one(info, "plans", fetch_plans, self.plan_id)

    @strawberry.field
    async def taxes(self, info: Info) -> list[Tax] | None:
        return await taxes_on(info, CommitmentTax, self.key)


@strawberry.type
class Plan(Logged):
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
    bill_fixed_charges_monthly: bool | None
    metadata: list[ItemMetadata] | None
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
    async def fixed_charges(self, info: Info) -> list[FixedCharge] | None:
        return await self._fixed_charges(info)

    @strawberry.field
    async def fixed_charges_count(self, info: Info) -> int:
        return len(await self._fixed_charges(info))

    @strawberry.field
    async def has_fixed_charges(self, info: Info) -> bool:
        return bool(await self._fixed_charges(info))

    @strawberry.field
    async def minimum_commitment(self, info: Info) -> Commitment | None:
        return await load(info, "commitments_of_plans", _fetch_commitments, _key(self.id))

    @strawberry.field
    async def taxes(self, info: Info) -> list[Tax] | None:
        return await taxes_on(info, PlanTax, _key(self.id))

    @strawberry.field
    async def usage_thresholds(self, info: Info) -> list[UsageThreshold] | None:
        return await load(info, "thresholds_of_plans", _fetch_thresholds, _key(self.id)) or []

    @strawberry.field
    async def applicable_usage_thresholds(self, info: Info) -> list[UsageThreshold] | None:
        """The plan's own, else its parent's."""
        own = await load(info, "thresholds_of_plans", _fetch_thresholds, _key(self.id))
        if own or self.parent_plan_id is None:
            return own or []
        return await load(info, "thresholds_of_plans", _fetch_thresholds, self.parent_plan_id) or []

    @strawberry.field
    async def entitlements(self, info: Info) -> list[PlanEntitlement] | None:
        """Its own; those of an override are its parent's."""
        return await plan_entitlements(info, self.parent_plan_id or _key(self.id))

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

    async def _fixed_charges(self, info: Info) -> list[FixedCharge]:
        return await load(info, "fixed_charges_of_plans", fetch_fixed_charges_of_plans, _key(self.id)) or []

    async def _use(self, info: Info) -> PlanUse:
        return await load_one(info, "plan_uses", _fetch_plan_uses, _key(self.id))


@strawberry.type
class SelectablePlan:
    id: strawberry.ID
    name: str
    code: str


@strawberry.type
class SelectablePlanCollection:
    collection: list[SelectablePlan]
    metadata: CollectionMetadata


@strawberry.type
class PlanCollection:
    collection: list[Plan]
    metadata: CollectionMetadata


def _key(id: object) -> UUID:
    """Ids are kept as they came from the row."""
    return id if isinstance(id, UUID) else UUID(str(id))


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
        bill_fixed_charges_monthly=row.bill_fixed_charges_monthly,
        metadata=[ItemMetadata(key=key, value=value) for key, value in (row.plan_metadata or {}).items()],
        is_overridden=row.parent_id is not None,
        created_at=row.created_at,
        updated_at=row.updated_at,
        deleted_at=row.deleted_at,
    )


async def fetch_plans(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, Plan]:
    """Plans by id, deleted ones as well."""
    return {key: plan_type(row) for key, row in (await queries.plan_rows(work.session, ids)).items()}


async def _fetch_commitments(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, Commitment]:
    return {
        plan_id: Commitment(
            key=row.id,
            plan_id=plan_id,
            id=row.id,
            amount_cents=row.amount_cents,
            commitment_type=CommitmentTypeEnum.minimum_commitment,
            invoice_display_name=row.invoice_display_name,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
        for plan_id, row in (await plan_parts.commitments_of_plans(work.session, ids)).items()
    }


async def _fetch_thresholds(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[UsageThreshold]]:
    found = await plan_parts.thresholds_of_plans(work.session, ids)
    return {plan_id: [threshold_type(row) for row in rows] for plan_id, rows in found.items()}


def threshold_type(row: Any) -> UsageThreshold:
    """A usage threshold of a plan or of a subscription, from its row."""
    return UsageThreshold(
        id=row.id,
        amount_cents=row.amount_cents,
        recurring=row.recurring,
        threshold_display_name=row.threshold_display_name,
    )


async def _fetch_plan_uses(work: UnitOfWork, ids: list[UUID]) -> Mapping[UUID, PlanUse]:
    return await plan_uses(work.session, ids)
