"""The organization that rows of the catalog show: always the caller's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from strawberry import Info

from domain.identity.queries import organization_row
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.context import current
from graphql_api.loaders import load
from graphql_api.operations import permitted

if TYPE_CHECKING:
    from graphql_api.identity.types import Organization

__all__ = ["LazyOrganization", "own_organization"]

LazyOrganization = Annotated["Organization", strawberry.lazy("graphql_api.identity.types")]


async def own_organization(info: Info) -> Organization | None:
    """The organization the caller is bound to."""
    from graphql_api.identity.types import Organization

    async def fetch(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, Organization]:
        return {
            work.organization_id: Organization(
                row=await organization_row(work),
                login_method=current(info).login_method,
                shows_billing=permitted(info, "organization:invoices:view"),
            )
        }

    tenant = current(info).tenant
    return await load(info, "own_organization", fetch, tenant.organization_id) if tenant else None
