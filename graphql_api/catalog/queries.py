"""Queries of the catalog."""

from __future__ import annotations

import strawberry
from strawberry import Info

from domain.catalog import queries
from domain.kernel.ids import parse_id
from graphql_api.catalog.tax_types import Tax, TaxCollection, tax_type
from graphql_api.catalog.types import Plan, PlanCollection, SelectablePlan, SelectablePlanCollection, plan_type
from graphql_api.operations import operation, read
from graphql_api.pagination import metadata_of, page_request

__all__ = ["CatalogQueries"]


@strawberry.type
class CatalogQueries:
    @strawberry.field
    @operation(permission="plans:view")
    async def plan(self, info: Info, id: strawberry.ID) -> Plan | None:
        async with read(info) as work:
            return plan_type(await queries.plan_row(work.session, plan_id=parse_id(id)))

    @strawberry.field
    @operation(permission="plans:view")
    async def plans(
        self,
        info: Info,
        page: int | None = None,
        limit: int | None = None,
        search_term: str | None = None,
        with_deleted: bool | None = None,
        product_category_id: strawberry.ID | None = None,
    ) -> PlanCollection:
        """product_category_id: plans are in no categories here, so that one leaves none of them."""
        async with read(info) as work:
            found = await queries.plans_page(
                work.session,
                page_request(page, limit),
                search_term=search_term,
                pending_deletion=bool(with_deleted),
                deleted=bool(with_deleted),
                categorized=product_category_id is not None,
            )
        return PlanCollection(collection=[plan_type(row) for row in found.rows], metadata=metadata_of(found))

    @strawberry.field
    @operation(permission="plans:view")
    async def selectable_plans(
        self, info: Info, page: int | None = None, limit: int | None = None, search_term: str | None = None
    ) -> SelectablePlanCollection:
        """Plans to choose from, with no more than what names them."""
        async with read(info) as work:
            found = await queries.plans_page(work.session, page_request(page, limit), search_term=search_term)
        rows = [SelectablePlan(id=row.id, name=row.name, code=row.code) for row in found.rows]
        return SelectablePlanCollection(collection=rows, metadata=metadata_of(found))

    @strawberry.field
    @operation()
    async def tax(self, info: Info, id: strawberry.ID) -> Tax | None:
        async with read(info) as work:
            return tax_type(await queries.tax_row(work.session, work.organization_id, tax_id=parse_id(id)))

    @strawberry.field
    @operation()
    async def taxes(
        self,
        info: Info,
        page: int | None = None,
        limit: int | None = None,
        search_term: str | None = None,
        applied_to_organization: bool | None = None,
        auto_generated: bool | None = None,
        order: str | None = None,
    ) -> TaxCollection:
        """`order`: "name" or "rate"; without, newest first."""
        wanted = queries.TaxFilter(
            search_term=search_term,
            applied_to_organization=applied_to_organization,
            auto_generated=auto_generated,
            order=order,
        )
        async with read(info) as work:
            found = await queries.taxes_page(work.session, work.organization_id, page_request(page, limit), wanted)
        return TaxCollection(collection=[tax_type(row) for row in found.rows], metadata=metadata_of(found))
