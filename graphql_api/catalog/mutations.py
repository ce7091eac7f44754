"""Mutations of the catalog."""

from __future__ import annotations

import strawberry
from strawberry import Info

from domain.catalog.plans import create_plan, delete_plan, update_plan
from domain.catalog.queries import tax_row
from domain.catalog.taxes import create_tax, delete_tax, update_tax
from domain.kernel.ids import parse_id
from graphql_api.catalog.inputs import (
    CreatePlanInput,
    DestroyPlanInput,
    DestroyTaxInput,
    TaxCreateInput,
    TaxUpdateInput,
    UpdatePlanInput,
)
from graphql_api.catalog.tax_types import Tax, tax_type
from graphql_api.catalog.types import Plan, plan_type
from graphql_api.operations import command, operation, to_params

__all__ = ["CatalogMutations"]


@strawberry.type
class DestroyPlanPayload:
    client_mutation_id: str | None
    id: strawberry.ID | None


@strawberry.type
class DestroyTaxPayload:
    client_mutation_id: str | None
    id: strawberry.ID | None


@strawberry.type
class CatalogMutations:
    @strawberry.mutation
    @operation(permission="plans:create")
    async def create_plan(self, info: Info, input: CreatePlanInput) -> Plan | None:
        async with command(info) as work:
            return plan_type(await create_plan(work, to_params(input)))

    @strawberry.mutation
    @operation(permission="plans:update")
    async def update_plan(self, info: Info, input: UpdatePlanInput) -> Plan | None:
        params = to_params(input)
        plan_id = parse_id(params.pop("id"))
        async with command(info) as work:
            return plan_type(await update_plan(work, params, plan_id=plan_id))

    @strawberry.mutation
    @operation(permission="plans:delete")
    async def destroy_plan(self, info: Info, input: DestroyPlanInput) -> DestroyPlanPayload | None:
        async with command(info) as work:
            plan = await delete_plan(work, plan_id=parse_id(input.id))
        return DestroyPlanPayload(client_mutation_id=_mutation_id(input), id=strawberry.ID(str(plan.id)))

    @strawberry.mutation
    @operation()
    async def create_tax(self, info: Info, input: TaxCreateInput) -> Tax | None:
        async with command(info) as work:
            tax = await create_tax(work, to_params(input))
            return tax_type(await tax_row(work.session, work.organization_id, tax_id=tax.id))

    @strawberry.mutation
    @operation()
    async def update_tax(self, info: Info, input: TaxUpdateInput) -> Tax | None:
        params = to_params(input)
        tax_id = parse_id(params.pop("id"))
        async with command(info) as work:
            tax = await update_tax(work, params, tax_id=tax_id)
            return tax_type(await tax_row(work.session, work.organization_id, tax_id=tax.id))

    @strawberry.mutation
    @operation()
    async def destroy_tax(self, info: Info, input: DestroyTaxInput) -> DestroyTaxPayload | None:
        async with command(info) as work:
            tax = await delete_tax(work, tax_id=parse_id(input.id))
        return DestroyTaxPayload(client_mutation_id=_mutation_id(input), id=strawberry.ID(str(tax.id)))


def _mutation_id(
    input: DestroyPlanInput | DestroyTaxInput,
) -> str | None:
    return input.client_mutation_id or None
