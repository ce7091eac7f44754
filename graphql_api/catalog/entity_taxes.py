"""The taxes of a billing entity: query and mutations."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import strawberry
from strawberry import UNSET, Info

from domain.catalog.applied_taxes import tax_ids_of
from domain.catalog.entity_taxes import apply_entity_taxes, kept_entity, remove_entity_taxes
from domain.catalog.models import BillingEntityTax
from domain.kernel.ids import parse_id
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.catalog.tax_types import Tax, TaxCollection, fetch_taxes
from graphql_api.operations import command, operation, read, to_params
from graphql_api.pagination import metadata_of

__all__ = ["EntityTaxMutations", "EntityTaxQueries"]


@strawberry.input
class ApplyTaxesInput:
    client_mutation_id: str | None = UNSET
    billing_entity_id: strawberry.ID
    tax_codes: list[str]


@strawberry.input
class RemoveTaxesInput:
    client_mutation_id: str | None = UNSET
    billing_entity_id: strawberry.ID
    tax_codes: list[str]


@strawberry.type
class ApplyTaxesPayload:
    client_mutation_id: str | None
    applied_taxes: list[Tax]


@strawberry.type
class RemoveTaxesPayload:
    client_mutation_id: str | None
    removed_taxes: list[Tax]


async def _listed(work: UnitOfWork, ids: Sequence[UUID]) -> list[Tax]:
    taxes = await fetch_taxes(work, list(ids))
    return [taxes[one] for one in ids]


@strawberry.type
class EntityTaxQueries:
    @strawberry.field
    @operation(permission="billing_entities:view")
    async def billing_entity_taxes(self, info: Info, billing_entity_id: strawberry.ID) -> TaxCollection:
        """All of them on one page."""
        async with read(info) as work:
            entity_id = await kept_entity(work, parse_id(billing_entity_id))
            ids = (await tax_ids_of(work.session, BillingEntityTax, [entity_id])).get(entity_id, [])
            taxes = await _listed(work, ids)
        page = Page(taxes, len(taxes), PageRequest.parse(1, max(len(taxes), 1)))
        return TaxCollection(collection=taxes, metadata=metadata_of(page))


@strawberry.type
class EntityTaxMutations:
    @strawberry.mutation
    @operation(permission="billing_entities:update")
    async def billing_entity_apply_taxes(self, info: Info, input: ApplyTaxesInput) -> ApplyTaxesPayload | None:
        params = to_params(input)
        async with command(info) as work:
            ids = await apply_entity_taxes(work, parse_id(params.pop("billing_entity_id")), params)
            taxes = await _listed(work, ids)
        return ApplyTaxesPayload(client_mutation_id=input.client_mutation_id or None, applied_taxes=taxes)

    @strawberry.mutation
    @operation(permission="billing_entities:update")
    async def billing_entity_remove_taxes(self, info: Info, input: RemoveTaxesInput) -> RemoveTaxesPayload | None:
        params = to_params(input)
        async with command(info) as work:
            ids = await remove_entity_taxes(work, parse_id(params.pop("billing_entity_id")), params)
            taxes = await _listed(work, ids)
        return RemoveTaxesPayload(client_mutation_id=input.client_mutation_id or None, removed_taxes=taxes)
