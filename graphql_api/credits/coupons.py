"""Coupons and applied coupons: types."""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry
from strawberry import Info

from domain.credits.coupon_queries import (
    applied_coupon_rows,
    applied_coupons_of_customers,
    coupon_rows,
    coupon_uses,
    targets_of_coupons,
)
from domain.credits.models import COUPON_TYPES, EXPIRATIONS, FREQUENCIES, STATUSES
from domain.credits.payloads import amount_cents_remaining
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.catalog.metrics import BillableMetric, fetch_metrics
from graphql_api.catalog.organization import LazyOrganization, own_organization
from graphql_api.catalog.types import Plan, fetch_plans
from graphql_api.enums import CurrencyEnum, named
from graphql_api.insight.logged import Logged
from graphql_api.loaders import load, load_one
from graphql_api.pagination import CollectionMetadata
from graphql_api.scalars import BigInt, ISO8601DateTime

if TYPE_CHECKING:
    from graphql_api.customers.types import Customer

__all__ = [
    "AppliedCoupon", "AppliedCouponCollection", "AppliedCouponStatusEnum", "Coupon", "CouponCollection",
    "CouponExpiration", "CouponFrequency", "CouponStatusEnum", "CouponTypeEnum", "applied_coupon_type", "coupon_type",
    "fetch_applied_coupons", "fetch_coupons_of_customers",
]  # fmt: skip

LazyCustomer = Annotated["Customer", strawberry.lazy("graphql_api.customers.types")]


@strawberry.enum
class CouponTypeEnum(Enum):
    _ignore_ = ["members"]
    members = vars()
    named(members, COUPON_TYPES)


@strawberry.enum
class CouponFrequency(Enum):
    _ignore_ = ["members"]
    members = vars()
    named(members, FREQUENCIES)


@strawberry.enum
class CouponExpiration(Enum):
    _ignore_ = ["members"]
    members = vars()
    named(members, EXPIRATIONS)


@strawberry.enum
class CouponStatusEnum(Enum):
    _ignore_ = ["members"]
    members = vars()
    named(members, STATUSES)


@strawberry.enum
class AppliedCouponStatusEnum(Enum):
    _ignore_ = ["members"]
    members = vars()
    named(members, STATUSES)


@strawberry.type
class Coupon(Logged):
    key: strawberry.Private[UUID]

    id: strawberry.ID
    name: str
    code: str
    description: str | None
    coupon_type: CouponTypeEnum
    amount_cents: BigInt | None
    amount_currency: CurrencyEnum | None
    percentage_rate: float | None
    frequency: CouponFrequency
    frequency_duration: int | None
    expiration: CouponExpiration
    expiration_at: ISO8601DateTime | None
    reusable: bool
    limited_plans: bool
    limited_billable_metrics: bool
    status: CouponStatusEnum
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime
    terminated_at: ISO8601DateTime | None

    @strawberry.field
    async def organization(self, info: Info) -> LazyOrganization | None:
        return await own_organization(info)

    @strawberry.field
    async def plans(self, info: Info) -> list[Plan] | None:
        """Those it is limited to."""
        targets = await load(info, "coupon_targets", _fetch_targets, self.key) or []
        ids = [target.plan_id for target in targets if target.plan_id is not None]
        return await asyncio.gather(*(load_one(info, "plans", fetch_plans, each) for each in ids))

    @strawberry.field
    async def billable_metrics(self, info: Info) -> list[BillableMetric] | None:
        """Those it is limited to."""
        targets = await load(info, "coupon_targets", _fetch_targets, self.key) or []
        ids = [target.billable_metric_id for target in targets if target.billable_metric_id is not None]
        return await asyncio.gather(*(load_one(info, "billable_metrics", fetch_metrics, each) for each in ids))

    @strawberry.field
    async def applied_coupons_count(self, info: Info) -> int:
        """How often it was given to customers."""
        return (await self._uses(info))[0]

    @strawberry.field
    async def customers_count(self, info: Info) -> int:
        """Customers who have it now."""
        return (await self._uses(info))[1]

    async def _uses(self, info: Info) -> tuple[int, int]:
        return await load(info, "coupon_uses", _fetch_uses, self.key) or (0, 0)


