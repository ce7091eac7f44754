"""A tick of a scheduled job: which organizations get a job, once per tick however many clocks there are."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects.postgresql import insert

from domain.kernel import clock
from domain.kernel.clock_ticks import ClockTick
from domain.kernel.jobs import JobRequest
from domain.kernel.rows import table
from domain.kernel.tenancy import Door
from domain.kernel.unit_of_work import UnitOfWork, door_work
from infrastructure.telemetry import cron_monitor
from tasks.jobs import job
from tasks.schedule import SCHEDULED, Scheduled, tick_of

__all__ = ["RUN", "clock_run", "request_of", "tick"]

log = structlog.get_logger(__name__)

RUN = "clock.run"
KEPT = timedelta(days=7)

_LOCK = sa.text("SELECT pg_try_advisory_xact_lock(hashtextextended('tarn clock ' || :name, 0))")


def request_of(name: str) -> JobRequest:
    """The job of one organization; while it waits or runs a second one is not written."""
    return JobRequest(RUN, {"task": name}, unique_key=name)


async def tick(name: str, at: datetime) -> int:
    """Runs the tick that `at` belongs to; how many organizations got a job. 0 if another clock has run it."""
    scheduled = SCHEDULED.get(name)
    if scheduled is None:
        log.warning("a clock of another version sent an unknown tick", task=name)
        return 0
    crontab = _crontab(scheduled)
    with cron_monitor(scheduled.slug, crontab):
        async with door_work(Door.CLOCK) as work:
            if not await work.session.scalar(_LOCK, {"name": name}) or not await _first(work, scheduled, at):
                return 0
            organizations = await scheduled.organizations(work)
            for organization_id in organizations:
                work.enqueue(JobRequest(RUN, {"task": name}, name, organization_id=organization_id))
            return len(organizations)


def _crontab(scheduled: Scheduled) -> str:
    """What the error reporter is told to wait for: it knows no seconds."""
    if isinstance(scheduled.beat, str):
        return scheduled.beat
    minutes = scheduled.beat // 60
    return f"*/{minutes} * * * *" if 1 < minutes < 60 else "* * * * *"


async def _first(work: UnitOfWork, scheduled: Scheduled, at: datetime) -> bool:
    """Notes the tick; False when it stands there already. Old ones are removed on the way."""
    ticks = table(ClockTick)
    row = ClockTick(job=scheduled.name, tick=tick_of(scheduled, at))
    once = insert(ticks).values(row.model_dump()).on_conflict_do_nothing(index_elements=["job", "tick"])
    noted = await work.session.scalar(once.returning(ticks.c.id))
    if noted is None:
        return False
    old = sa.and_(ticks.c.job == scheduled.name, ticks.c.tick < clock.wall() - KEPT)
    await work.session.execute(sa.delete(ticks).where(old))
    return True


@job(RUN, queue="clock", dedicated="clock_worker")
async def clock_run(work: UnitOfWork, task: str) -> None:
    """Does a scheduled job for one organization. A task this server knows by name only has nothing to do."""
    scheduled = SCHEDULED.get(task)
    if scheduled is None:
        return
    done = await scheduled.run(work)
    if scheduled.chunk is not None and isinstance(done, int) and done >= scheduled.chunk:
        work.enqueue(request_of(task))
