"""What happens after events were stored. Source: handbook, metering 5 and 11.1.

Every flush of ingestion writes a job; the first that runs takes the others of the organization that wait along with it,
so that a thousand flushes a second are a few runs a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.kernel.jobs import Job, JobRequest
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering import usage_cache
from domain.subscriptions.mark_received import mark_event_received

__all__ = ["PAY_IN_ADVANCE", "POST_PROCESS", "post_process"]

POST_PROCESS: Final = "metering.post_process"
PAY_IN_ADVANCE: Final = "billing.pay_in_advance"
MOST_JOBS: Final = 500
EVENTS_PER_JOB: Final = 500

_jobs = table(Job)


# Which of the codes are on a charge paid in advance at all: for most events the work ends here.
_CODES: Final = sa.text(
    """
    SELECT DISTINCT m.code FROM billable_metrics AS m
    JOIN charges AS c ON c.billable_metric_id = m.id AND c.pay_in_advance AND c.deleted_at IS NULL
    WHERE m.organization_id = :organization_id AND m.code = ANY(:codes) AND m.deleted_at IS NULL
    """
)
_BILLED: Final = sa.text(
    """
    SELECT e.id FROM events AS e
    WHERE e.organization_id = :organization_id AND e.code = ANY(:codes) AND e.deleted_at IS NULL
      AND e.external_subscription_id = ANY(:subscriptions)
      AND e.id IN (
          SELECT found.id FROM unnest(CAST(:first AS uuid[]), CAST(:last AS uuid[])) AS range(first, last)
          CROSS JOIN LATERAL (
              SELECT x.id FROM events AS x WHERE x.id >= range.first AND x.id <= range.last
              AND x.organization_id = :organization_id) AS found)
      AND EXISTS (
          SELECT FROM subscriptions AS s
          JOIN charges AS c ON c.plan_id = s.plan_id AND c.pay_in_advance AND c.deleted_at IS NULL
          JOIN billable_metrics AS m ON m.id = c.billable_metric_id AND m.code = e.code AND m.deleted_at IS NULL
          WHERE s.organization_id = e.organization_id AND s.external_id = e.external_subscription_id
            AND date_trunc('milliseconds', s.started_at) <= e.timestamp
            AND (s.terminated_at IS NULL OR date_trunc('milliseconds', s.terminated_at) >= e.timestamp))
    ORDER BY e.timestamp, e.created_at, e.sequence
    """
)


async def post_process(
    work: UnitOfWork, subscriptions: Sequence[str], codes: Sequence[str], ids: Sequence[str] = ()
) -> None:
    """Forgets cached usage of the subscriptions (external ids), notes the day on which usage came in, and asks for the
    billing of events that are paid in advance.

    codes: of the events; ids: the least and the greatest of theirs. Run twice it leaves the same behind: who bills an
    event makes no second fee of it. The cache was dropped before the events were acknowledged; this is for a server
    that was killed in between.
    """
    touched, used, ranges = set(subscriptions), set(codes), {tuple(ids)} if ids else set()
    for arguments in await _taken_along(work):
        touched.update(arguments["subscriptions"])
        used.update(arguments["codes"])
        if arguments.get("ids"):
            ranges.add(tuple(arguments["ids"]))
    if not touched:
        return
    await usage_cache.drop((work.organization_id, external_id) for external_id in touched)
    await mark_event_received(work, sorted(touched))
    billed = [str(event_id) for event_id in await _in_advance(work, touched, used, sorted(ranges))]
    for start in range(0, len(billed), EVENTS_PER_JOB):
        work.enqueue(JobRequest(PAY_IN_ADVANCE, {"event_ids": billed[start : start + EVENTS_PER_JOB]}))


async def _in_advance(
    work: UnitOfWork, subscriptions: set[str], codes: set[str], ranges: Sequence[tuple[str, ...]]
) -> Sequence[UUID]:
    """The events in these ranges of ids whose subscription, at the event's time, has a charge paid in advance."""
    if not ranges:
        return ()
    tenant = {"organization_id": work.organization_id}
    billed = (await work.session.execute(_CODES, {**tenant, "codes": sorted(codes)})).scalars().all()
    if not billed:
        return ()
    found = await work.session.execute(
        _BILLED,
        {
            **tenant,
            "codes": list(billed),
            "subscriptions": sorted(subscriptions),
            "first": [first for first, _ in ranges],
            "last": [last for _, last in ranges],
        },
    )
    return found.scalars().all()


async def _taken_along(work: UnitOfWork) -> Sequence[dict[str, Any]]:
    """Removes the like jobs of this organization that nobody works on, and answers their arguments.

    A job that is locked belongs to the run that locked it, this one's own among them.
    """
    waiting = (
        sa.select(_jobs.c.id)
        .where(
            _jobs.c.organization_id == work.organization_id, _jobs.c.actor == POST_PROCESS, _jobs.c.status == "pending"
        )
        .limit(MOST_JOBS)
        .with_for_update(skip_locked=True)
    )
    taken = sa.delete(_jobs).where(_jobs.c.id.in_(waiting)).returning(_jobs.c.arguments)
    return list((await work.session.execute(taken)).scalars())
