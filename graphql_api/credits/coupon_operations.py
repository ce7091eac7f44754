"""Coupons and applied coupons: inputs, queries, mutations."""

from __future__ import annotations

from uuid import UUID

import strawberry
from strawberry import UNSET, Info

from domain.credits.applied_coupons import apply_coupon, terminate_applied_coupon
from domain.credits.coupon_queries import AppliedCouponFilter, applied_coupons_page, coupon_row, coupons_page
from domain.credits.coupons import create_coupon, delete_coupon, terminate_coupon, update_coupon
from domain.kernel.errors import NotFound
from domain.kernel.ids import parse_id
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.credits.coupons import (
    AppliedCoupon,
    AppliedCouponCollection,
    AppliedCouponStatusEnum,
    Coupon,
    CouponCollection,
    CouponExpiration,
    CouponFrequency,
    CouponStatusEnum,
    CouponTypeEnum,
    applied_coupon_type,
    coupon_type,
    fetch_applied_coupons,
)
from graphql_api.enums import CurrencyEnum
from graphql_api.operations import command, operation, read, to_params
from graphql_api.pagination import metadata_of, page_request
from graphql_api.scalars import BigInt, ISO8601DateTime

__all__ = ["CouponMutations", "CouponQueries"]


@strawberry.input
class LimitationInput:
    plan_ids: list[strawberry.ID] | None = UNSET
    billable_metric_ids: list[strawberry.ID] | None = UNSET


@strawberry.input
class _CouponFields:
    client_mutation_id: str | None = UNSET
    name: str
    description: str | None = UNSET
    coupon_type: CouponTypeEnum
    amount_cents: BigInt | None = UNSET
    amount_currency: CurrencyEnum | None = UNSET
    percentage_rate: float | None = UNSET
    frequency: CouponFrequency
    frequency_duration: int | None = UNSET
    expiration: CouponExpiration
    expiration_at: ISO8601DateTime | None = UNSET
    reusable: bool | None = UNSET
    applies_to: LimitationInput | None = UNSET


@strawberry.input
class CreateCouponInput(_CouponFields):
    code: str


@strawberry.input
class UpdateCouponInput(_CouponFields):
    id: str
    code: str | None = UNSET


@strawberry.input
class TerminateCouponInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID


@strawberry.input
class DestroyCouponInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID


@strawberry.type
class DestroyCouponPayload:
    client_mutation_id: str | None
    id: strawberry.ID | None


@strawberry.input
class CreateAppliedCouponInput:
    client_mutation_id: str | None = UNSET
    customer_id: strawberry.ID
    coupon_id: strawberry.ID
    amount_cents: BigInt | None = UNSET
    amount_currency: CurrencyEnum | None = UNSET
    percentage_rate: float | None = UNSET
    frequency: CouponFrequency | None = UNSET
    frequency_duration: int | None = UNSET


@strawberry.input
class TerminateAppliedCouponInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID


@strawberry.type
class CouponQueries:
    @strawberry.field
    @operation(permission="coupons:view")
    async def coupon(self, info: Info, id: strawberry.ID) -> Coupon | None:
        async with read(info) as work:
            return coupon_type(await coupon_row(work.session, coupon_id=parse_id(id)))

    @strawberry.field
    @operation(permission="coupons:view")
    async def coupons(
        self,
        info: Info,
        page: int | None = None,
        limit: int | None = None,
        status: CouponStatusEnum | None = None,
        search_term: str | None = None,
    ) -> CouponCollection:
        async with read(info) as work:
            found = await coupons_page(
                work.session,
                page_request(page, limit),
                status=status.value if status else None,
                search_term=search_term,
            )
        return CouponCollection(collection=[coupon_type(row) for row in found.rows], metadata=metadata_of(found))

    @strawberry.field
    @operation(permission="coupons:view")
    async def applied_coupons(
        self,
        info: Info,
        page: int | None = None,
        limit: int | None = None,
        status: AppliedCouponStatusEnum | None = None,
        external_customer_id: str | None = None,
        coupon_code: list[str] | None = None,
    ) -> AppliedCouponCollection:
        wanted = AppliedCouponFilter(external_customer_id, status.value if status else None, coupon_code or ())
        async with read(info) as work:
            found = await applied_coupons_page(work.session, page_request(page, limit), wanted)
        return AppliedCouponCollection(
            collection=[applied_coupon_type(row) for row in found.rows], metadata=metadata_of(found)
        )


@strawberry.type
class CouponMutations:
    @strawberry.mutation
    @operation(permission="coupons:create")
    async def create_coupon(self, info: Info, input: CreateCouponInput) -> Coupon | None:
        async with command(info) as work:
            return coupon_type(await create_coupon(work, to_params(input)))

    @strawberry.mutation
    @operation(permission="coupons:update")
    async def update_coupon(self, info: Info, input: UpdateCouponInput) -> Coupon | None:
        params = to_params(input)
        coupon_id = parse_id(params.pop("id"))
        async with command(info) as work:
            return coupon_type(await update_coupon(work, params, coupon_id=coupon_id))

    @strawberry.mutation
    @operation(permission="coupons:update")
    async def terminate_coupon(self, info: Info, input: TerminateCouponInput) -> Coupon | None:
        async with command(info) as work:
            return coupon_type(await terminate_coupon(work, parse_id(input.id)))

    @strawberry.mutation
    @operation(permission="coupons:delete")
    async def destroy_coupon(self, info: Info, input: DestroyCouponInput) -> DestroyCouponPayload | None:
        async with command(info) as work:
            coupon = await delete_coupon(work, coupon_id=parse_id(input.id))
        return DestroyCouponPayload(
            client_mutation_id=input.client_mutation_id or None, id=strawberry.ID(str(coupon.id))
        )

    @strawberry.mutation
    @operation(permission="coupons:attach")
    async def create_applied_coupon(self, info: Info, input: CreateAppliedCouponInput) -> AppliedCoupon | None:
        params = to_params(input)
        customer_id, coupon_id = parse_id(params.pop("customer_id")), parse_id(params.pop("coupon_id"))
        if customer_id is None:
            raise NotFound("customer")
        if coupon_id is None:
            raise NotFound("coupon")
        async with command(info) as work:
            applied = await apply_coupon(work, params, customer_id=customer_id, coupon_id=coupon_id)
            return await _shown(work, applied.id)

    @strawberry.mutation
    @operation(permission="coupons:detach")
    async def terminate_applied_coupon(self, info: Info, input: TerminateAppliedCouponInput) -> AppliedCoupon | None:
        async with command(info) as work:
            applied = await terminate_applied_coupon(work, parse_id(input.id))
            return await _shown(work, applied.id)


async def _shown(work: UnitOfWork, applied_coupon_id: UUID) -> AppliedCoupon:
    return (await fetch_applied_coupons(work, [applied_coupon_id]))[applied_coupon_id]
