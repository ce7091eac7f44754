"""A forgotten password is set anew, by a link that is mailed. Source: handbook, platform 5."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from domain.identity.emails import cleaned_email
from domain.identity.login import EMAIL_PASSWORD, refuse_throttled, tried, usable_methods
from domain.identity.models import User
from domain.identity.security.sign_in import note_for_all_organizations, remember_device
from domain.identity.team.models import PasswordReset
from domain.identity.team.tokens import digest_of_token, new_token
from domain.kernel import clock
from domain.kernel.authors import Author
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.ids import new_id
from domain.kernel.jobs import JobRequest
from domain.kernel.rows import table
from domain.kernel.tenancy import Door
from domain.kernel.unit_of_work import UnitOfWork, door_work
from domain.kernel.validation import TOO_LONG, storable
from infrastructure.encryption import encrypt
from infrastructure.passwords import MAX_PASSWORD_LENGTH, hash_password

__all__ = ["MAIL_JOB", "TOKEN_PURPOSE", "create_password_reset", "password_reset_row", "reset_password"]

LIVES: Final = timedelta(minutes=30)
MAIL_JOB: Final = "identity.send_password_reset"
TOKEN_PURPOSE: Final = "password_resets.token"  # noqa: S105  what a ciphertext is bound to

_resets, _users = table(PasswordReset), table(User)


async def create_password_reset(email: str, author: Author) -> UUID:
    """Mails a link that is good for 30 minutes, once; an earlier one ends. The id of the reset.

    Counted like failed log-ins, by address of the caller and by account. Raises Throttled, NotFound("user").
    """
    assert author.origin is not None
    email = cleaned_email(email)
    await refuse_throttled(email, author.origin.address)
    await tried(email, author.origin.address)
    if not storable(email):
        raise NotFound("user")
    async with door_work(Door.LOGIN) as work:
        user_id = await work.session.scalar(sa.select(_users.c.id).where(_users.c.email == email))
        if user_id is None:
            raise NotFound("user")
        token, now = new_token(), clock.wall()
        fresh = {
            "id": new_id(), "token_digest": digest_of_token(token), "expires_at": now + LIVES, "created_at": now,
            "updated_at": now,
        }  # fmt: skip
        statement = postgresql.insert(_resets).values(user_id=user_id, **fresh)
        await work.session.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=fresh))
        sealed = encrypt(token, purpose=TOKEN_PURPOSE)
        work.enqueue(JobRequest(MAIL_JOB, {"reset_id": str(fresh["id"]), "to": email, "token": sealed}))
        await note_for_all_organizations(work, "user.password_reset_requested", replace(author, user_id=user_id))
    return UUID(str(fresh["id"]))


async def password_reset_row(token: str) -> sa.Row[Any]:
    """A reset whose time has not passed: id, user_id, expires_at. Raises NotFound."""
    async with door_work(Door.LOGIN) as work:
        return await _reset(work, token)


async def reset_password(token: str, new_password: str, author: Author) -> UUID:
    """Sets the password, ends the reset, and lets the user in: the id. One transaction.

    Raises ValidationFailed (`missing_password` on `new_password`, `missing_token` on `token`, or no organization lets
    the user in), NotFound("password_reset").
    """
    wrong: dict[str, list[str]] = {}
    if not new_password:
        wrong["new_password"] = ["missing_password"]
    elif len(new_password) > MAX_PASSWORD_LENGTH:
        wrong["new_password"] = [TOO_LONG]
    if not token:
        wrong["token"] = ["missing_token"]
    if wrong:
        raise ValidationFailed(wrong)
    await password_reset_row(token)
    password_hash = await hash_password(new_password)
    async with door_work(Door.LOGIN) as work:
        reset = await _reset(work, token, lock=True)
        author = replace(author, user_id=reset.user_id)
        values = {"password_hash": password_hash, "updated_at": clock.wall()}
        await work.session.execute(sa.update(_users).where(_users.c.id == reset.user_id).values(values))
        await work.session.execute(sa.delete(_resets).where(_resets.c.id == reset.id))
        methods = await usable_methods(work, reset.user_id)
        if not methods:
            raise ValidationFailed({"base": ["incorrect_login_or_password"]})
        if not any(EMAIL_PASSWORD in allowed for allowed in methods):
            raise ValidationFailed({EMAIL_PASSWORD: ["login_method_not_authorized"]})
        await note_for_all_organizations(work, "user.password_edited", author)
        await remember_device(work, author)
    return UUID(str(reset.user_id))


async def _reset(work: UnitOfWork, token: str, *, lock: bool = False) -> sa.Row[Any]:
    query = sa.select(*_resets.c).where(
        _resets.c.token_digest == digest_of_token(token), _resets.c.expires_at > clock.wall()
    )
    row: sa.Row[Any] | None = (await work.session.execute(query.with_for_update() if lock else query)).one_or_none()
    if row is None:
        raise NotFound("password_reset")
    return row
