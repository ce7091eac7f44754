"""Reads of the identity context: plain rows, a fixed number of statements whatever their number."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select

from domain.identity.models import ApiKey, BillingEntity, Membership, MembershipRole, Organization, Role, User
from domain.kernel import clock
from domain.kernel.errors import NotFound
from domain.kernel.ids import parse_id
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.rows import table
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import UnitOfWork

__all__ = [
    "active_memberships_of",
    "admin_count",
    "api_key_by_id",
    "api_keys_by_ids",
    "api_keys_page",
    "billing_entities_list",
    "billing_entity_row",
    "billing_entity_rows",
    "kept_billing_entity_id",
    "memberships_page",
    "organization_row",
    "roles_list",
    "roles_of",
    "tenant_of",
    "user_by_id",
    "users_by_id",
]  # fmt: skip

RowOf = Any
"""A plain row; its columns are those of the table, or named where it is read."""

_user, _organization, _entity = table(User), table(Organization), table(BillingEntity)
_membership, _held, _role, _key = table(Membership), table(MembershipRole), table(Role), table(ApiKey)

# An organization with its default billing entity, whose id is the organization's. What both have is the entity's,
# except the name, the instants and the id.
_ENTITY_COLUMNS = [
    column for column in _entity.c if column.name not in ("id", "name", "created_at", "updated_at", "organization_id")
]
ORGANIZATIONS: Select[Any] = select(
    _organization.c.id,
    _organization.c.name,
    _organization.c.slug,
    _organization.c.authentication_methods,
    _organization.c.sandbox,
    _organization.c.frozen_at,
    _organization.c.created_at,
    _organization.c.updated_at,
    *_ENTITY_COLUMNS,
).join_from(_organization, _entity, _entity.c.id == _organization.c.id)


async def organization_row(work: UnitOfWork, id: UUID | None = None) -> RowOf:
    """An organization with the settings of its default billing entity; the bound one unless another is named (which
    only a door that crosses tenants can see)."""
    statement = ORGANIZATIONS.where(_organization.c.id == (id or work.organization_id))
    return (await work.session.execute(statement)).one()


async def tenant_of(work: UnitOfWork) -> Tenant | None:
    """The bound organization as requests and jobs are bound to it, with its clock; None when there is none."""
    query = select(_organization.c.frozen_at).where(_organization.c.id == work.organization_id)
    row = (await work.session.execute(query)).first()
    return None if row is None else Tenant(work.organization_id, row.frozen_at)


async def organizations_by_id(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, RowOf]:
    """Several organizations, through a door that crosses tenants."""
    rows = (await work.session.execute(ORGANIZATIONS.where(_organization.c.id.in_(ids)))).all()
    return {row.id: row for row in rows}


async def billing_entities_list(work: UnitOfWork) -> Sequence[RowOf]:
    """The billing entities that are neither deleted nor archived, the default one first."""
    statement = select(_entity).where(_kept_entity()).order_by(_entity.c.created_at, _entity.c.id)
    return (await work.session.execute(statement)).all()


async def billing_entity_rows(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, RowOf]:
    """Billing entities by id, archived ones as well."""
    rows = (await work.session.execute(select(_entity).where(_entity.c.id.in_(ids)))).all()
    return {row.id: row for row in rows}


async def billing_entity_row(work: UnitOfWork, code: str) -> RowOf:
    """A billing entity that is neither deleted nor archived. Raises NotFound."""
    row = (await work.session.execute(select(_entity).where(_entity.c.code == code, _kept_entity()))).one_or_none()
    if row is None:
        raise NotFound("billing_entity")
    return row


async def kept_billing_entity_id(work: UnitOfWork, *, code: object = None, id: object = None) -> UUID | None:
    """The id of the billing entity that a client names by code or id; None when it names none. Raises NotFound."""
    if code is None and id is None:
        return None
    wanted = [_kept_entity()]
    if code is not None:
        wanted.append(_entity.c.code == str(code))
    if id is not None:
        wanted.append(_entity.c.id == parse_id(id))
    found: UUID | None = (await work.session.execute(select(_entity.c.id).where(*wanted))).scalar_one_or_none()
    if found is None:
        raise NotFound("billing_entity")
    return found


def _kept_entity() -> Any:
    return and_(_entity.c.deleted_at.is_(None), _entity.c.archived_at.is_(None))


async def hmac_key_of(work: UnitOfWork) -> str:
    """The key that signs the bound organization's webhooks; deciphered only where it is asked for."""
    statement = select(_organization.c.hmac_key).where(_organization.c.id == work.organization_id)
    return str((await work.session.execute(statement)).scalar_one())


async def oldest_api_key_value(work: UnitOfWork) -> str | None:
    """The value of the bound organization's oldest good key."""
    statement = select(_key.c.value).where(_good_keys()).order_by(_key.c.created_at, _key.c.id).limit(1)
    return (await work.session.execute(statement)).scalar_one_or_none()


