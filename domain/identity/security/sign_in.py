"""What is noted of those who get in: the devices, and who is new. Source: handbook, platform 5 and 15.3."""

from __future__ import annotations

import hashlib
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from domain.identity.models import Membership, User
from domain.identity.security.log import note_security_of
from domain.identity.security.models import UserDevice
from domain.kernel import clock
from domain.kernel.authors import Author
from domain.kernel.ids import new_id
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["note_for_all_organizations", "remember_device"]

_devices, _memberships, _users = table(UserDevice), table(Membership), table(User)


async def remember_device(work: UnitOfWork, author: Author, *, quietly: bool = False) -> None:
    """Notes when and whence a user got in, through the login door. A device that was never seen is logged in each of
    the user's organizations, unless `quietly`: of users who are new themselves. No User-Agent, nothing noted."""
    assert author.user_id is not None
    if author.origin is None or not author.origin.user_agent:
        return
    now = clock.wall()
    fingerprint = hashlib.sha256(author.origin.user_agent.encode(errors="replace")).hexdigest()
    seen = {"last_login_at": now, "last_address": author.origin.address, "updated_at": now}
    insert = postgresql.insert(_devices).values(
        id=new_id(), user_id=author.user_id, fingerprint=fingerprint, created_at=now, **seen
    )
    made = await work.session.scalar(
        insert.on_conflict_do_nothing(index_elements=["user_id", "fingerprint"]).returning(_devices.c.id)
    )
    if made is None:
        known = (_devices.c.user_id == author.user_id, _devices.c.fingerprint == fingerprint)
        await work.session.execute(sa.update(_devices).where(*known).values(seen))
    elif not quietly:
        await note_for_all_organizations(work, "user.new_device_logged_in", author)


async def note_for_all_organizations(work: UnitOfWork, event: str, author: Author) -> None:
    """Logs something of a user in each organization that the user is an active member of."""
    assert author.user_id is not None
    rows = await work.session.execute(
        sa.select(_memberships.c.organization_id, _users.c.email)
        .join(_users, _users.c.id == _memberships.c.user_id)
        .where(_memberships.c.user_id == author.user_id, _memberships.c.status == "active")
    )
    told: dict[UUID, dict[str, str]] = {row.organization_id: {"email": row.email} for row in rows}
    await note_security_of(work, event, told, author)
