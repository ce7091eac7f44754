"""Pricing units: types, inputs, queries, mutations."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import strawberry
from strawberry import UNSET, Info

from domain.catalog.add_on_queries import pricing_unit_row, pricing_unit_rows, pricing_units_page
from domain.catalog.pricing_units import create_pricing_unit, update_pricing_unit
from domain.kernel.ids import parse_id
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.operations import command, operation, read, to_params
from graphql_api.pagination import CollectionMetadata, metadata_of, page_request
from graphql_api.scalars import ISO8601DateTime

__all__ = ["PricingUnit", "PricingUnitMutations", "PricingUnitQueries", "fetch_pricing_units", "pricing_unit_type"]


@strawberry.type
class PricingUnit:
    id: strawberry.ID
    name: str
    code: str
    short_name: str
    description: str | None
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime


@strawberry.type
class PricingUnitCollection:
    collection: list[PricingUnit]
    metadata: CollectionMetadata


@strawberry.input
class CreatePricingUnitInput:
    client_mutation_id: str | None = UNSET
    name: str
    code: str
    short_name: str
    description: str | None = UNSET


@strawberry.input
class UpdatePricingUnitInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID
    name: str | None = UNSET
    short_name: str | None = UNSET
    description: str | None = UNSET


def pricing_unit_type(row: Any) -> PricingUnit:
    """A pricing unit from a row, or from the object just written."""
    return PricingUnit(
        id=row.id,
        name=row.name,
        code=row.code,
        short_name=row.short_name,
        description=row.description,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def fetch_pricing_units(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, PricingUnit]:
    """Pricing units by id."""
    return {key: pricing_unit_type(row) for key, row in (await pricing_unit_rows(work.session, ids)).items()}


@strawberry.type
class PricingUnitQueries:
    @strawberry.field
    @operation(permission="pricing_units:view")
    async def pricing_unit(self, info: Info, id: strawberry.ID) -> PricingUnit:
        async with read(info) as work:
            return pricing_unit_type(await pricing_unit_row(work.session, parse_id(id)))

    @strawberry.field
    @operation(permission="pricing_units:view")
    async def pricing_units(
        self, info: Info, page: int | None = None, limit: int | None = None, search_term: str | None = None
    ) -> PricingUnitCollection:
        async with read(info) as work:
            found = await pricing_units_page(work.session, page_request(page, limit), search_term=search_term)
        return PricingUnitCollection(
            collection=[pricing_unit_type(row) for row in found.rows], metadata=metadata_of(found)
        )


@strawberry.type
class PricingUnitMutations:
    @strawberry.mutation
    @operation(permission="pricing_units:create")
    async def create_pricing_unit(self, info: Info, input: CreatePricingUnitInput) -> PricingUnit | None:
        async with command(info) as work:
            return pricing_unit_type(await create_pricing_unit(work, to_params(input)))

    @strawberry.mutation
    @operation(permission="pricing_units:update")
    async def update_pricing_unit(self, info: Info, input: UpdatePricingUnitInput) -> PricingUnit | None:
        params = to_params(input)
        unit_id = parse_id(params.pop("id"))
        async with command(info) as work:
            return pricing_unit_type(await update_pricing_unit(work, unit_id, params))
