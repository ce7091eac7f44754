"""The units of fixed charges that one subscription has instead of its plan's (pricing handbook, section 1.6)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel import clock
from domain.kernel.ids import new_id
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.subscriptions.models import FixedChargeEvent, FixedChargeUnitsOverride, Subscription

__all__ = ["copy_unit_events", "drop_own_units", "own_units", "own_units_of", "plan_ids_of", "set_own_units"]

_own, _events, _rows = table(FixedChargeUnitsOverride), table(FixedChargeEvent), table(Subscription)


async def own_units(work: UnitOfWork, subscription_id: UUID) -> dict[UUID, Decimal]:
    """The units that the subscription has of its own, by fixed charge."""
    return (await own_units_of(work.session, [subscription_id])).get(subscription_id, {})


async def own_units_of(session: AsyncSession, subscription_ids: Collection[UUID]) -> dict[UUID, dict[UUID, Decimal]]:
    """The same for many subscriptions."""
    found: dict[UUID, dict[UUID, Decimal]] = {}
    rows = await session.execute(
        sa.select(_own.c.subscription_id, _own.c.fixed_charge_id, _own.c.units).where(
            _own.c.subscription_id.in_(subscription_ids)
        )
    )
    for row in rows:
        found.setdefault(row.subscription_id, {})[row.fixed_charge_id] = row.units
    return found


async def plan_ids_of(session: AsyncSession, subscription_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The plan of each subscription."""
    rows = await session.execute(sa.select(_rows.c.id, _rows.c.plan_id).where(_rows.c.id.in_(subscription_ids)))
    return {row.id: row.plan_id for row in rows}


async def set_own_units(work: UnitOfWork, subscription_id: UUID, units: Mapping[UUID, Decimal]) -> None:
    """Writes units by fixed charge; others stay."""
    if not units:
        return
    now = clock.now()
    rows = [
        {
            "id": new_id(),
            "organization_id": work.organization_id,
            "subscription_id": subscription_id,
            "fixed_charge_id": fixed_charge_id,
            "units": count,
            "created_at": now,
            "updated_at": now,
        }
        for fixed_charge_id, count in units.items()
    ]
    statement = insert(_own).values(rows)
    await work.session.execute(
        statement.on_conflict_do_update(
            index_elements=["subscription_id", "fixed_charge_id"],
            set_={"units": statement.excluded.units, "updated_at": now},
        )
    )


async def drop_own_units(work: UnitOfWork, subscription_id: UUID) -> None:
    """Takes them all away: they have moved into an override of the plan."""
    await work.session.execute(sa.delete(_own).where(_own.c.subscription_id == subscription_id))


async def copy_unit_events(work: UnitOfWork, subscription_id: UUID, copies: Mapping[UUID, UUID]) -> None:
    """What a subscription had of its fixed charges it has of their copies, from the same instants on. copies: the
    copy by what it was made from."""
    rows = await work.session.execute(
        sa.select(*_events.c)
        .where(_events.c.subscription_id == subscription_id, _events.c.fixed_charge_id.in_(copies))
        .order_by(_events.c.created_at, _events.c.id)
    )
    moved = [{**row._mapping, "id": new_id(), "fixed_charge_id": copies[row.fixed_charge_id]} for row in rows]
    if moved:
        await work.session.execute(insert(_events), moved)
