"""Inviting somebody into an organization. No mail is sent: the front shows the link. Source: handbook, platform 7."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.identity.access import MemberAccess
from domain.identity.emails import cleaned_email, email_problem
from domain.identity.models import Membership, User
from domain.identity.security.log import note_security
from domain.identity.team.members import refuse_granting_admin
from domain.identity.team.models import Invite
from domain.identity.team.roles import roles_by_code
from domain.identity.team.tokens import digest_of_token, new_token
from domain.kernel import clock
from domain.kernel.errors import NotFound
from domain.kernel.ids import parse_id
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.rows import table
from domain.kernel.tenancy import Door
from domain.kernel.uniqueness import unique
from domain.kernel.unit_of_work import UnitOfWork, door_work
from domain.kernel.validation import Params, Reader, storable

__all__ = ["create_invite", "invite_by_token", "invites_page", "pending_invite", "revoke_invite", "update_invite"]

ALREADY_THERE: Final = "invite_already_exists"

_invites, _memberships, _users = table(Invite), table(Membership), table(User)


async def create_invite(work: UnitOfWork, caller: MemberAccess, params: Params) -> Invite:
    """An invitation of `email` with `roles`, codes. Raises ValidationFailed with all that is wrong (`invite`: one is
    pending; `email`: a member already; `roles`: none, or unknown ones), Forbidden `cannot_grant_admin`."""
    read = Reader(params)
    email = cleaned_email(str(params.get("email") or ""))
    problem = email_problem(email) if storable(email) else "invalid_email_format"
    if problem:
        read.add("email", problem)
    else:
        await _refuse_known(work, read, email)
    roles = await _role_codes(work, read)
    read.finish()
    refuse_granting_admin(caller, roles)
    token = new_token()
    invite = Invite(
        organization_id=work.organization_id, email=email, token=token, token_digest=digest_of_token(token),
        roles=roles,
    )  # fmt: skip
    async with unique(work, {"uq_invites_email": "invite"}, code=ALREADY_THERE):
        work.session.add(invite)
    await note_security(work, "user.invited", {"email": email, "roles": roles})
    return invite


async def update_invite(work: UnitOfWork, caller: MemberAccess, invite_id: object, params: Params) -> Invite:
    """Changes the roles of a pending invitation. Raises NotFound, ValidationFailed, Forbidden."""
    invite = await _pending(work, invite_id)
    read = Reader(params)
    roles = await _role_codes(work, read)
    read.finish()
    refuse_granting_admin(caller, [role for role in roles if role not in invite.roles])
    invite.roles = roles
    await work.session.flush()
    return invite


async def revoke_invite(work: UnitOfWork, invite_id: object) -> Invite:
    """Takes a pending invitation back. Raises NotFound."""
    invite = await _pending(work, invite_id)
    invite.status, invite.revoked_at = "revoked", clock.now()
    await work.session.flush()
    return invite


async def invites_page(work: UnitOfWork, request: PageRequest) -> Page[sa.Row[Any]]:
    """The organization's pending invitations, the latest first; two statements."""
    pending = _invites.c.status == "pending"
    total = await work.session.scalar(sa.select(sa.func.count()).select_from(_invites).where(pending)) or 0
    query = sa.select(*_invites.c).where(pending).order_by(_invites.c.created_at.desc(), _invites.c.id)
    rows = (await work.session.execute(query.limit(request.size).offset(request.offset))).all()
    return Page(rows, total, request)


async def invite_by_token(token: str) -> sa.Row[Any]:
    """A pending invitation, for whoever has its token. Raises NotFound."""
    async with door_work(Door.LOGIN) as work:
        return await pending_invite(work, token)


async def pending_invite(work: UnitOfWork, token: str, *, lock: bool = False) -> sa.Row[Any]:
    """The same through a login door that is open. Raises NotFound."""
    query = sa.select(*_invites.c).where(
        _invites.c.token_digest == digest_of_token(token), _invites.c.status == "pending"
    )
    row: sa.Row[Any] | None = (await work.session.execute(query.with_for_update() if lock else query)).one_or_none()
    if row is None:
        raise NotFound("invite")
    return row


async def _pending(work: UnitOfWork, invite_id: object) -> Invite:
    query = sa.select(Invite).where(_invites.c.id == parse_id(invite_id), _invites.c.status == "pending")
    invite = await work.session.scalar(query.with_for_update())
    if invite is None:
        raise NotFound("invite")
    return invite


async def _refuse_known(work: UnitOfWork, read: Reader, email: str) -> None:
    pending = sa.select(_invites.c.id).where(_invites.c.email == email, _invites.c.status == "pending")
    if await work.session.scalar(pending):
        read.add("invite", ALREADY_THERE)
    members = sa.select(_memberships.c.id).join(_users, _users.c.id == _memberships.c.user_id)
    found: UUID | None = await work.session.scalar(
        members.where(_users.c.email == email, _memberships.c.status == "active")
    )
    if found:
        read.add("email", "email_already_used")


async def _role_codes(work: UnitOfWork, read: Reader) -> list[str]:
    codes = list(dict.fromkeys(read.texts("roles") or []))
    known = await roles_by_code(work, codes)
    if not codes or len(known) < len(codes):
        read.add("roles", "invalid_role")
    return codes
