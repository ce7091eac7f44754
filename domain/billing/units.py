"""When a subscription gets other units of a fixed charge. Source: handbook, pricing 10.2.

Every subscription has its own record of units: one row when it starts, one whenever they change. A fee reads nothing
else, so that a plan edited today leaves what was true yesterday alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.billing.events import BillingDue
from domain.kernel import clock
from domain.kernel.ids import new_id
from domain.kernel.unit_of_work import UnitOfWork
from domain.subscriptions.calendar import ONE_DAY, period_of
from domain.subscriptions.facts import terms_of
from domain.subscriptions.instants import local_date, start_of_day
from domain.subscriptions.queries import rows_by_ids
from infrastructure import exact_json

__all__ = ["FIRST_UNITS_AFTER", "change_units", "pays_units_in_advance", "record_first_units", "set_units"]

FIRST_UNITS_AFTER: Final = timedelta(seconds=1)
"""A subscription's first units are dated so long after its start."""

_FIRST: Final = sa.text(
    """
    SELECT s.id AS subscription_id, f.id AS fixed_charge_id, coalesce(o.units, f.units) AS units,
           s.started_at AS at, f.pay_in_advance
    FROM subscriptions s
    JOIN fixed_charges f ON f.plan_id = s.plan_id AND f.deleted_at IS NULL
    LEFT JOIN fixed_charge_units_overrides o ON o.subscription_id = s.id AND o.fixed_charge_id = f.id
    WHERE s.id = ANY(:ids)
    ORDER BY s.id, f.position, f.id
    """
)
# Subscriptions with units of their own do not follow the plan.
_FOLLOWERS: Final = sa.text(
    """
    SELECT s.id AS subscription_id, f.id AS fixed_charge_id, f.units, f.pay_in_advance, s.status
    FROM fixed_charges f JOIN subscriptions s ON s.plan_id = f.plan_id
    WHERE f.id = ANY(:ids) AND f.deleted_at IS NULL AND s.status IN ('active', 'incomplete')
      AND NOT EXISTS (SELECT FROM fixed_charge_units_overrides o
                      WHERE o.subscription_id = s.id AND o.fixed_charge_id = f.id)
    ORDER BY s.id, f.position, f.id
    """
)
_OWN: Final = sa.text(
    """
    SELECT s.id AS subscription_id, f.id AS fixed_charge_id, coalesce(o.units, f.units) AS units, f.pay_in_advance,
           s.status
    FROM subscriptions s
    JOIN fixed_charges f ON f.plan_id = s.plan_id AND f.deleted_at IS NULL
    LEFT JOIN fixed_charge_units_overrides o ON o.subscription_id = s.id AND o.fixed_charge_id = f.id
    WHERE s.id = :id AND f.id = ANY(:ids) AND s.status IN ('active', 'incomplete')
    ORDER BY f.position, f.id
    """
)
_IN_ADVANCE: Final = sa.text(
    "SELECT EXISTS (SELECT FROM fixed_charges WHERE plan_id = :plan_id AND deleted_at IS NULL AND pay_in_advance)"
)
_INSERT: Final = sa.text(
    """
    INSERT INTO fixed_charge_events (id, organization_id, subscription_id, fixed_charge_id, units, timestamp,
                                     created_at, updated_at)
    SELECT row.id, CAST(:organization_id AS uuid), row.subscription_id, row.fixed_charge_id, row.units, row.at,
           CAST(:now AS timestamptz), CAST(:now AS timestamptz)
    FROM json_to_recordset(CAST(:rows AS json))
         AS row(id uuid, subscription_id uuid, fixed_charge_id uuid, units numeric, at timestamptz)
    """
)


async def record_first_units(work: UnitOfWork, subscription_ids: Sequence[UUID]) -> set[UUID]:
    """The units of subscriptions that just started, a second after their start; those that have fixed charges to be
    paid in advance. Two statements."""
    if not subscription_ids:
        return set()
    await work.session.flush()
    rows = (await work.session.execute(_FIRST, {"ids": list(subscription_ids)})).all()
    await _insert(
        work, ((row.subscription_id, row.fixed_charge_id, row.units, row.at + FIRST_UNITS_AFTER) for row in rows)
    )
    return {row.subscription_id for row in rows if row.pay_in_advance}


async def pays_units_in_advance(work: UnitOfWork, plan_id: UUID) -> bool:
    """Whether a plan has fixed charges to be paid in advance."""
    return bool(await work.session.scalar(_IN_ADVANCE, {"plan_id": plan_id}))


async def change_units(work: UnitOfWork, fixed_charge_ids: Sequence[UUID], *, at_once: bool) -> None:
    """The subscriptions of these fixed charges' plans get the units that stand there now.

    at_once: from now on, and what is paid in advance is billed in a job of its own; else from the first second of the
    next fixed-charge period. A subscription that is not active yet always gets the next period.
    """
    await _record(work, (await work.session.execute(_FOLLOWERS, {"ids": list(fixed_charge_ids)})).all(), at_once)


async def set_units(
    work: UnitOfWork, subscription_id: UUID, fixed_charge_ids: Sequence[UUID], *, at_once: bool
) -> None:
    """One subscription gets the units that its overrides, else its plan's fixed charges, say; see change_units."""
    await work.session.flush()
    found = await work.session.execute(_OWN, {"id": subscription_id, "ids": list(fixed_charge_ids)})
    await _record(work, found.all(), at_once)


async def _record(work: UnitOfWork, changes: Sequence[sa.Row[Any]], at_once: bool) -> None:
    if not changes:
        return
    now = clock.now()
    later = [each.subscription_id for each in changes if not at_once or each.status == "incomplete"]
    next_period = {row.id: _next_period(row, now) for row in await rows_by_ids(work.session, sorted(set(later)))}
    await _insert(
        work,
        (
            (each.subscription_id, each.fixed_charge_id, each.units, next_period.get(each.subscription_id, now))
            for each in changes
        ),
    )
    billed = (each.subscription_id for each in changes if each.pay_in_advance)
    for subscription_id in dict.fromkeys(each for each in billed if each not in next_period):
        work.record(BillingDue((subscription_id,), now, "in_advance_charge"))


def _next_period(row: sa.Row[Any], now: datetime) -> datetime:
    terms = terms_of(row)
    end = period_of(terms.fixed_charges_schedule, local_date(max(now, terms.started_at), terms.zone)).end
    return start_of_day(end + ONE_DAY, terms.zone)


async def _insert(work: UnitOfWork, units: Iterable[tuple[UUID, UUID, Decimal, datetime]]) -> None:
    rows = [
        {"id": new_id(), "subscription_id": subscription, "fixed_charge_id": fixed_charge, "units": count, "at": at}
        for subscription, fixed_charge, count, at in units
    ]
    if rows:
        await work.session.execute(
            _INSERT,
            {"rows": exact_json.dump_text(rows), "organization_id": work.organization_id, "now": clock.now()},
        )
