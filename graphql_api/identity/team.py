"""Who works in an organization: invitations, memberships, roles, and passwords set anew."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import Info

from domain.identity import queries
from domain.identity.login import EMAIL_PASSWORD
from domain.identity.team.accept import accept_invite
from domain.identity.team.invites import create_invite, invite_by_token, invites_page, revoke_invite, update_invite
from domain.identity.team.members import revoke_membership, update_membership
from domain.identity.team.password_resets import create_password_reset, password_reset_row, reset_password
from domain.identity.team.roles import create_role, destroy_role, update_role
from domain.kernel.tenancy import Door
from domain.kernel.unit_of_work import UnitOfWork, door_work
from graphql_api.context import current
from graphql_api.identity.loading import members, user_with_memberships
from graphql_api.identity.team_types import (
    AcceptInviteInput,
    CreateInviteInput,
    CreatePasswordResetInput,
    CreatePasswordResetPayload,
    CreateRoleInput,
    DestroyRoleInput,
    Invite,
    InviteCollection,
    ResetPassword,
    ResetPasswordInput,
    RevokeInviteInput,
    RevokeMembershipInput,
    UpdateInviteInput,
    UpdateMembershipInput,
    UpdateRoleInput,
)
from graphql_api.identity.types import LoginUser, Membership, Organization, RegisterUser, Role
from graphql_api.operations import command, member, operation, permitted, public, read, to_params
from graphql_api.pagination import metadata_of, page_request
from infrastructure import jwt

__all__ = ["TeamMutations", "TeamQueries"]


@strawberry.type
class TeamQueries:
    @strawberry.field
    @public
    async def invite(self, info: Info, token: str) -> Invite | None:
        row = await invite_by_token(token)
        async with door_work(Door.LOGIN) as work:
            organization = await queries.organization_row(work, row.organization_id)
        return Invite.of(row, Organization(row=organization, login_method=None, shows_billing=False))

    @strawberry.field
    @operation()
    async def invites(self, info: Info, page: int | None = None, limit: int | None = None) -> InviteCollection:
        async with read(info) as work:
            found = await invites_page(work, page_request(page, limit))
            organization = await _organization(work, info)
        return InviteCollection(
            collection=[Invite.of(row, organization) for row in found.rows], metadata=metadata_of(found)
        )

    @strawberry.field
    @public
    async def password_reset(self, info: Info, token: str) -> ResetPassword:
        row = await password_reset_row(token)
        user = await user_with_memberships(row.user_id, EMAIL_PASSWORD)
        return ResetPassword(id=row.id, token=token, expire_at=row.expires_at, user=user)


@strawberry.type
class TeamMutations:
    @strawberry.mutation
    @operation(permission="organization:members:create")
    async def create_invite(self, info: Info, input: CreateInviteInput) -> Invite | None:
        async with command(info) as work:
            row = await create_invite(work, member(info), to_params(input))
            return Invite.of(row, await _organization(work, info))

    @strawberry.mutation
    @operation(permission="organization:members:update")
    async def update_invite(self, info: Info, input: UpdateInviteInput) -> Invite | None:
        async with command(info) as work:
            row = await update_invite(work, member(info), input.id, to_params(input))
            return Invite.of(row, await _organization(work, info))

    @strawberry.mutation
    @operation(permission="organization:members:delete")
    async def revoke_invite(self, info: Info, input: RevokeInviteInput) -> Invite | None:
        async with command(info) as work:
            row = await revoke_invite(work, input.id)
            return Invite.of(row, await _organization(work, info))

    @strawberry.mutation
    @public
    async def accept_invite(self, info: Info, input: AcceptInviteInput) -> RegisterUser | None:
        accepted = await accept_invite(input.token, input.email, input.password, current(info).author)
        user = await user_with_memberships(accepted.user_id, EMAIL_PASSWORD)
        membership = next(one for one in user.memberships if str(one.id) == str(accepted.membership_id))
        token = jwt.issue(str(accepted.user_id), login_method=EMAIL_PASSWORD)
        return RegisterUser(token=token, user=user, organization=membership.organization, membership=membership)

    @strawberry.mutation
    @operation(permission="organization:members:update")
    async def update_membership(self, info: Info, input: UpdateMembershipInput) -> Membership | None:
        async with command(info) as work:
            row = await update_membership(work, member(info), input.id, input.roles)
            return await _membership(work, info, row)

    @strawberry.mutation
    @operation(permission="organization:members:delete")
    async def revoke_membership(self, info: Info, input: RevokeMembershipInput) -> Membership | None:
        async with command(info) as work:
            return await _membership(work, info, await revoke_membership(work, member(info), input.id))

    @strawberry.mutation
    @operation(permission="roles:create")
    async def create_role(self, info: Info, input: CreateRoleInput) -> Role | None:
        async with command(info) as work:
            return Role(row=await create_role(work, to_params(input)), memberships=[])

    @strawberry.mutation
    @operation(permission="roles:update")
    async def update_role(self, info: Info, input: UpdateRoleInput) -> Role | None:
        async with command(info) as work:
            row = await update_role(work, input.id, to_params(input))
            held = (await queries.memberships_of_roles(work, [row.id]))[row.id]
            by_id = await members(work, held, current(info).login_method)
            return Role(row=row, memberships=[by_id[one.id] for one in held])

    @strawberry.mutation
    @operation(permission="roles:delete")
    async def destroy_role(self, info: Info, input: DestroyRoleInput) -> Role | None:
        async with command(info) as work:
            return Role(row=await destroy_role(work, input.id), memberships=[])

    @strawberry.mutation
    @public
    async def create_password_reset(
        self, info: Info, input: CreatePasswordResetInput
    ) -> CreatePasswordResetPayload | None:
        reset_id = await create_password_reset(input.email, current(info).author)
        mutation_id = input.client_mutation_id or None
        return CreatePasswordResetPayload(id=str(reset_id), client_mutation_id=mutation_id)

    @strawberry.mutation
    @public
    async def reset_password(self, info: Info, input: ResetPasswordInput) -> LoginUser | None:
        user_id = await reset_password(input.token, input.new_password, current(info).author)
        user = await user_with_memberships(user_id, EMAIL_PASSWORD)
        return LoginUser(token=jwt.issue(str(user_id), login_method=EMAIL_PASSWORD), user=user)


async def _organization(work: UnitOfWork, info: Info) -> Organization:
    shows = permitted(info, "organization:invoices:view")
    row = await queries.organization_row(work)
    return Organization(row=row, login_method=current(info).login_method, shows_billing=shows)


async def _membership(work: UnitOfWork, info: Info, row: Any) -> Membership:
    return (await members(work, [row], current(info).login_method))[row.id]
