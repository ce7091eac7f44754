"""Sandboxes: organizations whose clock stands still until it is moved.

A sandbox is made by a user for a user; from then on it is an organization like any other. Moving its clock:
`sandbox_clock.py`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select

from domain.identity.models import Membership, Organization
from domain.identity.organizations import LONGEST_NAME, Founded, found_organization
from domain.kernel.errors import NotFound
from domain.kernel.ids import parse_id
from domain.kernel.rows import table
from domain.kernel.tenancy import Door, Tenant
from domain.kernel.unit_of_work import UnitOfWork, door_work
from domain.kernel.validation import Params, Reader

__all__ = ["EARLIEST", "LATEST", "create_sandbox", "readable_instant", "sandbox_of"]

# Periods, due dates and time zones are computed on both sides of the clock; far from here all of them are sound.
EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)

_organization, _membership = table(Organization), table(Membership)


async def create_sandbox(work: UnitOfWork, user_id: UUID, params: Params) -> Founded:
    """A sandbox named `name` whose clock stands at `frozen_at`; the user becomes its admin. Through the sandbox door.

    Documents are numbered per customer, the documented default.
    """
    read = Reader(params)
    name = read.text("name", mandatory=True, longest=LONGEST_NAME)
    frozen_at = readable_instant(read, "frozen_at")
    read.finish()
    assert name is not None
    assert frozen_at is not None
    return await found_organization(work, user_id, name, document_numbering="per_customer", frozen_at=frozen_at)


def readable_instant(read: Reader, name: str) -> datetime | None:
    """An instant that a clock can stand at."""
    instant = read.instant(name, mandatory=True)
    if instant is not None and not EARLIEST <= instant <= LATEST:
        read.add(name, "value_is_out_of_range")
    return instant


async def sandbox_of(user_id: UUID, organization_id: object) -> Tenant:
    """The sandbox, if the user is an active member of it. Raises NotFound alike for an unknown organization, a foreign
    one, and one that is no sandbox."""
    statement = (
        select(_organization.c.id, _organization.c.frozen_at)
        .join(_membership, _membership.c.organization_id == _organization.c.id)
        .where(
            _organization.c.id == parse_id(organization_id),
            _organization.c.sandbox,
            _membership.c.user_id == user_id,
            _membership.c.status == "active",
        )
    )
    async with door_work(Door.SANDBOX) as work:
        row = (await work.session.execute(statement)).one_or_none()
    if row is None:
        raise NotFound("organization")
    return Tenant(row.id, row.frozen_at)
