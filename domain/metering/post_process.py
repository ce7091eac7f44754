"""What happens after events were stored. Source: handbook, metering 5 and 11.1.

Every flush of ingestion writes a job; the first that runs takes the others of the organization that wait along with it,
so that a thousand flushes a second are a few runs a second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from domain.kernel.jobs import Job, JobRequest
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering import usage_cache
from domain.metering.activities import note_use
from domain.metering.rollups import FOLD
from domain.subscriptions.mark_received import mark_event_received

__all__ = ["PAY_IN_ADVANCE", "POST_PROCESS", "post_process"]

POST_PROCESS: Final = "metering.post_process"
PAY_IN_ADVANCE: Final = "billing.pay_in_advance"
MOST_JOBS: Final = 500
EVENTS_PER_JOB: Final = 500

_jobs = table(Job)

# One run of an organization at a time asks for billing: what it asks for holds all events stored before those that a
# later run asks for.
_ONE_BY_ONE: Final = sa.text(
    "SELECT pg_advisory_xact_lock(hashtextextended('metering.post_process:' || :organization, 0))"
)
_WAITING: Final = sa.text(
    f"""
    SELECT arguments FROM jobs
    WHERE organization_id = :organization_id AND actor = '{POST_PROCESS}' AND status = 'pending'
    """  # noqa: S608
)
# Which of the codes are on a charge paid in advance at all: for most events the work ends here.
_CODES: Final = sa.text(
    """
    SELECT DISTINCT m.code FROM billable_metrics AS m
    JOIN charges AS c ON c.billable_metric_id = m.id AND c.pay_in_advance AND c.deleted_at IS NULL
    WHERE m.organization_id = :organization_id AND m.code = ANY(:codes) AND m.deleted_at IS NULL
    """
)
_DRAWN: Final = sa.text(
    """
    SELECT external_subscription_id, max(sequence) AS upto FROM events
    WHERE organization_id = :organization_id AND id = ANY(CAST(:ids AS uuid[]))
    GROUP BY external_subscription_id ORDER BY external_subscription_id
    """
)
_BILLED: Final = sa.text(
    """
    SELECT e.id, e.external_subscription_id FROM events AS e
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
            AND s.status IN ('active', 'terminated')
            AND date_trunc('milliseconds', s.started_at) <= e.timestamp
            AND (s.terminated_at IS NULL OR date_trunc('milliseconds', s.terminated_at) >= e.timestamp))
    ORDER BY e.timestamp, e.created_at, e.sequence
    """
)


async def post_process(
    work: UnitOfWork,
    subscriptions: Sequence[str],
    codes: Sequence[str],
    ids: Sequence[str] = (),
    drawn: Sequence[str] = (),
) -> list[str]:
    """Forgets cached usage of the subscriptions (external ids), notes the day on which usage came in and those that are
    watched, asks for the billing of events that are paid in advance and for the folding of subscriptions with many
    events. Answers the subscriptions, those of jobs taken along among them.

    codes: of the events; ids: the least and the greatest of theirs; drawn: ids of those after which to fold. Run twice
    it leaves the same behind: who bills an event makes no second fee of it. The cache was dropped before the events
    were acknowledged; this is for a server that was killed in between.
    """
    own = {"subscriptions": subscriptions, "codes": codes, "ids": ids, "drawn": drawn}
    taken = [own, *await _taken_along(work)]
    in_advance = bool(await _codes_in_advance(work, taken))
    if in_advance:
        await work.session.execute(_ONE_BY_ONE, {"organization": str(work.organization_id)})
        while more := await _taken_along(work):
            taken += more
    touched = {external_id for each in taken for external_id in each["subscriptions"]}
    if not touched:
        return []
    await usage_cache.drop((work.organization_id, external_id) for external_id in touched)
    await mark_event_received(work, sorted(touched))
    await note_use(work, touched)
    if in_advance:
        # An event that is earlier must not be billed later because its own run waits for this one.
        waiting = await work.session.execute(_WAITING, {"organization_id": work.organization_id})
        await _bill_in_advance(work, [*taken, *waiting.scalars()])
    await _fold(work, [event_id for each in taken for event_id in each.get("drawn") or ()])
    return sorted(touched)


async def _fold(work: UnitOfWork, drawn: Sequence[str]) -> None:
    """Asks for the folding of these events' subscriptions; of one for which a fold waits already only once."""
    if not drawn:
        return
    found = await work.session.execute(_DRAWN, {"organization_id": work.organization_id, "ids": list(drawn)})
    for row in found:
        arguments = {"subscription": row.external_subscription_id, "upto": row.upto}
        work.enqueue(JobRequest(FOLD, arguments, unique_key=row.external_subscription_id))


async def _bill_in_advance(work: UnitOfWork, stored: Sequence[Mapping[str, Any]]) -> None:
    """Asks for the billing of the events that these jobs speak of whose subscription, at the event's time, has a charge
    paid in advance; earlier events in earlier jobs."""
    ranges = sorted({tuple(each["ids"]) for each in stored if each.get("ids")})
    if not ranges:
        return
    found = await work.session.execute(
        _BILLED,
        {
            "organization_id": work.organization_id,
            "codes": await _codes_in_advance(work, stored),
            "subscriptions": sorted({external_id for each in stored for external_id in each["subscriptions"]}),
            "first": [first for first, _ in ranges],
            "last": [last for _, last in ranges],
        },
    )
    billed = found.all()
    for start in range(0, len(billed), EVENTS_PER_JOB):
        some = billed[start : start + EVENTS_PER_JOB]
        arguments = {
            "event_ids": [str(row.id) for row in some],
            "subscriptions": sorted({row.external_subscription_id for row in some}),
        }
        work.enqueue(JobRequest(PAY_IN_ADVANCE, arguments))


async def _codes_in_advance(work: UnitOfWork, stored: Sequence[Mapping[str, Any]]) -> list[str]:
    codes = sorted({code for each in stored for code in each["codes"]})
    found = await work.session.execute(_CODES, {"organization_id": work.organization_id, "codes": codes})
    return list(found.scalars())


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
