"""What customers are called at payment providers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import strawberry
from strawberry import UNSET, Info

from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.methods import payment_methods_page
from domain.payments.providers.customers import (
    create_provider_customer,
    provider_customer_row,
    provider_customers_of,
    remove_provider_customer,
    set_default_provider_customer,
    update_provider_customer,
)
from graphql_api.operations import command, operation, read, to_params
from graphql_api.pagination import metadata_of, page_request
from graphql_api.payments.enums import ProviderPaymentMethodsEnum, ProviderTypeEnum
from graphql_api.payments.types import PaymentMethodCollection, payment_method_type

__all__ = ["ProviderCustomer", "ProviderCustomerMutations", "fetch_provider_customers"]


@strawberry.type
class ProviderCustomer:
    key: strawberry.Private[UUID]
    customer_id: strawberry.Private[UUID]

    id: strawberry.ID
    code: str | None
    is_default: bool
    provider_customer_id: strawberry.ID | None
    provider_payment_methods: list[ProviderPaymentMethodsEnum] | None
    sync_with_provider: bool | None

    @strawberry.field
    async def payment_methods(
        self, info: Info, page: int | None = None, limit: int | None = None, with_deleted: bool | None = None
    ) -> PaymentMethodCollection:
        """Those that came through this connection."""
        async with read(info) as work:
            found = await payment_methods_page(
                work.session,
                self.customer_id,
                page_request(page, limit),
                with_deleted=bool(with_deleted),
                provider_customer_id=self.key,
            )
        return PaymentMethodCollection(
            collection=[payment_method_type(row) for row in found.rows], metadata=metadata_of(found)
        )


@strawberry.input
class CreatePaymentProviderCustomerInput:
    client_mutation_id: str | None = UNSET
    customer_id: strawberry.ID
    payment_provider: ProviderTypeEnum
    payment_provider_code: str | None = UNSET
    code: str | None = UNSET
    provider_customer_id: strawberry.ID | None = UNSET
    provider_payment_methods: list[ProviderPaymentMethodsEnum] | None = UNSET
    sync_with_provider: bool | None = UNSET


@strawberry.input
class UpdatePaymentProviderCustomerInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID
    code: str | None = UNSET
    provider_customer_id: strawberry.ID | None = UNSET
    provider_payment_methods: list[ProviderPaymentMethodsEnum] | None = UNSET
    sync_with_provider: bool | None = UNSET


@strawberry.input
class SetPaymentProviderCustomerAsDefaultInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID


@strawberry.input
class DestroyPaymentProviderCustomerInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID


@strawberry.type
class DestroyPaymentProviderCustomerPayload:
    client_mutation_id: str | None
    id: strawberry.ID | None


@strawberry.type
class ProviderCustomerMutations:
    @strawberry.mutation
    @operation(permission="customers:update")
    async def create_payment_provider_customer(
        self, info: Info, input: CreatePaymentProviderCustomerInput
    ) -> ProviderCustomer | None:
        async with command(info) as work:
            return await _shown(work, await create_provider_customer(work, to_params(input)))

    @strawberry.mutation
    @operation(permission="customers:update")
    async def update_payment_provider_customer(
        self, info: Info, input: UpdatePaymentProviderCustomerInput
    ) -> ProviderCustomer | None:
        params = to_params(input)
        async with command(info) as work:
            return await _shown(work, await update_provider_customer(work, params.pop("id"), params))

    @strawberry.mutation
    @operation(permission="customers:update")
    async def set_payment_provider_customer_as_default(
        self, info: Info, input: SetPaymentProviderCustomerAsDefaultInput
    ) -> ProviderCustomer | None:
        """The customer pays through it from now on."""
        async with command(info) as work:
            return await _shown(work, await set_default_provider_customer(work, input.id))

    @strawberry.mutation
    @operation(permission="customers:update")
    async def destroy_payment_provider_customer(
        self, info: Info, input: DestroyPaymentProviderCustomerInput
    ) -> DestroyPaymentProviderCustomerPayload | None:
        async with command(info) as work:
            row_id = await remove_provider_customer(work, input.id)
        return DestroyPaymentProviderCustomerPayload(
            client_mutation_id=input.client_mutation_id or None, id=strawberry.ID(str(row_id))
        )


def provider_customer_type(row: Any) -> ProviderCustomer:
    """From its row."""
    return ProviderCustomer(
        key=row.id,
        customer_id=row.customer_id,
        id=strawberry.ID(str(row.id)),
        code=row.code,
        is_default=row.is_default,
        provider_customer_id=row.provider_customer_id,
        provider_payment_methods=[ProviderPaymentMethodsEnum(each) for each in row.provider_payment_methods],
        sync_with_provider=row.sync_with_provider,
    )


async def fetch_provider_customers(work: UnitOfWork, customer_ids: list[UUID]) -> dict[UUID, ProviderCustomer]:
    """By customer: at the provider that it pays with."""
    found = await provider_customers_of(work.session, customer_ids)
    return {customer_id: provider_customer_type(row) for customer_id, row in found.items()}


async def _shown(work: UnitOfWork, row_id: UUID) -> ProviderCustomer:
    return provider_customer_type(await provider_customer_row(work.session, row_id))
