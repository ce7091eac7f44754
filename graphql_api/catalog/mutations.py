"""Mutations of the catalog."""

from __future__ import annotations

import strawberry
from strawberry import Info

from domain.catalog.billable_metrics import create_billable_metric, delete_billable_metric, update_billable_metric
from domain.catalog.plan_charges import create_charge, delete_charge, update_charge
from domain.catalog.plans import create_plan, delete_plan, update_plan
from domain.catalog.queries import tax_row
from domain.catalog.taxes import create_tax, delete_tax, update_tax
from domain.kernel.ids import parse_id
from graphql_api.catalog.inputs import (
    ChargeCreateInput,
    ChargeUpdateInput,
    CreateBillableMetricInput,
    CreatePlanInput,
    DestroyBillableMetricInput,
    DestroyChargeInput,
    DestroyPlanInput,
    DestroyTaxInput,
    TaxCreateInput,
    TaxUpdateInput,
    UpdateBillableMetricInput,
    UpdatePlanInput,
)
from graphql_api.catalog.tax_types import Tax, tax_type
from graphql_api.catalog.types import BillableMetric, Charge, Plan, charge_type, metric_type, plan_type
from graphql_api.operations import command, operation, to_params

__all__ = ["CatalogMutations"]


@strawberry.type
class DestroyBillableMetricPayload:
    client_mutation_id: str | None
    id: strawberry.ID | None


@strawberry.type
class DestroyPlanPayload:
    client_mutation_id: str | None
    id: strawberry.ID | None


@strawberry.type
class DestroyChargePayload:
    client_mutation_id: str | None
    id: strawberry.ID | None


@strawberry.type
class DestroyTaxPayload:
    client_mutation_id: str | None
    id: strawberry.ID | None


@strawberry.type
class CatalogMutations:
    @strawberry.mutation
    @operation(permission="billable_metrics:create")
    async def create_billable_metric(self, info: Info, input: CreateBillableMetricInput) -> BillableMetric | None:
        async with command(info) as work:
            return metric_type(await create_billable_metric(work, to_params(input)))

    @strawberry.mutation
    @operation(permission="billable_metrics:update")
    async def update_billable_metric(self, info: Info, input: UpdateBillableMetricInput) -> BillableMetric | None:
        params = to_params(input)
        metric_id = parse_id(params.pop("id"))
        async with command(info) as work:
            return metric_type(await update_billable_metric(work, params, metric_id=metric_id))

    @strawberry.mutation
    @operation(permission="billable_metrics:delete")
    async def destroy_billable_metric(
        self, info: Info, input: DestroyBillableMetricInput
    ) -> DestroyBillableMetricPayload | None:
        async with command(info) as work:
            metric = await delete_billable_metric(work, metric_id=parse_id(input.id))
        return DestroyBillableMetricPayload(client_mutation_id=_mutation_id(input), id=strawberry.ID(str(metric.id)))

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
            charge = await delete_charge(work, charge_id=parse_id(input.id))
        return DestroyChargePayload(client_mutation_id=_mutation_id(input), id=strawberry.ID(str(charge.id)))


def _mutation_id(
    input: DestroyBillableMetricInput | DestroyChargeInput | DestroyPlanInput | DestroyTaxInput,
) -> str | None:
    return input.client_mutation_id or None
