"""Accepting an invitation, without being logged in. Source: handbook, platform 7.

Only the address that was invited may accept: with another one the link would be a way into any account whose owner
left all organizations.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from domain.identity.emails import cleaned_email
from domain.identity.login import EMAIL_PASSWORD
from domain.identity.models import Membership, Organization, User
from domain.identity.security.sign_in import remember_device
from domain.identity.team.invites import pending_invite
from domain.identity.team.members import give_roles
from domain.identity.team.models import Invite
from domain.identity.team.roles import roles_by_code
from domain.kernel import clock
from domain.kernel.authors import Author
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.ids import new_id
from domain.kernel.rows import table
from domain.kernel.tenancy import Door, Tenant
from domain.kernel.unit_of_work import UnitOfWork, door_work
from domain.kernel.validation import MANDATORY, TOO_LONG
from infrastructure.passwords import MAX_PASSWORD_LENGTH, hash_password

__all__ = ["Accepted", "accept_invite"]

_invites, _users = table(Invite), table(User)
_memberships, _organizations = table(Membership), table(Organization)


@dataclass(frozen=True, slots=True)
class Accepted:
    """Who became a member, and of what."""

    user_id: UUID
    organization_id: UUID
    membership_id: UUID


async def accept_invite(token: str, email: str, password: str, author: Author) -> Accepted:
    """Makes the invited address a member with the roles of the invitation, in one transaction through the login door.

    A new user gets the password, and so does one who is a member of no organization any more; other users keep theirs.
    `author` carries where the request came from. Raises NotFound("invite"), ValidationFailed: `email` is not the
    invited one (`invite_email_mismatch`), no `password`, or `email_password` is not allowed there.
    """
    async with door_work(Door.LOGIN) as work:
        await _check(work, await pending_invite(work, token), email)
    if not password:
        raise ValidationFailed({"password": [MANDATORY]})
    if len(password) > MAX_PASSWORD_LENGTH:
        raise ValidationFailed({"password": [TOO_LONG]})
    password_hash = await hash_password(password)
    async with door_work(Door.LOGIN) as work:
        invite = await pending_invite(work, token, lock=True)
        await _check(work, invite, email)
        user_id, new = await _user(work, invite.email, password_hash)
        await remember_device(work, replace(author, user_id=user_id), quietly=new)
        frozen_at = await work.session.scalar(
            sa.select(_organizations.c.frozen_at).where(_organizations.c.id == invite.organization_id)
        )
        with clock.at(frozen_at):
            await work.bind(Tenant(invite.organization_id, frozen_at))
            membership_id = await _member(work, user_id)
            roles = await roles_by_code(work, invite.roles)
            await give_roles(work, membership_id, [role.id for role in roles.values()])
            await work.session.execute(
                sa.update(_invites)
                .where(_invites.c.id == invite.id)
                .values(status="accepted", membership_id=membership_id, accepted_at=clock.now(), updated_at=clock.now())
            )
    return Accepted(user_id, invite.organization_id, membership_id)


async def _check(work: UnitOfWork, invite: sa.Row[Any], email: str) -> None:
    if cleaned_email(email) != invite.email:
        raise ValidationFailed({"email": ["invite_email_mismatch"]})
    methods = await work.session.scalar(
        sa.select(_organizations.c.authentication_methods).where(_organizations.c.id == invite.organization_id)
    )
    if EMAIL_PASSWORD not in (methods or ()):
        raise ValidationFailed({EMAIL_PASSWORD: ["login_method_not_authorized"]})


async def _user(work: UnitOfWork, email: str, password_hash: str) -> tuple[UUID, bool]:
    """The user's id, and whether there was none. Two who accept for one new address at once become one user."""
    now = clock.now()
    made = await work.session.scalar(
        sa.dialects.postgresql.insert(_users)
        .values(id=new_id(), email=email, password_hash=password_hash, created_at=now, updated_at=now)
        .on_conflict_do_nothing(index_elements=["email"])
        .returning(_users.c.id)
    )
    if made is not None:
        return made, True
    found = await work.session.scalar(sa.select(_users.c.id).where(_users.c.email == email).with_for_update())
    if found is None:
        raise NotFound("invite")
    active = sa.select(_memberships.c.id).where(_memberships.c.user_id == found, _memberships.c.status == "active")
    if await work.session.scalar(active.limit(1)) is None:
        values = {"password_hash": password_hash, "updated_at": now}
        await work.session.execute(sa.update(_users).where(_users.c.id == found).values(values))
    return found, False


async def _member(work: UnitOfWork, user_id: UUID) -> UUID:
    """The membership that is made. Raises ValidationFailed `email_already_used` for a member."""
    now = clock.now()
    values = {"id": new_id(), "organization_id": work.organization_id, "user_id": user_id, "status": "active"}
    statement = sa.dialects.postgresql.insert(_memberships).values(**values, created_at=now, updated_at=now)
    made: UUID | None = await work.session.scalar(
        statement.on_conflict_do_nothing(
            index_elements=["organization_id", "user_id"], index_where=sa.text("status = 'active'")
        ).returning(_memberships.c.id)
    )
    if made is None:
        raise ValidationFailed({"email": ["email_already_used"]})
    return made
