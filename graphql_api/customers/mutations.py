"""Mutations of customers."""

from __future__ import annotations

import strawberry
from strawberry import Info

from domain.billing.customers import create_customer, update_customer
from domain.customers.customers import delete_customer
from domain.customers.portal import portal_url
from domain.customers.queries import customer_row
from domain.kernel.ids import parse_id
from domain.payments.campaigns import set_customer_campaign
from graphql_api.customers.inputs import (
    CreateCustomerInput,
    DestroyCustomerInput,
    GenerateCustomerPortalUrlInput,
    UpdateCustomerInput,
    UpdateCustomerInvoiceGracePeriodInput,
)
from graphql_api.customers.types import Customer, customer_type
from graphql_api.operations import command, operation, read, to_params

__all__ = ["CustomersMutations"]


@strawberry.type
class DestroyCustomerPayload:
    client_mutation_id: str | None
    id: strawberry.ID | None


@strawberry.type
class GenerateCustomerPortalUrlPayload:
    client_mutation_id: str | None
    url: str


@strawberry.type
class CustomersMutations:
    @strawberry.mutation
    @operation(permission="customers:create")
    async def create_customer(self, info: Info, input: CreateCustomerInput) -> Customer | None:
        async with command(info) as work:
            params = to_params(input)
            customer = await create_customer(work, params)
            return customer_type(await customer_row(work.session, customer_id=customer.id))

    @strawberry.mutation
    @operation(permission="customers:update")
    async def update_customer(self, info: Info, input: UpdateCustomerInput) -> Customer | None:
        params = to_params(input)
        customer_id = parse_id(params.pop("id"))
        async with command(info) as work:
            customer = await update_customer(work, customer_id, params)
            await set_customer_campaign(work, customer.id, params)
            return customer_type(await customer_row(work.session, customer_id=customer.id))

    @strawberry.mutation
    @operation(permission="customers:update")
    async def update_customer_invoice_grace_period(
        self, info: Info, input: UpdateCustomerInvoiceGracePeriodInput
    ) -> Customer | None:
        """Null is the billing entity's."""
        params = {"invoice_grace_period": None, **to_params(input)}
        customer_id = parse_id(params.pop("id"))
        async with command(info) as work:
            customer = await update_customer(work, customer_id, params)
            return customer_type(await customer_row(work.session, customer_id=customer.id))

    @strawberry.mutation
    @operation(permission="customers:view")
    async def generate_customer_portal_url(
        self, info: Info, input: GenerateCustomerPortalUrlInput
    ) -> GenerateCustomerPortalUrlPayload | None:
        async with read(info) as work:
            row = await customer_row(work.session, customer_id=parse_id(input.id))
        return GenerateCustomerPortalUrlPayload(
            client_mutation_id=input.client_mutation_id or None, url=portal_url(row.organization_id, row.id)
        )

    @strawberry.mutation
    @operation(permission="customers:delete")
    async def destroy_customer(self, info: Info, input: DestroyCustomerInput) -> DestroyCustomerPayload | None:
        async with command(info) as work:
            customer = await delete_customer(work, customer_id=parse_id(input.id))
        return DestroyCustomerPayload(
            client_mutation_id=input.client_mutation_id or None, id=strawberry.ID(str(customer.id))
        )
