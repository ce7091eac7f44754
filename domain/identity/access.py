"""Whether a user may act for an organization, and what they may do there."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from domain.identity.models import Membership, MembershipRole, Organization, Role
from domain.identity.permissions import granted
from domain.kernel.rows import table
from domain.kernel.tenancy import Door, Tenant
from domain.kernel.unit_of_work import door_work

__all__ = ["MemberAccess", "member_access"]

_membership, _held, _role, _organization = table(Membership), table(MembershipRole), table(Role), table(Organization)


@dataclass(frozen=True, slots=True)
class MemberAccess:
    """An active membership: the organization with its clock, the union of its roles' permissions, and whether one of
    these is the predefined admin."""

    user_id: UUID
    membership_id: UUID
    tenant: Tenant
    permissions: frozenset[str]
    admin: bool = False

    def may(self, permission: str) -> bool:
        return permission in self.permissions


_ACCESS = (
    select(
        _membership.c.id, _organization.c.frozen_at, _role.c.code, _role.c.organization_id, _role.c.permissions
    )
    .select_from(
        _membership.join(_organization, _organization.c.id == _membership.c.organization_id)
        .outerjoin(_held, _held.c.membership_id == _membership.c.id)
        .outerjoin(_role, (_role.c.id == _held.c.role_id) & _role.c.deleted_at.is_(None))
    )
    .where(_membership.c.status == "active")
)  # fmt: skip


async def member_access(user_id: UUID, organization_id: UUID) -> MemberAccess | None:
    """The user's active membership in the organization, or None: unknown, foreign and revoked look the same."""
    statement = _ACCESS.where(_membership.c.user_id == user_id, _membership.c.organization_id == organization_id)
    async with door_work(Door.LOGIN) as work:
        rows = (await work.session.execute(statement)).all()
    if not rows:
        return None
    permissions: frozenset[str] = frozenset().union(
        *(granted(row.code, row.organization_id is None, row.permissions) for row in rows if row.code)
    )
    admin = any(row.code == "admin" and row.organization_id is None for row in rows)
    return MemberAccess(user_id, rows[0].id, Tenant(organization_id, rows[0].frozen_at), permissions, admin)
