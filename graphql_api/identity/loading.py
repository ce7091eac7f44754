"""Users with their memberships, organizations and roles, each kind read in one statement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from domain.identity import queries
from domain.identity.permissions import granted
from domain.kernel.tenancy import Door
from domain.kernel.unit_of_work import UnitOfWork, door_work
from graphql_api.enums import MembershipStatus
from graphql_api.errors import AccessDenied
from graphql_api.identity.types import Membership, Organization, User, permissions_type

__all__ = ["members", "user_with_memberships"]


async def user_with_memberships(user_id: UUID, login_method: str | None) -> User:
    """The caller, with active memberships in all organizations. Raises AccessDenied for a user who is gone."""
    async with door_work(Door.LOGIN) as work:
        user_row = await queries.user_by_id(work, user_id)
        if user_row is None:
            raise AccessDenied("unauthorized", "unauthorized")
        rows = await queries.active_memberships_of(work, user_id)
        held = await queries.roles_of(work, [row.id for row in rows])
        organizations = await queries.organizations_by_id(work, [row.organization_id for row in rows])
    user = _user(user_row)
    for row in rows:
        _join(user, row, held[row.id], organizations[row.organization_id], login_method)
    return user


async def members(work: UnitOfWork, rows: Sequence[Any], login_method: str | None) -> dict[UUID, Membership]:
    """Memberships of the bound organization by their ids. A member's user shows no other organization than this."""
    organization = await queries.organization_row(work)
    users: Mapping[UUID, Any] = await queries.users_by_id(work, [row.user_id for row in rows])
    held = await queries.roles_of(work, [row.id for row in rows])
    return {row.id: _join(_user(users[row.user_id]), row, held[row.id], organization, login_method) for row in rows}


def _user(row: Any) -> User:
    return User(
        id=row.id,
        email=row.email,
        created_at=row.created_at,
        updated_at=row.updated_at,
        organizations=[],
        memberships=[],
    )


def _join(user: User, row: Any, roles: Iterable[Any], organization_row: Any, login_method: str | None) -> Membership:
    """Makes the membership and hangs it, with its organization, on the user."""
    roles = list(roles)
    held: frozenset[str] = frozenset().union(
        *(granted(role.code, role.organization_id is None, role.permissions) for role in roles)
    )
    organization = Organization(
        row=organization_row, login_method=login_method, shows_billing="organization:invoices:view" in held
    )
    membership = Membership(
        id=row.id,
        user=user,
        organization=organization,
        roles=[role.name for role in roles],
        permissions=permissions_type(held),
        status=MembershipStatus(row.status),
        revoked_at=row.revoked_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
    user.organizations.append(organization)
    user.memberships.append(membership)
    return membership
