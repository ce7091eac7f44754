"""How often customers were reminded to pay, as it stands on them. What it means is the rule of `domain/payments`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.customers.models import Customer
from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from infrastructure import exact_json

__all__ = [
    "apply_campaign",
    "forget_reminders",
    "lock_customers",
    "lock_reminders",
    "note_reminders",
    "take_campaign_away",
]

_customers = table(Customer)
_NONE: Final[dict[str, Any]] = {"dunning_currency_attempts": {}, "last_dunning_campaign_attempt_at": None}

_WRITE: Final = sa.text(
    """
    UPDATE customers SET dunning_currency_attempts = row.attempts, last_dunning_campaign_attempt_at = row.last_at,
                         updated_at = :now
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(id uuid, attempts jsonb, last_at timestamptz)
    WHERE customers.id = row.id
    """
)


async def lock_reminders(work: UnitOfWork, customer_ids: Collection[UUID]) -> dict[UUID, sa.Row[Any]]:
    """The rows of these kept customers, locked in the order of their ids; one statement."""
    c = _customers.c
    query = sa.select(*c).where(c.id.in_(customer_ids), c.deleted_at.is_(None)).order_by(c.id).with_for_update()
    return {row.id: row for row in await work.session.execute(query)}


async def lock_customers(work: UnitOfWork, customer_ids: Collection[UUID]) -> None:
    """Locks these customers, deleted ones as well, in the order of their ids; one statement."""
    c = _customers.c
    await work.session.execute(sa.select(c.id).where(c.id.in_(customer_ids)).order_by(c.id).with_for_update())


async def note_reminders(work: UnitOfWork, reminders: Mapping[UUID, tuple[Mapping[str, int], datetime | None]]) -> None:
    """Attempts by currency and the last instant, by customer; one statement."""
    if reminders:
        rows = [
            {"id": each, "attempts": dict(attempts), "last_at": last_at}
            for each, (attempts, last_at) in reminders.items()
        ]
        await work.session.execute(_WRITE, {"rows": exact_json.dump_text(rows), "now": clock.now()})


async def forget_reminders(
    work: UnitOfWork, *, customer_ids: Collection[UUID] = (), billing_entity_ids: Collection[UUID] = ()
) -> None:
    """The count begins anew: for these customers, and for those of these billing entities that have no campaign of
    their own. One statement."""
    c = _customers.c
    concerned = sa.or_(
        c.id.in_(customer_ids),
        sa.and_(c.billing_entity_id.in_(billing_entity_ids), c.applied_dunning_campaign_id.is_(None)),
    )
    await work.session.execute(
        sa.update(_customers)
        .where(concerned, c.dunning_currency_attempts != {})
        .values(**_NONE, updated_at=clock.now())
    )


async def apply_campaign(work: UnitOfWork, customer_id: UUID, campaign_id: UUID | None) -> None:
    """Gives the customer a campaign of its own, or its billing entity's again; a change begins the count anew."""
    c = _customers.c
    await work.session.execute(
        sa.update(_customers)
        .where(c.id == customer_id, c.applied_dunning_campaign_id.is_distinct_from(campaign_id))
        .values(applied_dunning_campaign_id=campaign_id, **_NONE, updated_at=clock.now())
    )


async def take_campaign_away(work: UnitOfWork, campaign_id: UUID) -> None:
    """No customer has this campaign of its own any more; their counts begin anew."""
    await work.session.execute(
        sa.update(_customers)
        .where(_customers.c.applied_dunning_campaign_id == campaign_id)
        .values(applied_dunning_campaign_id=None, **_NONE, updated_at=clock.now())
    )
