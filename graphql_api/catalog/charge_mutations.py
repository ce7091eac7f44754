"""Mutations of single charges, charge filters and fixed charges."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import Info

from domain.catalog import plan_parts
from domain.catalog.plan_charges import create_charge, delete_charge, update_charge
from domain.catalog.plan_filters import create_filter, delete_filter, update_filter
from domain.catalog.plan_fixed_charges import create_fixed_charge, delete_fixed_charge, update_fixed_charge
from domain.kernel.ids import parse_id
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.catalog.charge_inputs import (
    ChargeCreateInput,
    ChargeFilterCreateInput,
    ChargeFilterUpdateInput,
    ChargeUpdateInput,
    DestroyChargeFilterInput,
    DestroyChargeInput,
    DestroyFixedChargeInput,
    FixedChargeCreateInput,
    FixedChargeUpdateInput,
)
from graphql_api.catalog.charges import (
    Charge,
    ChargeFilter,
    FixedCharge,
    charge_filter_type,
    charge_type,
    fixed_charge_type,
)
from graphql_api.operations import command, operation, to_params

__all__ = ["ChargeMutations", "shown_filter"]


@strawberry.type
class DestroyChargePayload:
    client_mutation_id: str | None
    id: strawberry.ID | None


@strawberry.type
class DestroyChargeFilterPayload:
    client_mutation_id: str | None
    id: strawberry.ID | None


@strawberry.type
class DestroyFixedChargePayload:
    client_mutation_id: str | None
    id: strawberry.ID | None


async def shown_filter(work: UnitOfWork, row: Any) -> ChargeFilter:
    """A filter that was just written, as its type."""
    return charge_filter_type((await plan_parts.filter_rows(work.session, [row.id]))[row.id])


@strawberry.type
class ChargeMutations:
    @strawberry.mutation
    @operation(permission="charges:create")
    async def create_charge(self, info: Info, input: ChargeCreateInput) -> Charge | None:
        params = to_params(input)
        plan_id = parse_id(params.pop("plan_id"))
        async with command(info) as work:
            return charge_type(await create_charge(work, params, plan_id=plan_id))

    @strawberry.mutation
    @operation(permission="charges:update")
    async def update_charge(self, info: Info, input: ChargeUpdateInput) -> Charge | None:
        params = to_params(input)
        charge_id = parse_id(params.pop("id"))
        async with command(info) as work:
            return charge_type(await update_charge(work, params, charge_id=charge_id))

    @strawberry.mutation
    @operation(permission="charges:delete")
    async def destroy_charge(self, info: Info, input: DestroyChargeInput) -> DestroyChargePayload | None:
        async with command(info) as work:
            charge = await delete_charge(work, to_params(input), charge_id=parse_id(input.id))
        return DestroyChargePayload(
            client_mutation_id=input.client_mutation_id or None, id=strawberry.ID(str(charge.id))
        )

    @strawberry.mutation
    @operation(permission="charges:create")
    async def create_charge_filter(self, info: Info, input: ChargeFilterCreateInput) -> ChargeFilter | None:
        params = to_params(input)
        charge_id = parse_id(params.pop("charge_id"))
        async with command(info) as work:
            return await shown_filter(work, await create_filter(work, params, charge_id=charge_id))

    @strawberry.mutation
    @operation(permission="charges:update")
    async def update_charge_filter(self, info: Info, input: ChargeFilterUpdateInput) -> ChargeFilter | None:
        params = to_params(input)
        filter_id = params.pop("id")
        async with command(info) as work:
            return await shown_filter(work, await update_filter(work, params, filter_id))

    @strawberry.mutation
    @operation(permission="charges:delete")
    async def destroy_charge_filter(
        self, info: Info, input: DestroyChargeFilterInput
    ) -> DestroyChargeFilterPayload | None:
        async with command(info) as work:
            row = await delete_filter(work, input.id, to_params(input))
        return DestroyChargeFilterPayload(
            client_mutation_id=input.client_mutation_id or None, id=strawberry.ID(str(row.id))
        )

    @strawberry.mutation
    @operation(permission="charges:create")
    async def create_fixed_charge(self, info: Info, input: FixedChargeCreateInput) -> FixedCharge | None:
        params = to_params(input)
        plan_id = parse_id(params.pop("plan_id"))
        async with command(info) as work:
            return fixed_charge_type(await create_fixed_charge(work, params, plan_id=plan_id))

    @strawberry.mutation
    @operation(permission="charges:update")
    async def update_fixed_charge(self, info: Info, input: FixedChargeUpdateInput) -> FixedCharge | None:
        params = to_params(input)
        fixed_charge_id = parse_id(params.pop("id"))
        async with command(info) as work:
            return fixed_charge_type(await update_fixed_charge(work, params, fixed_charge_id=fixed_charge_id))

    @strawberry.mutation
    @operation(permission="charges:delete")
    async def destroy_fixed_charge(
        self, info: Info, input: DestroyFixedChargeInput
    ) -> DestroyFixedChargePayload | None:
        async with command(info) as work:
            row = await delete_fixed_charge(work, to_params(input), fixed_charge_id=parse_id(input.id))
        return DestroyFixedChargePayload(
            client_mutation_id=input.client_mutation_id or None, id=strawberry.ID(str(row.id))
        )
