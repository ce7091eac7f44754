"""Who belongs to an organization and with which roles. Source: handbook, platform 7.

Everything here locks the organization's active memberships first, so that of two changes at once the second one sees
who is still an admin.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from domain.identity.access import MemberAccess
from domain.identity.models import Membership, MembershipRole, Role, User
from domain.identity.security.log import note_security
from domain.identity.team.roles import roles_by_code
from domain.kernel import clock
from domain.kernel.errors import Forbidden, NotAllowed, NotFound
from domain.kernel.ids import new_id, parse_id
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["give_roles", "refuse_granting_admin", "revoke_membership", "update_membership"]

_memberships, _held, _roles, _users = table(Membership), table(MembershipRole), table(Role), table(User)


async def update_membership(
    work: UnitOfWork, caller: MemberAccess, membership_id: object, codes: Sequence[str]
) -> sa.Row[Any]:
    """Gives a member these roles in place of the old ones; the membership.

    Raises NotFound for an unknown membership, or if no role is known; Forbidden `cannot_grant_admin` unless the caller
    is an admin; NotAllowed `last_admin` where nobody would be one any more.
    """
    member = await _locked(work, membership_id)
    wanted = await roles_by_code(work, codes)
    if not wanted:
        raise NotFound("role")
    before = await _codes_of(work, member.id)
    refuse_granting_admin(caller, [code for code in wanted if code not in before])
    if not any(role.admin for role in wanted.values()):
        await _refuse_last_admin(work, member.id)
    await work.session.execute(sa.delete(_held).where(_held.c.membership_id == member.id))
    await give_roles(work, member.id, [role.id for role in wanted.values()])
    after = sorted(wanted)
    if before != after:
        resources = {"email": await _email(work, member.user_id), "roles": {"deleted": before, "added": after}}
        await note_security(work, "user.role_edited", resources)
    return member


async def revoke_membership(work: UnitOfWork, caller: MemberAccess, membership_id: object) -> sa.Row[Any]:
    """Ends a membership; the row as it is then. What the member did stays, and the same user can be invited again.

    Raises NotFound, NotAllowed `cannot_revoke_own_membership` or `last_admin`.
    """
    member = await _locked(work, membership_id)
    if member.user_id == caller.user_id:
        raise NotAllowed("cannot_revoke_own_membership")
    await _refuse_last_admin(work, member.id)
    now = clock.now()
    ended = sa.update(_memberships).where(_memberships.c.id == member.id)
    row = (
        await work.session.execute(
            ended.values(status="revoked", revoked_at=now, updated_at=now).returning(*_memberships.c)
        )
    ).one()
    await note_security(work, "user.deleted", {"email": await _email(work, member.user_id)})
    return row


def refuse_granting_admin(caller: MemberAccess, codes: Sequence[str]) -> None:
    """Raises Forbidden `cannot_grant_admin` where somebody who is no admin would make one."""
    if "admin" in codes and not caller.admin:
        raise Forbidden("cannot_grant_admin")


async def give_roles(work: UnitOfWork, membership_id: UUID, role_ids: Sequence[UUID]) -> None:
    """Adds roles to a membership that does not hold them. One statement."""
    now = clock.now()
    rows = [
        {
            "id": new_id(), "organization_id": work.organization_id, "membership_id": membership_id, "role_id": each,
            "created_at": now, "updated_at": now,
        }
        for each in role_ids
    ]  # fmt: skip
    if rows:
        await work.session.execute(sa.insert(_held), rows)


async def _locked(work: UnitOfWork, membership_id: object) -> sa.Row[Any]:
    """The membership, once nobody else changes any. Raises NotFound for an unknown or revoked one."""
    active = sa.select(*_memberships.c).where(_memberships.c.status == "active").order_by(_memberships.c.id)
    rows = (await work.session.execute(active.with_for_update())).all()
    found = next((row for row in rows if row.id == parse_id(membership_id)), None)
    if found is None:
        raise NotFound("membership")
    return found


async def _refuse_last_admin(work: UnitOfWork, membership_id: UUID) -> None:
    """Raises NotAllowed `last_admin` if this member is the only admin."""
    admins = (
        await work.session.scalars(
            sa.select(_memberships.c.id)
            .distinct()
            .join(_held, _held.c.membership_id == _memberships.c.id)
            .join(_roles, _roles.c.id == _held.c.role_id)
            .where(_memberships.c.status == "active", _roles.c.admin)
        )
    ).all()
    if list(admins) == [membership_id]:
        raise NotAllowed("last_admin")


async def _codes_of(work: UnitOfWork, membership_id: UUID) -> list[str]:
    query = sa.select(_roles.c.code).join(_held, _held.c.role_id == _roles.c.id)
    return sorted((await work.session.scalars(query.where(_held.c.membership_id == membership_id))).all())


async def _email(work: UnitOfWork, user_id: UUID) -> str | None:
    email: str | None = await work.session.scalar(sa.select(_users.c.email).where(_users.c.id == user_id))
    return email
