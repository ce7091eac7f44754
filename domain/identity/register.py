"""Registration: a user with an organization of their own. Source: handbook, platform 5."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from domain.identity.emails import cleaned_email, email_problem
from domain.identity.models import User
from domain.identity.organizations import LONGEST_NAME, Founded, found_organization
from domain.identity.security.log import note_security_of
from domain.identity.security.sign_in import remember_device
from domain.kernel.authors import SYSTEM, Author
from domain.kernel.errors import NotAllowed, ValidationFailed
from domain.kernel.rows import table
from domain.kernel.tenancy import Door
from domain.kernel.unit_of_work import UnitOfWork, door_work
from domain.kernel.validation import MANDATORY, TOO_LONG, Params, Reader, storable
from infrastructure.passwords import MAX_PASSWORD_LENGTH, hash_password
from infrastructure.settings import settings

__all__ = ["Registered", "register"]

ALREADY_EXISTS = "user_already_exists"


@dataclass(frozen=True, slots=True)
class Registered:
    """A new user and what was founded for them."""

    user: User
    founded: Founded


async def register(params: Params, author: Author = SYSTEM) -> Registered:
    """Registers `email`, `password`, `organization_name` in one transaction, through the login door. `author` carries
    where the request came from.

    The password is hashed before, so that no connection is held meanwhile. Raises NotAllowed `signup_disabled`,
    ValidationFailed (`user_already_exists` on `email`).
    """
    if settings().disable_signup:
        raise NotAllowed("signup_disabled")
    read = Reader(params)
    email = cleaned_email(str(params.get("email") or ""))
    problem = email_problem(email) if storable(email) else "invalid_email_format"
    if problem:
        read.add("email", problem)
    password = str(params.get("password") or "")
    if not password:
        read.add("password", MANDATORY)
    elif len(password) > MAX_PASSWORD_LENGTH:
        read.add("password", TOO_LONG)
    name = read.text("organization_name", mandatory=True, longest=LONGEST_NAME)
    read.finish()
    assert name is not None

    users = table(User)
    async with door_work(Door.LOGIN) as work:
        if (await work.session.execute(select(users.c.id).where(users.c.email == email))).first():
            raise ValidationFailed({"email": [ALREADY_EXISTS]})
    password_hash = await hash_password(password)
    async with door_work(Door.LOGIN) as work:
        user = await _insert_user(work, User(email=email, password_hash=password_hash))
        author = replace(author, user_id=user.id)
        await remember_device(work, author, quietly=True)
        founded = await found_organization(work, user.id, name, document_numbering="per_billing_entity")
        told = {founded.organization.id: {"email": user.email}}
        await note_security_of(work, "user.signed_up", told, author)
    return Registered(user, founded)


async def _insert_user(work: UnitOfWork, user: User) -> User:
    try:
        async with work.session.begin_nested():
            work.session.add(user)
            await work.session.flush()
    except IntegrityError:
        raise ValidationFailed({"email": [ALREADY_EXISTS]}) from None
    return user
