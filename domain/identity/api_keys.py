"""API keys: created, renamed, rotated, destroyed. Source: handbook, platform 8.

Whether a key is good is a matter of real time: `expires_at` is compared with the wall clock, in sandboxes too.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import or_
from sqlmodel import col, select

from domain.identity.api_key_permissions import ALL_PERMISSIONS, checked_permissions
from domain.identity.authenticate import digest_of
from domain.identity.models import ApiKey
from domain.identity.security.log import changed, key_ending, note_security
from domain.kernel import clock
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.ids import parse_id
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params, Reader

__all__ = ["create_api_key", "destroy_api_key", "new_api_key", "rotate_api_key", "update_api_key"]


def new_api_key(organization_id: UUID, name: str | None = None) -> ApiKey:
    """A key for everything, with a fresh value; not yet added to a transaction."""
    value = str(uuid4())
    return ApiKey(
        organization_id=organization_id,
        name=name,
        value=value,
        value_digest=digest_of(value),
        permissions=dict(ALL_PERMISSIONS),
    )


async def create_api_key(work: UnitOfWork, params: Params) -> ApiKey:
    """A new key; `permissions` of an absent map are all."""
    read = Reader(params)
    name = read.text("name")
    read.finish()
    key = new_api_key(work.organization_id, name)
    if params.get("permissions") is not None:
        key.permissions = checked_permissions(params["permissions"])
    work.session.add(key)
    await work.session.flush()
    about = {"name": key.name, "value_ending": key_ending(key), "permissions": key.permissions}
    await note_security(work, "api_key.created", about)
    return key


async def update_api_key(work: UnitOfWork, id: object, params: Params) -> ApiKey:
    """Changes the name or the permissions."""
    key = await _good_key(work, id)
    before = {"name": key.name, "permissions": key.permissions}
    read = Reader(params)
    if "name" in read:
        key.name = read.text("name")
    read.finish()
    if "permissions" in read:
        key.permissions = checked_permissions(params["permissions"])
    await work.session.flush()
    different = changed(before, {"name": key.name, "permissions": key.permissions})
    if different:
        await note_security(work, "api_key.updated", {"value_ending": key_ending(key), **different})
    return key


async def rotate_api_key(work: UnitOfWork, id: object, params: Params) -> ApiKey:
    """A new key for everything in place of the old one, which ends at `expires_at`: now unless given."""
    read = Reader(params)
    name = read.text("name")
    expires_at = read.instant("expires_at")
    read.finish()
    old, now = await _good_key(work, id), clock.wall()
    old.expires_at = max(expires_at or now, now)
    key = new_api_key(work.organization_id, name if "name" in read else old.name)
    work.session.add(key)
    await work.session.flush()
    endings = changed({"value_ending": key_ending(old)}, {"value_ending": key_ending(key)})
    await note_security(work, "api_key.rotated", {"name": key.name, **endings})
    return key


async def destroy_api_key(work: UnitOfWork, id: object) -> ApiKey:
    """Ends a key now. Raises ValidationFailed for the last one without an end: nobody would get in any more."""
    # All keys are locked, so that two requests can't each leave the other's key as the last one.
    keys = (await work.session.execute(select(ApiKey).with_for_update())).scalars().all()
    wanted, now = parse_id(id), clock.wall()
    key = next((one for one in keys if one.id == wanted and _good(one, now)), None)
    if key is None:
        raise NotFound("api_key")
    if not any(one.expires_at is None for one in keys if one.id != key.id):
        raise ValidationFailed({"base": ["last_non_expiring_api_key"]})
    key.expires_at = now
    await work.session.flush()
    await note_security(work, "api_key.deleted", {"name": key.name, "value_ending": key_ending(key)})
    return key


def _good(key: ApiKey, now: datetime) -> bool:
    return key.expires_at is None or key.expires_at > now


async def _good_key(work: UnitOfWork, id: object) -> ApiKey:
    """The key, locked. Raises NotFound for an unknown or expired one."""
    statement = select(ApiKey).where(
        col(ApiKey.id) == parse_id(id), or_(col(ApiKey.expires_at).is_(None), col(ApiKey.expires_at) > clock.wall())
    )
    key = (await work.session.execute(statement.with_for_update())).scalar_one_or_none()
    if key is None:
        raise NotFound("api_key")
    return key