@strawberry.type
class CouponCollection:
    collection: list[Coupon]
    metadata: CollectionMetadata


@strawberry.type
class AppliedCoupon:
    """`amount_cents_remaining`: of a fixed amount that is used once."""

    coupon_id: strawberry.Private[UUID]
    customer_id: strawberry.Private[UUID]

    id: strawberry.ID
    status: AppliedCouponStatusEnum
    amount_cents: BigInt | None
    amount_cents_remaining: BigInt | None
    amount_currency: CurrencyEnum | None
    percentage_rate: float | None
    frequency: CouponFrequency
    frequency_duration: int | None
    frequency_duration_remaining: int | None
    created_at: ISO8601DateTime
    terminated_at: ISO8601DateTime | None

    @strawberry.field
    async def coupon(self, info: Info) -> Coupon:
        """Also one that was deleted since."""
        return await load_one(info, "coupons", fetch_coupons, self.coupon_id)

    @strawberry.field
    async def customer(self, info: Info) -> LazyCustomer:
        from graphql_api.customers.types import fetch_customers

        return await load_one(info, "customers", fetch_customers, self.customer_id)


@strawberry.type
class AppliedCouponCollection:
    collection: list[AppliedCoupon]
    metadata: CollectionMetadata


def coupon_type(row: Any) -> Coupon:
    """A coupon from a row, or from the object just written."""
    return Coupon(
        key=row.id,
        id=row.id,
        name=row.name,
        code=row.code,
        description=row.description,
        coupon_type=CouponTypeEnum(row.coupon_type),
        amount_cents=row.amount_cents,
        amount_currency=_currency(row.amount_currency),
        percentage_rate=_rate(row.percentage_rate),
        frequency=CouponFrequency(row.frequency),
        frequency_duration=row.frequency_duration,
        expiration=CouponExpiration(row.expiration),
        expiration_at=row.expiration_at,
        reusable=row.reusable,
        limited_plans=row.limited_plans,
        limited_billable_metrics=row.limited_billable_metrics,
        status=CouponStatusEnum(row.status),
        created_at=row.created_at,
        updated_at=row.updated_at,
        terminated_at=row.terminated_at,
    )


def applied_coupon_type(row: Any) -> AppliedCoupon:
    """An applied coupon from a row of `coupon_queries`."""
    remaining = amount_cents_remaining(row)
    return AppliedCoupon(
        coupon_id=row.coupon_id,
        customer_id=row.customer_id,
        id=row.id,
        status=AppliedCouponStatusEnum(row.status),
        amount_cents=row.amount_cents,
        amount_cents_remaining=None if remaining is None else BigInt(remaining),
        amount_currency=_currency(row.amount_currency),
        percentage_rate=_rate(row.percentage_rate),
        frequency=CouponFrequency(row.frequency),
        frequency_duration=row.frequency_duration,
        frequency_duration_remaining=row.frequency_duration_remaining,
        created_at=row.created_at,
        terminated_at=row.terminated_at,
    )


def _currency(code: str | None) -> CurrencyEnum | None:
    return CurrencyEnum(code) if code else None


def _rate(percent: Any) -> float | None:
    return None if percent is None else float(percent)


async def fetch_applied_coupons(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, AppliedCoupon]:
    return {key: applied_coupon_type(row) for key, row in (await applied_coupon_rows(work.session, ids)).items()}


async def fetch_coupons_of_customers(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[AppliedCoupon]]:
    """The active ones of each customer."""
    rows = await applied_coupons_of_customers(work.session, ids)
    return {customer_id: [applied_coupon_type(row) for row in some] for customer_id, some in rows.items()}


async def fetch_coupons(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, Coupon]:
    return {key: coupon_type(row) for key, row in (await coupon_rows(work.session, ids)).items()}


async def _fetch_targets(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[Any]]:
    return await targets_of_coupons(work.session, ids)


async def _fetch_uses(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, tuple[int, int]]:
    return await coupon_uses(work.session, ids)
