"""Roles that an organization makes for itself. Source: handbook, platform 3."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.identity.models import Membership, MembershipRole, Role
from domain.identity.permissions import PERMISSIONS, PREDEFINED
from domain.identity.security.log import changed, note_security
from domain.kernel import clock
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.ids import parse_id
from domain.kernel.rows import table
from domain.kernel.uniqueness import unique
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import INVALID, MANDATORY, TAKEN, TOO_LONG, Params, Reader

__all__ = ["create_role", "destroy_role", "roles_by_code", "update_role"]

LONGEST: Final = 100
UNIQUE: Final = {"uq_roles_code": "code"}
_CODE: Final = re.compile(r"[a-z0-9_]+")

_roles, _held, _memberships = table(Role), table(MembershipRole), table(Membership)


async def create_role(work: UnitOfWork, params: Params) -> Role:
    """A role with a code of its own: `name`, `code`, `permissions` (at least one), `description`. Raises
    ValidationFailed; the codes of predefined roles are taken."""
    read = Reader(params)
    code = read.text("code", mandatory=True, longest=LONGEST)
    if code is not None and not _CODE.fullmatch(code):
        read.add("code", INVALID)
    if code in PREDEFINED:
        read.add("code", TAKEN)
    name, description = _name(read), read.text("description")
    permissions = _permissions(read)
    read.finish()
    role = Role(
        organization_id=work.organization_id, code=code or "", name=name or "", description=description,
        permissions=permissions,
    )  # fmt: skip
    async with unique(work, UNIQUE):
        work.session.add(role)
    await note_security(work, "role.created", {"role_code": role.code, "permissions": permissions})
    return role


async def update_role(work: UnitOfWork, role_id: object, params: Params) -> Role:
    """Changes name, description and permissions as far as they are given; the code stays. Raises NotFound, Forbidden
    `predefined_role`, ValidationFailed."""
    role = await _own_role(work, role_id)
    read = Reader(params)
    after: dict[str, Any] = {}
    if params.get("name") is not None:
        after["name"] = _name(read)
    if "description" in read:
        after["description"] = read.text("description")
    if params.get("permissions") is not None:
        after["permissions"] = _permissions(read)
    read.finish()
    different = changed({name: getattr(role, name) for name in after}, after)
    for name, value in after.items():
        setattr(role, name, value)
    await work.session.flush()
    if different:
        await note_security(work, "role.updated", {"role_code": role.code, **different})
    return role


async def destroy_role(work: UnitOfWork, role_id: object) -> Role:
    """Deletes a role that no active member holds. Raises NotFound, Forbidden `predefined_role` or
    `role_assigned_to_members`."""
    role = await _own_role(work, role_id)
    holders = sa.select(_held.c.id).join(_memberships, _memberships.c.id == _held.c.membership_id)
    if await work.session.scalar(holders.where(_held.c.role_id == role.id, _memberships.c.status == "active").limit(1)):
        raise Forbidden("role_assigned_to_members")
    role.deleted_at = clock.now()
    await work.session.flush()
    await note_security(work, "role.deleted", {"role_code": role.code, "permissions": role.permissions})
    return role


async def roles_by_code(work: UnitOfWork, codes: Sequence[str]) -> dict[str, sa.Row[Any]]:
    """Predefined roles and the bound organization's own by code: id, admin. Unknown codes are left out.

    A role that is deleted at the same moment may still be given; a deleted role grants nothing.
    """
    wanted: list[sa.ColumnElement[Any]] = [_roles.c.id, _roles.c.code, _roles.c.admin]
    query = sa.select(*wanted).where(
        _roles.c.code.in_([code for code in codes if isinstance(code, str)]), _roles.c.deleted_at.is_(None),
        _visible(work.organization_id),
    )  # fmt: skip
    return {row.code: row for row in await work.session.execute(query)}


def _visible(organization_id: UUID) -> sa.ColumnElement[bool]:
    return sa.or_(_roles.c.organization_id.is_(None), _roles.c.organization_id == organization_id)


async def _own_role(work: UnitOfWork, role_id: object) -> Role:
    """The role, locked. Raises NotFound, Forbidden `predefined_role`."""
    wanted = parse_id(role_id)
    found = (
        await work.session.execute(
            sa.select(_roles.c.organization_id).where(
                _roles.c.id == wanted, _roles.c.deleted_at.is_(None), _visible(work.organization_id)
            )
        )
    ).one_or_none()
    if found is None:
        raise NotFound("role")
    if found.organization_id is None:
        raise Forbidden("predefined_role")
    query = sa.select(Role).where(_roles.c.id == wanted, _roles.c.deleted_at.is_(None)).with_for_update()
    role = await work.session.scalar(query)
    if role is None:
        raise NotFound("role")
    return role


def _name(read: Reader) -> str | None:
    name = read.text("name", mandatory=True)
    squeezed = None if name is None else " ".join(name.split())
    if squeezed is not None and len(squeezed) > LONGEST:
        read.add("name", TOO_LONG)
    return squeezed


def _permissions(read: Reader) -> list[str]:
    """In the order of the table, each once."""
    given = read.texts("permissions") or []
    if not given:
        read.add("permissions", MANDATORY)
    elif any(each not in PREDEFINED["admin"] for each in given):
        read.add("permissions", INVALID)
    return [each for each in PERMISSIONS if each in given]
