"""Taxes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import strawberry
from strawberry import Info

from domain.catalog import queries
from domain.catalog.applied_taxes import taxes_of
from domain.catalog.usage_counts import TaxUse, tax_uses
from domain.kernel.rows import TenantRow
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.catalog.organization import LazyOrganization, own_organization
from graphql_api.loaders import load, load_one
from graphql_api.pagination import CollectionMetadata
from graphql_api.scalars import ISO8601DateTime

__all__ = ["Tax", "TaxCollection", "fetch_taxes", "fetch_taxes_on", "tax_type", "taxes_on"]

TaxedKey = tuple[type[TenantRow], UUID]


@strawberry.type
class Tax:
    id: strawberry.ID
    name: str
    code: str
    description: str | None
    rate: float
    applied_to_organization: bool
    applied_to_billing_entities_codes: list[str]
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime
    # Taxes are made by hand.
    auto_generated: bool

    @strawberry.field
    async def organization(self, info: Info) -> LazyOrganization | None:
        return await own_organization(info)

    @strawberry.field
    async def add_ons_count(self, info: Info) -> int:
        return (await self._use(info)).add_ons

    @strawberry.field
    async def charges_count(self, info: Info) -> int:
        return (await self._use(info)).charges

    @strawberry.field
    async def customers_count(self, info: Info) -> int:
        return (await self._use(info)).customers

    @strawberry.field
    async def plans_count(self, info: Info) -> int:
        return (await self._use(info)).plans

    async def _use(self, info: Info) -> TaxUse:
        return await load_one(info, "tax_uses", _fetch_uses, UUID(str(self.id)))


@strawberry.type
class TaxCollection:
    collection: list[Tax]
    metadata: CollectionMetadata


def tax_type(row: Any) -> Tax:
    """A tax from a row of `domain.catalog.queries`, which knows where the tax is applied."""
    return Tax(
        id=row.id,
        name=row.name,
        code=row.code,
        description=row.description,
        rate=row.rate,
        applied_to_organization=row.applied_to_organization,
        auto_generated=row.auto_generated,
        applied_to_billing_entities_codes=row.entity_codes or [],
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def fetch_taxes(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, Tax]:
    """Taxes by id, deleted ones as well."""
    rows = await queries.tax_rows(work.session, work.organization_id, ids)
    return {key: tax_type(row) for key, row in rows.items()}


async def fetch_taxes_on(work: UnitOfWork, keys: list[TaxedKey]) -> dict[TaxedKey, list[Tax]]:
    """The taxes of owners of any kinds, by (kind of link, id of the owner): two statements for each kind."""
    found: dict[TaxedKey, list[Tax]] = {}
    for link in {link for link, _ in keys}:
        rows = await taxes_of(work.session, link, [owner_id for of, owner_id in keys if of is link])
        taxes = await fetch_taxes(work, list({row.id for listed in rows.values() for row in listed}))
        for owner_id, listed in rows.items():
            found[link, owner_id] = [taxes[row.id] for row in listed]
    return found


async def taxes_on(info: Info, link: type[TenantRow], owner_id: UUID) -> list[Tax]:
    """The taxes of a plan, charge, add-on, customer…: for fields of their types."""
    return await load(info, "taxes_on", fetch_taxes_on, (link, owner_id)) or []


async def _fetch_uses(work: UnitOfWork, ids: list[UUID]) -> Mapping[UUID, TaxUse]:
    return await tax_uses(work.session, ids)
