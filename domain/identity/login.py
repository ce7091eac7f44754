"""Log-in with e-mail and password. Source: handbook, platform 5.

Every failure says the same and takes the same time, so that nobody learns which accounts exist. Failures are counted
per account and per address.
"""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from sqlalchemy import select, update

from domain.identity.emails import cleaned_email
from domain.identity.models import Membership, Organization, User
from domain.identity.security.sign_in import remember_device
from domain.kernel.authors import Author
from domain.kernel.errors import Throttled, ValidationFailed
from domain.kernel.rows import table
from domain.kernel.tenancy import Door
from domain.kernel.unit_of_work import UnitOfWork, door_work
from domain.kernel.validation import storable
from infrastructure import throttle
from infrastructure.passwords import hash_password, needs_rehash, verify_password

__all__ = ["EMAIL_PASSWORD", "log_in", "refuse_throttled", "tried", "usable_methods"]

EMAIL_PASSWORD = "email_password"  # noqa: S105  the name of a login method

_user, _membership, _organization = table(User), table(Membership), table(Organization)


async def log_in(email: str, password: str, author: Author) -> UUID:
    """The id of the user who may log in. `author` carries where the call comes from.

    Raises Throttled after too many failures, ValidationFailed `incorrect_login_or_password` on `base`, or
    `login_method_not_authorized` on `email_password` when none of the user's organizations allows passwords.
    """
    assert author.origin is not None
    email, address = cleaned_email(email), author.origin.address
    await refuse_throttled(email, address)
    row = None
    if storable(email):
        async with door_work(Door.LOGIN) as work:
            statement = select(_user.c.id, _user.c.password_hash).where(_user.c.email == email)
            row = (await work.session.execute(statement)).one_or_none()
    correct = await verify_password(row.password_hash if row else None, password)
    methods = await _methods(row.id) if row and correct else []
    if row is None or not methods:
        await tried(email, address)
        raise ValidationFailed({"base": ["incorrect_login_or_password"]})
    # Many guesses sent at one moment all pass the first look; the right one among them is stopped here.
    await refuse_throttled(email, address)
    if not any(EMAIL_PASSWORD in allowed for allowed in methods):
        raise ValidationFailed({EMAIL_PASSWORD: ["login_method_not_authorized"]})
    await throttle.reset("account", email)
    if needs_rehash(row.password_hash):
        await _store_hash(row.id, await hash_password(password))
    async with door_work(Door.LOGIN) as work:
        await remember_device(work, replace(author, user_id=row.id))
    return UUID(str(row.id))


async def tried(email: str, address: str) -> None:
    """Counts one attempt that did not let anybody in."""
    await throttle.failed("account", email)
    await throttle.failed("address", address)


async def refuse_throttled(email: str, address: str) -> None:
    """Raises Throttled after too many attempts."""
    try:
        await throttle.check("account", email)
        await throttle.check("address", address)
    except throttle.Throttled as refusal:
        raise Throttled(refusal.retry_after) from None


async def _methods(user_id: UUID) -> list[list[str]]:
    async with door_work(Door.LOGIN) as work:
        return await usable_methods(work, user_id)


async def usable_methods(work: UnitOfWork, user_id: UUID) -> list[list[str]]:
    """The login methods that each organization with an active membership of the user allows, through the login door."""
    statement = (
        select(_organization.c.authentication_methods)
        .join(_membership, _membership.c.organization_id == _organization.c.id)
        .where(_membership.c.user_id == user_id, _membership.c.status == "active")
    )
    return list((await work.session.execute(statement)).scalars())


async def _store_hash(user_id: UUID, password_hash: str) -> None:
    async with door_work(Door.LOGIN) as work:
        await work.session.execute(update(_user).where(_user.c.id == user_id).values(password_hash=password_hash))