async def user_by_id(work: UnitOfWork, id: UUID) -> RowOf | None:
    """A user without the password."""
    return (await users_by_id(work, [id])).get(id)


async def users_by_id(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, RowOf]:
    """Users without their passwords."""
    statement = select(_user.c.id, _user.c.email, _user.c.created_at, _user.c.updated_at).where(_user.c.id.in_(ids))
    return {row.id: row for row in (await work.session.execute(statement)).all()}


async def active_memberships_of(work: UnitOfWork, user_id: UUID) -> Sequence[RowOf]:
    """A user's active memberships, oldest first, through a door that crosses tenants."""
    statement = (
        select(_membership)
        .where(_membership.c.user_id == user_id, _membership.c.status == "active")
        .order_by(_membership.c.created_at, _membership.c.id)
    )
    return (await work.session.execute(statement)).all()


async def memberships_page(work: UnitOfWork, request: PageRequest) -> Page[RowOf]:
    """The bound organization's active memberships, newest first."""
    active = select(_membership).where(_membership.c.status == "active")
    return await _page(work, active, _membership, request)


async def admin_count(work: UnitOfWork) -> int:
    """How many active members of the bound organization are admins."""
    statement = (
        select(func.count(_membership.c.id.distinct()))
        .join(_held, _held.c.membership_id == _membership.c.id)
        .join(_role, _role.c.id == _held.c.role_id)
        .where(_membership.c.status == "active", _role.c.admin)
    )
    return int((await work.session.execute(statement)).scalar_one())


async def roles_of(work: UnitOfWork, membership_ids: Sequence[UUID]) -> dict[UUID, list[RowOf]]:
    """The roles that each membership holds: code, name, permissions, organization_id (null for predefined)."""
    statement = (
        select(
            _held.c.membership_id, _role.c.code, _role.c.name, _role.c.permissions, _role.c.organization_id
        )
        .join(_role, _role.c.id == _held.c.role_id)
        .where(_held.c.membership_id.in_(membership_ids), _role.c.deleted_at.is_(None))
        .order_by(_role.c.code)
    )  # fmt: skip
    held: dict[UUID, list[RowOf]] = {one: [] for one in membership_ids}
    for row in (await work.session.execute(statement)).all():
        held[row.membership_id].append(row)
    return held


async def roles_list(work: UnitOfWork) -> Sequence[RowOf]:
    """Predefined roles first, then the organization's own by name."""
    statement = (
        select(_role)
        .where(_role.c.deleted_at.is_(None))
        .order_by(_role.c.organization_id.is_not(None), func.lower(_role.c.name), _role.c.id)
    )
    return (await work.session.execute(statement)).all()


async def memberships_of_roles(work: UnitOfWork, role_ids: Sequence[UUID]) -> dict[UUID, list[RowOf]]:
    """The active memberships that hold each role."""
    statement = (
        select(_held.c.role_id, _membership)
        .join(_membership, _membership.c.id == _held.c.membership_id)
        .where(_held.c.role_id.in_(role_ids), _membership.c.status == "active")
        .order_by(_membership.c.created_at, _membership.c.id)
    )
    held: dict[UUID, list[RowOf]] = {one: [] for one in role_ids}
    for row in (await work.session.execute(statement)).all():
        held[row.role_id].append(row)
    return held


def _good_keys() -> Any:
    return or_(_key.c.expires_at.is_(None), _key.c.expires_at > clock.wall())


async def api_keys_page(work: UnitOfWork, request: PageRequest) -> Page[RowOf]:
    """The bound organization's keys that have not ended, newest first, values included."""
    return await _page(work, select(_key).where(_good_keys()), _key, request)


async def api_keys_by_ids(work: UnitOfWork, ids: Collection[UUID]) -> dict[UUID, RowOf]:
    """Keys that have not ended, by id, values included."""
    if not ids:
        return {}
    rows = await work.session.execute(select(_key).where(_key.c.id.in_(ids), _good_keys()))
    return {row.id: row for row in rows}


async def api_key_by_id(work: UnitOfWork, id: object) -> RowOf:
    """One key that has not ended. Raises NotFound."""
    row = (await work.session.execute(select(_key).where(_key.c.id == parse_id(id), _good_keys()))).one_or_none()
    if row is None:
        raise NotFound("api_key")
    return row


async def _page(work: UnitOfWork, statement: Select[Any], listed: Any, request: PageRequest) -> Page[RowOf]:
    count = select(func.count()).select_from(statement.subquery())
    total = int((await work.session.execute(count)).scalar_one())
    ordered = statement.order_by(listed.c.created_at.desc(), listed.c.id)
    rows = (await work.session.execute(ordered.limit(request.size).offset(request.offset))).all()
    return Page(rows, total, request)
