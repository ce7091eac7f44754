"""Features, and the entitlements of plans and subscriptions."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any
from uuid import UUID

import strawberry
from strawberry import UNSET, Info

from domain.catalog.entitlements.holdings import Holding, PrivilegeFacts, holdings
from domain.catalog.entitlements.queries import feature_rows, privileges_of_features, subscriptions_with
from domain.catalog.entitlements.values import VALUE_TYPES, options_of
from domain.kernel.unit_of_work import UnitOfWork
from domain.subscriptions.entitlements import effective
from graphql_api.enums import named
from graphql_api.loaders import load
from graphql_api.pagination import CollectionMetadata
from graphql_api.scalars import ISO8601DateTime

__all__ = [
    "EntitlementInput", "FeatureObject", "FeatureObjectCollection", "PlanEntitlement", "PrivilegeConfigInput",
    "PrivilegeValueTypeEnum", "SubscriptionEntitlement", "SubscriptionEntitlementCollection", "UpdatePrivilegeInput",
    "feature_type", "fetch_features", "plan_entitlements", "subscription_entitlement_type",
]  # fmt: skip


@strawberry.enum
class PrivilegeValueTypeEnum(Enum):
    _ignore_ = ["members"]
    members = vars()
    named(members, sorted(VALUE_TYPES))


@strawberry.type
class PrivilegeConfigObject:
    select_options: list[str] | None


@strawberry.type
class PrivilegeObject:
    id: strawberry.ID
    code: str
    name: str | None
    value_type: PrivilegeValueTypeEnum
    config: PrivilegeConfigObject


@strawberry.type
class FeatureObject:
    id: strawberry.ID
    code: str
    name: str | None
    description: str | None
    created_at: ISO8601DateTime

    @strawberry.field
    async def privileges(self, info: Info) -> list[PrivilegeObject]:
        return await load(info, "privileges_of_features", _fetch_privileges, UUID(str(self.id))) or []

    @strawberry.field
    async def subscriptions_count(self, info: Info) -> int:
        """Those that have it and have not ended."""
        return await load(info, "subscriptions_with_features", _fetch_uses, UUID(str(self.id))) or 0


@strawberry.type
class FeatureObjectCollection:
    collection: list[FeatureObject]
    metadata: CollectionMetadata


@strawberry.type
class PlanEntitlementPrivilegeObject:
    code: str
    name: str | None
    value_type: PrivilegeValueTypeEnum
    config: PrivilegeConfigObject
    value: str


@strawberry.type
class PlanEntitlement:
    """`name`: the feature's, or its code where it has none."""

    code: str
    name: str
    description: str | None
    privileges: list[PlanEntitlementPrivilegeObject]


@strawberry.type
class SubscriptionEntitlementPrivilegeObject:
    code: str
    name: str | None
    value_type: PrivilegeValueTypeEnum
    config: PrivilegeConfigObject
    value: str | None


@strawberry.type
class SubscriptionEntitlement:
    """`name`: the feature's, or its code where it has none."""

    code: str
    name: str
    description: str | None
    privileges: list[SubscriptionEntitlementPrivilegeObject]


@strawberry.type
class SubscriptionEntitlementCollection:
    collection: list[SubscriptionEntitlement]
    metadata: CollectionMetadata


@strawberry.input
class PrivilegeConfigInput:
    select_options: list[str] | None = UNSET


@strawberry.input
class UpdatePrivilegeInput:
    code: str
    name: str | None = UNSET
    value_type: PrivilegeValueTypeEnum | None = UNSET
    config: PrivilegeConfigInput | None = UNSET


@strawberry.input
class EntitlementPrivilegeInput:
    privilege_code: str
    value: str


@strawberry.input
class EntitlementInput:
    feature_code: str
    privileges: list[EntitlementPrivilegeInput] | None = UNSET


def feature_type(row: Any) -> FeatureObject:
    """A feature from a row, or from the object just written."""
    return FeatureObject(
        id=row.id, code=row.code, name=row.name, description=row.description, created_at=row.created_at
    )


async def fetch_features(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, FeatureObject]:
    """Features by id, deleted ones as well."""
    return {key: feature_type(row) for key, row in (await feature_rows(work.session, ids)).items()}


async def plan_entitlements(info: Info, plan_id: UUID) -> list[PlanEntitlement]:
    """The entitlements of a plan; those of an override are its parent's."""
    return await load(info, "entitlements_of_plans", _fetch_entitlements, plan_id) or []


def subscription_entitlement_type(entitlement: effective.EffectiveEntitlement) -> SubscriptionEntitlement:
    """What a subscription is entitled to of one feature."""
    return SubscriptionEntitlement(
        code=entitlement.feature.code,
        name=entitlement.feature.name or entitlement.feature.code,
        description=entitlement.feature.description,
        privileges=[
            SubscriptionEntitlementPrivilegeObject(**_privilege(each.privilege), value=each.value)
            for each in entitlement.values
        ],
    )


def _plan_entitlement(holding: Holding) -> PlanEntitlement:
    return PlanEntitlement(
        code=holding.feature.code,
        name=holding.feature.name or holding.feature.code,
        description=holding.feature.description,
        privileges=[
            PlanEntitlementPrivilegeObject(**_privilege(held.privilege), value=held.value)
            for held in holding.values.values()
        ],
    )


def _privilege(row: Any | PrivilegeFacts) -> dict[str, Any]:
    return {
        "code": row.code,
        "name": row.name,
        "value_type": PrivilegeValueTypeEnum(row.value_type),
        "config": PrivilegeConfigObject(select_options=options_of(row.config) or None),
    }


async def _fetch_entitlements(work: UnitOfWork, ids: list[UUID]) -> Mapping[UUID, list[PlanEntitlement]]:
    found = await holdings(work.session, plan_ids=ids)
    return {plan_id: [_plan_entitlement(each) for each in held] for plan_id, held in found.items()}


async def _fetch_privileges(work: UnitOfWork, ids: list[UUID]) -> Mapping[UUID, list[PrivilegeObject]]:
    found = await privileges_of_features(work.session, ids)
    return {key: [PrivilegeObject(id=row.id, **_privilege(row)) for row in rows] for key, rows in found.items()}


async def _fetch_uses(work: UnitOfWork, ids: list[UUID]) -> Mapping[UUID, int]:
    return await subscriptions_with(work.session, ids)
