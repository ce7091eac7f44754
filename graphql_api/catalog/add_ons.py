"""Add-ons: types, inputs, queries, mutations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import strawberry
from strawberry import UNSET, Info

from domain.catalog.add_on_queries import add_on_row, add_on_rows, add_on_uses, add_ons_page
from domain.catalog.add_ons import create_add_on, delete_add_on, update_add_on
from domain.catalog.models import AddOnTax
from domain.kernel.ids import parse_id
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.catalog.organization import LazyOrganization, own_organization
from graphql_api.catalog.tax_types import Tax, taxes_on
from graphql_api.enums import CurrencyEnum
from graphql_api.loaders import load
from graphql_api.operations import command, operation, read, to_params
from graphql_api.pagination import CollectionMetadata, metadata_of, page_request
from graphql_api.scalars import BigInt, ISO8601DateTime

__all__ = ["AddOn", "AddOnMutations", "AddOnQueries", "add_on_type", "fetch_add_ons"]


@strawberry.type
class AddOn:
    """`amount_cents`: the price of one piece."""

    id: strawberry.ID
    name: str
    code: str
    invoice_display_name: str | None
    description: str | None
    amount_cents: BigInt
    amount_currency: CurrencyEnum
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime
    deleted_at: ISO8601DateTime | None

    @strawberry.field
    async def organization(self, info: Info) -> LazyOrganization | None:
        return await own_organization(info)

    @strawberry.field
    async def taxes(self, info: Info) -> list[Tax] | None:
        return await taxes_on(info, AddOnTax, self._key)

    @strawberry.field
    async def applied_add_ons_count(self, info: Info) -> int:
        """Lines of one-off invoices."""
        return (await self._use(info))[0]

    @strawberry.field
    async def customers_count(self, info: Info) -> int:
        return (await self._use(info))[1]

    @property
    def _key(self) -> UUID:
        return UUID(str(self.id))

    async def _use(self, info: Info) -> tuple[int, int]:
        return await load(info, "add_on_uses", _fetch_uses, self._key) or (0, 0)


@strawberry.type
class AddOnCollection:
    collection: list[AddOn]
    metadata: CollectionMetadata


@strawberry.type
class DestroyAddOnPayload:
    client_mutation_id: str | None
    id: strawberry.ID | None


@strawberry.input
class _AddOnFields:
    client_mutation_id: str | None = UNSET
    name: str
    code: str
    amount_cents: BigInt
    amount_currency: CurrencyEnum
    description: str | None = UNSET
    invoice_display_name: str | None = UNSET
    tax_codes: list[str] | None = UNSET


@strawberry.input
class CreateAddOnInput(_AddOnFields):
    pass


@strawberry.input
class UpdateAddOnInput(_AddOnFields):
    id: strawberry.ID


@strawberry.input
class DestroyAddOnInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID


def add_on_type(row: Any) -> AddOn:
    """An add-on from a row, or from the object just written."""
    return AddOn(
        id=row.id,
        name=row.name,
        code=row.code,
        invoice_display_name=row.invoice_display_name,
        description=row.description,
        amount_cents=row.amount_cents,
        amount_currency=CurrencyEnum(row.amount_currency),
        created_at=row.created_at,
        updated_at=row.updated_at,
        deleted_at=row.deleted_at,
    )


async def fetch_add_ons(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, AddOn]:
    """Add-ons by id, deleted ones as well."""
    return {key: add_on_type(row) for key, row in (await add_on_rows(work.session, ids)).items()}


async def _fetch_uses(work: UnitOfWork, ids: list[UUID]) -> Mapping[UUID, tuple[int, int]]:
    return await add_on_uses(work.session, ids)


@strawberry.type
class AddOnQueries:
    @strawberry.field
    @operation(permission="addons:view")
    async def add_on(self, info: Info, id: strawberry.ID) -> AddOn | None:
        async with read(info) as work:
            return add_on_type(await add_on_row(work.session, add_on_id=parse_id(id)))

    @strawberry.field
    @operation(permission="addons:view")
    async def add_ons(
        self, info: Info, page: int | None = None, limit: int | None = None, search_term: str | None = None
    ) -> AddOnCollection:
        async with read(info) as work:
            found = await add_ons_page(work.session, page_request(page, limit), search_term=search_term)
        return AddOnCollection(collection=[add_on_type(row) for row in found.rows], metadata=metadata_of(found))


@strawberry.type
class AddOnMutations:
    @strawberry.mutation
    @operation(permission="addons:create")
    async def create_add_on(self, info: Info, input: CreateAddOnInput) -> AddOn | None:
        async with command(info) as work:
            return add_on_type(await create_add_on(work, to_params(input)))

    @strawberry.mutation
    @operation(permission="addons:update")
    async def update_add_on(self, info: Info, input: UpdateAddOnInput) -> AddOn | None:
        params = to_params(input)
        add_on_id = parse_id(params.pop("id"))
        async with command(info) as work:
            return add_on_type(await update_add_on(work, params, add_on_id=add_on_id))

    @strawberry.mutation
    @operation(permission="addons:delete")
    async def destroy_add_on(self, info: Info, input: DestroyAddOnInput) -> DestroyAddOnPayload | None:
        async with command(info) as work:
            add_on = await delete_add_on(work, add_on_id=parse_id(input.id))
        return DestroyAddOnPayload(
            client_mutation_id=input.client_mutation_id or None, id=strawberry.ID(str(add_on.id))
        )
