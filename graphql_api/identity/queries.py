"""Queries of the identity context."""

from __future__ import annotations

import strawberry
from strawberry import Info

from domain.identity import queries
from domain.kernel.errors import NotFound
from domain.kernel.ids import parse_id
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.context import current
from graphql_api.identity.current_organization import CurrentOrganization
from graphql_api.identity.loading import members, user_with_memberships
from graphql_api.identity.types import (
    ApiKey,
    CurrentVersion,
    MembershipCollection,
    Metadata,
    Role,
    SanitizedApiKey,
    SanitizedApiKeyCollection,
    User,
    current_version,
)
from graphql_api.operations import operation, public, read, user_only
from graphql_api.pagination import metadata_of, page_request

__all__ = ["IdentityQueries"]


@strawberry.type
class IdentityQueries:
    @strawberry.field
    @public
    async def current_version(self, info: Info) -> CurrentVersion:
        return current_version()

    @strawberry.field
    @user_only
    async def current_user(self, info: Info) -> User:
        context = current(info)
        assert context.user_id is not None
        return await user_with_memberships(context.user_id, context.login_method)

    @strawberry.field
    @operation()
    async def organization(self, info: Info) -> CurrentOrganization | None:
        async with read(info) as work:
            return CurrentOrganization.of(await queries.organization_row(work))

    @strawberry.field
    @operation()
    async def memberships(self, info: Info, page: int | None = None, limit: int | None = None) -> MembershipCollection:
        async with read(info) as work:
            found = await queries.memberships_page(work, page_request(page, limit))
            by_id = await members(work, found.rows, current(info).login_method)
            admins = await queries.admin_count(work)
        return MembershipCollection(
            collection=[by_id[row.id] for row in found.rows],
            metadata=Metadata(
                admin_count=admins,
                current_page=found.request.number,
                limit_value=found.request.size,
                total_count=found.total_count,
                total_pages=found.total_pages,
            ),
        )

    @strawberry.field
    @operation(permission="roles:view")
    async def roles(self, info: Info) -> list[Role]:
        async with read(info) as work:
            return await _roles(work, info)

    @strawberry.field
    @operation(permission="roles:view")
    async def role(self, info: Info, id: strawberry.ID) -> Role | None:
        wanted = parse_id(id)
        async with read(info) as work:
            found = next((role for role in await _roles(work, info) if role.row.id == wanted), None)
        if found is None:
            raise NotFound("role")
        return found

    @strawberry.field
    @operation(permission="developers:keys:manage")
    async def api_keys(
        self, info: Info, page: int | None = None, limit: int | None = None
    ) -> SanitizedApiKeyCollection:
        async with read(info) as work:
            found = await queries.api_keys_page(work, page_request(page, limit))
        return SanitizedApiKeyCollection(
            collection=[SanitizedApiKey.of(row) for row in found.rows], metadata=metadata_of(found)
        )

    @strawberry.field
    @operation(permission="developers:keys:manage")
    async def api_key(self, info: Info, id: strawberry.ID) -> ApiKey:
        async with read(info) as work:
            return ApiKey.of(await queries.api_key_by_id(work, id))


async def _roles(work: UnitOfWork, info: Info) -> list[Role]:
    rows = await queries.roles_list(work)
    held = await queries.memberships_of_roles(work, [row.id for row in rows])
    memberships = {row.id: row for rows in held.values() for row in rows}
    by_id = await members(work, list(memberships.values()), current(info).login_method)
    return [Role(row=row, memberships=[by_id[one.id] for one in held[row.id]]) for row in rows]
