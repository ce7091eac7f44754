"""The payment providers that an organization is connected to."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import UNSET, Info

from domain.kernel.errors import NotFound
from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.providers.connections import connection_of, provider_row, provider_rows, providers_page
from domain.payments.providers.providers import add_stripe, remove_provider, update_stripe
from graphql_api.operations import command, operation, read, to_params
from graphql_api.pagination import CollectionMetadata, metadata_of, page_request
from graphql_api.payments.enums import ProviderTypeEnum
from graphql_api.scalars import ObfuscatedString

__all__ = [
    "PaymentProvider", "PaymentProviderMutations", "PaymentProviderQueries", "StripeProvider",
    "fetch_providers", "provider_type",
]  # fmt: skip


@strawberry.type
class StripeProvider:
    id: strawberry.ID
    code: str
    name: str
    secret_key: ObfuscatedString | None
    success_redirect_url: str | None
    supports3ds: bool | None
    require_terms_of_service_consent: bool | None


# A union in the interface, where other providers stand beside it.
PaymentProvider = Annotated[StripeProvider, strawberry.union("PaymentProvider")]


@strawberry.type
class PaymentProviderCollection:
    collection: list[PaymentProvider]
    metadata: CollectionMetadata


@strawberry.input
class AddStripePaymentProviderInput:
    client_mutation_id: str | None = UNSET
    code: str
    name: str
    require_terms_of_service_consent: bool | None = UNSET
    secret_key: str | None = UNSET
    success_redirect_url: str | None = UNSET
    supports3ds: bool | None = UNSET


@strawberry.input
class UpdateStripePaymentProviderInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID
    code: str | None = UNSET
    # Names a flow at another provider; Stripe has none.
    flow_id: str | None = UNSET
    name: str | None = UNSET
    require_terms_of_service_consent: bool | None = UNSET
    success_redirect_url: str | None = UNSET
    supports3ds: bool | None = UNSET


@strawberry.input
class DestroyPaymentProviderInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID


@strawberry.type
class DestroyPaymentProviderPayload:
    client_mutation_id: str | None
    id: strawberry.ID | None


@strawberry.type
class PaymentProviderQueries:
    @strawberry.field
    @operation(permission="organization:integrations:view")
    async def payment_provider(
        self, info: Info, id: strawberry.ID | None = None, code: str | None = None
    ) -> PaymentProvider | None:
        if id is None and code is None:
            raise NotFound("payment_provider")
        async with read(info) as work:
            return provider_type(await provider_row(work.session, provider_id=id, code=code))

    @strawberry.field
    @operation(permission=("organization:integrations:view", "customers:view"))
    async def payment_providers(
        self,
        info: Info,
        page: int | None = None,
        limit: int | None = None,
        type: ProviderTypeEnum | None = None,
    ) -> PaymentProviderCollection | None:
        async with read(info) as work:
            found = await providers_page(work.session, page_request(page, limit), type.value if type else None)
        return PaymentProviderCollection(
            collection=[provider_type(row) for row in found.rows], metadata=metadata_of(found)
        )


@strawberry.type
class PaymentProviderMutations:
    @strawberry.mutation
    @operation(permission="organization:integrations:create")
    async def add_stripe_payment_provider(
        self, info: Info, input: AddStripePaymentProviderInput
    ) -> StripeProvider | None:
        async with command(info) as work:
            return await _shown(work, await add_stripe(work, to_params(input)))

    @strawberry.mutation
    @operation(permission="organization:integrations:update")
    async def update_stripe_payment_provider(
        self, info: Info, input: UpdateStripePaymentProviderInput
    ) -> StripeProvider | None:
        params = to_params(input)
        async with command(info) as work:
            return await _shown(work, await update_stripe(work, params.pop("id"), params))

    @strawberry.mutation
    @operation(permission="organization:integrations:delete")
    async def destroy_payment_provider(
        self, info: Info, input: DestroyPaymentProviderInput
    ) -> DestroyPaymentProviderPayload | None:
        async with command(info) as work:
            provider_id = await remove_provider(work, input.id)
        return DestroyPaymentProviderPayload(
            client_mutation_id=input.client_mutation_id or None, id=strawberry.ID(str(provider_id))
        )


def provider_type(row: Any) -> StripeProvider:
    """A provider from its row; its secret key is shown by its end."""
    settings = row.settings
    return StripeProvider(
        id=strawberry.ID(str(row.id)),
        code=row.code,
        name=row.name,
        secret_key=ObfuscatedString(connection_of(row).secrets["secret_key"]),
        success_redirect_url=settings.get("success_redirect_url"),
        supports3ds=settings.get("supports_3ds"),
        require_terms_of_service_consent=settings.get("require_terms_of_service_consent"),
    )


async def fetch_providers(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, StripeProvider]:
    """Providers by id, removed ones as well."""
    return {key: provider_type(row) for key, row in (await provider_rows(work.session, ids)).items()}


async def _shown(work: UnitOfWork, provider_id: UUID) -> StripeProvider:
    return provider_type(await provider_row(work.session, provider_id=provider_id))
