"""What happens after events were stored. Source: handbook, metering 5.

Every flush of ingestion writes a job; the first that runs takes the others of the organization that wait along with it,
so that a thousand flushes a second are a few runs a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from domain.kernel.jobs import Job
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering import usage_cache
from domain.subscriptions.mark_received import mark_event_received

__all__ = ["POST_PROCESS", "post_process"]

POST_PROCESS: Final = "metering.post_process"
MOST_JOBS: Final = 500

_jobs = table(Job)


async def post_process(work: UnitOfWork, subscriptions: Sequence[str], codes: Sequence[str]) -> None:
    """Forgets cached usage of the subscriptions (external ids) and notes the day on which usage came in.

    `codes`: the codes of the events, for what will depend on the metric. Run twice it leaves the same behind. The
    cache was dropped before the events were acknowledged; this is for a server that was killed in between.
    """
    touched = set(subscriptions)
    for arguments in await _taken_along(work):
        touched.update(arguments["subscriptions"])
    if not touched:
        return
    await usage_cache.drop((work.organization_id, external_id) for external_id in touched)
    await mark_event_received(work, sorted(touched))


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
