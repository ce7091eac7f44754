"""Taxes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import strawberry
from strawberry import Info

from domain.catalog import queries
from domain.catalog.usage_counts import tax_customers
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.catalog.organization import LazyOrganization, own_organization
from graphql_api.loaders import load
from graphql_api.pagination import CollectionMetadata
from graphql_api.scalars import ISO8601DateTime

__all__ = ["Tax", "TaxCollection", "fetch_taxes", "tax_type"]


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
    # Taxes are made by hand and put on billing entities only.
    auto_generated: bool = False
    add_ons_count: int = 0
    charges_count: int = 0
    plans_count: int = 0

    @strawberry.field
    async def organization(self, info: Info) -> LazyOrganization | None:
        return await own_organization(info)

    @strawberry.field
    async def customers_count(self, info: Info) -> int:
        return await load(info, "tax_customers", _fetch_customers, UUID(str(self.id))) or 0


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
        applied_to_billing_entities_codes=row.entity_codes or [],
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def fetch_taxes(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, Tax]:
    """Taxes by id, deleted ones as well."""
    rows = await queries.tax_rows(work.session, work.organization_id, ids)
    return {key: tax_type(row) for key, row in rows.items()}


async def _fetch_customers(work: UnitOfWork, ids: list[UUID]) -> Mapping[UUID, int]:
    return await tax_customers(work.session, ids)
