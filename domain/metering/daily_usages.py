"""What every subscription has used at the end of each local day. Source: handbook, metering 17 and jobs 3.2.

The run after a local midnight measures usage as of the last instant of the day before. On a billing day that is the
whole period that has ended, so no invoice has to be waited for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from domain.kernel import clock
from domain.kernel.ids import new_id
from domain.kernel.jobs import JobRequest
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.current_usage import CurrentUsage, UsageOptions, usages_of
from domain.metering.usage_difference import added_usage, without_nothing
from domain.metering.usage_payloads import customer_usage_payload
from domain.subscriptions.instants import local_date, start_of_day
from infrastructure import exact_json

__all__ = ["COMPUTE", "hand_out_days", "keep_days"]

COMPUTE: Final = "metering.compute_daily_usage"
CHUNK: Final = 200
HOURS: Final = 3

# `always`: what is shown changes from day to day; else only where a period began on the day, and carries units on.
_DUE: Final = sa.text(
    """
    SELECT s.id, s.last_received_event_on >= today.day - 1 OR charged.moves AS always
    FROM subscriptions s
    JOIN customers c ON c.id = s.customer_id
    JOIN billing_entities e ON e.id = c.billing_entity_id
    CROSS JOIN LATERAL (
        SELECT CAST(:now AS timestamptz) AT TIME ZONE coalesce(c.timezone, e.timezone, 'UTC') AS at
    ) here
    CROSS JOIN LATERAL (SELECT here.at::date AS day) today
    CROSS JOIN LATERAL (
        SELECT coalesce(bool_or(ch.prorated OR m.aggregation_type = 'weighted_sum_agg'), false) AS moves,
               coalesce(bool_or(m.recurring), false) AS carries
        FROM charges ch JOIN billable_metrics m ON m.id = ch.billable_metric_id
        WHERE ch.plan_id = s.plan_id AND ch.deleted_at IS NULL
    ) charged
    WHERE s.status = 'active' AND extract(hour FROM here.at) < :hours
      AND (s.started_at AT TIME ZONE coalesce(c.timezone, e.timezone, 'UTC'))::date < today.day
      AND (s.last_received_event_on >= today.day - 1 OR charged.moves OR charged.carries)
      AND NOT EXISTS (
          SELECT FROM daily_usages d WHERE d.subscription_id = s.id AND d.usage_date = today.day - 1)
    ORDER BY s.id
    """
)
_ZONES: Final = sa.text(
    """
    SELECT s.id, s.customer_id, s.external_id, coalesce(c.timezone, e.timezone, 'UTC') AS zone
    FROM subscriptions s JOIN customers c ON c.id = s.customer_id JOIN billing_entities e ON e.id = c.billing_entity_id
    WHERE s.id = ANY(:ids) AND s.status = 'active'
    """
)
_EARLIER: Final = sa.text(
    """
    SELECT DISTINCT ON (d.subscription_id) d.subscription_id, d.usage
    FROM json_to_recordset(CAST(:rows AS json)) AS row(id uuid, since timestamptz, day date)
    JOIN daily_usages d ON d.subscription_id = row.id AND d.from_datetime = row.since AND d.usage_date < row.day
    ORDER BY d.subscription_id, d.usage_date DESC
    """
)
_KEEP: Final = sa.text(
    """
    INSERT INTO daily_usages (id, organization_id, customer_id, subscription_id, external_subscription_id, usage_date,
                              from_datetime, to_datetime, usage, usage_diff, created_at, updated_at)
    SELECT row.id, CAST(:organization_id AS uuid), row.customer_id, row.subscription_id, row.external_id, row.day,
           row.since, row.until, row.usage, row.added, CAST(:now AS timestamptz), CAST(:now AS timestamptz)
    FROM json_to_recordset(CAST(:rows AS json)) AS row(
        id uuid, customer_id uuid, subscription_id uuid, external_id text, day date, since timestamptz,
        until timestamptz, usage jsonb, added jsonb)
    ON CONFLICT (subscription_id, usage_date) DO NOTHING
    """
)


async def hand_out_days(work: UnitOfWork) -> int:
    """Hands the subscriptions whose day has ended to jobs "metering.compute_daily_usage" {"subscription_ids",
    "only_first_days"}; how many. One statement."""
    now = clock.now()
    by_kind: dict[bool, list[UUID]] = {True: [], False: []}
    for row in await work.session.execute(_DUE, {"now": now, "hours": HOURS}):
        by_kind[bool(row.always)].append(row.id)
    for always, ids in by_kind.items():
        for start in range(0, len(ids), CHUNK):
            part = ids[start : start + CHUNK]
            arguments = {"subscription_ids": part, "only_first_days": not always}
            work.enqueue(JobRequest(COMPUTE, arguments, unique_key=f"{now:%Y-%m-%dT%H}:{part[0]}:{len(part)}"))
    return sum(map(len, by_kind.values()))


async def keep_days(work: UnitOfWork, subscription_ids: Sequence[UUID], *, only_first_days: bool = False) -> int:
    """Measures and keeps the usage of the local day that ended last, of those that have used anything; how many.

    only_first_days: only where a period began on that day. A fixed number of statements for each time zone. A day that
    is kept already stays as it is.
    """
    zones: dict[str, list[Any]] = defaultdict(list)
    for row in await work.session.execute(_ZONES, {"ids": sorted(subscription_ids)}):
        zones[row.zone].append(row)
    kept = 0
    for name, rows in zones.items():
        zone = ZoneInfo(name)
        today = local_date(clock.now(), zone)
        with clock.at(start_of_day(today, zone) - timedelta(microseconds=1)):
            usages = await usages_of(
                work, [row.id for row in rows], apply_taxes=False, options=UsageOptions(fresh=True)
            )
        day = today - timedelta(days=1)
        some = [
            (row, usage)
            for row, usage in zip(rows, usages, strict=True)
            if not only_first_days or local_date(usage.from_datetime, zone) == day
        ]
        kept += await _keep(work, some, day)
    return kept


async def _keep(work: UnitOfWork, usages: Sequence[tuple[Any, CurrentUsage]], day: date) -> int:
    documents = [(row, usage, without_nothing(customer_usage_payload(usage))) for row, usage in usages]
    used = [each for each in documents if each[2]["charges_usage"]]
    if not used:
        return 0
    asked = [{"id": row.id, "since": usage.from_datetime, "day": day} for row, usage, _ in used]
    found = await work.session.execute(_EARLIER, {"rows": exact_json.dump_text(asked)})
    earlier = {row.subscription_id: row.usage for row in found}
    rows = [
        {
            "id": new_id(),
            "customer_id": row.customer_id,
            "subscription_id": row.id,
            "external_id": row.external_id,
            "day": day,
            "since": usage.from_datetime,
            "until": usage.to_datetime,
            "usage": document,
            "added": added_usage(document, earlier.get(row.id)),
        }
        for row, usage, document in used
    ]
    values = {"organization_id": work.organization_id, "now": clock.now(), "rows": exact_json.dump_text(rows)}
    await work.session.execute(_KEEP, values)
    return len(rows)
