"""Noting the day on which usage last came in."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from domain.customers.models import Customer
from domain.identity.models import BillingEntity
from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.subscriptions.instants import local_date
from domain.subscriptions.models import Subscription
from infrastructure import exact_json

__all__ = ["mark_event_received"]

_s, _c, _e = table(Subscription).c, table(Customer).c, table(BillingEntity).c

_MARK = sa.text(
    """
    UPDATE subscriptions AS s SET last_received_event_on = r.day
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(id uuid, day date)
    WHERE s.organization_id = CAST(:organization_id AS uuid) AND s.id = r.id
      AND s.last_received_event_on IS DISTINCT FROM r.day
    """
)


_ACTIVE = (
    sa.select(_s.id, _s.customer_id, _s.last_received_event_on)
    .where(
        _s.organization_id == sa.bindparam("organization_id"),
        _s.external_id == sa.any_(sa.bindparam("external_ids", type_=sa.ARRAY(sa.Text))),
        _s.status == "active",
    )
    # In one order everywhere, so that two jobs of the same subscriptions wait for each other.
    .order_by(_s.id)
)
# Not joined to the subscriptions: without statistics, on a young server, PostgreSQL would read all customers of the
# organization once for each subscription.
_TIMEZONES = (
    sa.select(_c.id, sa.func.coalesce(_c.timezone, _e.timezone, "UTC").label("timezone"))
    .join(table(BillingEntity), _e.id == _c.billing_entity_id)
    .where(_c.id == sa.any_(sa.bindparam("customer_ids", type_=sa.ARRAY(sa.Uuid))))
)


async def mark_event_received(work: UnitOfWork, external_ids: Sequence[str]) -> None:
    """Sets `last_received_event_on` of the active subscriptions of these external ids to today's local date.

    Three statements at most for any number; rows that carry the day already are not written.
    """
    values = {"organization_id": work.organization_id, "external_ids": list(external_ids)}
    rows = (await work.session.execute(_ACTIVE, values)).all()
    if not rows:
        return
    found = await work.session.execute(_TIMEZONES, {"customer_ids": sorted({row.customer_id for row in rows})})
    timezones = {row.id: row.timezone for row in found}
    now = clock.now()
    days = {timezone: local_date(now, ZoneInfo(timezone)) for timezone in set(timezones.values())}
    changed = [
        {"id": row.id, "day": day}
        for row in rows
        if (day := days[timezones[row.customer_id]]) != row.last_received_event_on
    ]
    if changed:
        await work.session.execute(
            _MARK, {"rows": exact_json.dump_text(changed), "organization_id": str(work.organization_id)}
        )
