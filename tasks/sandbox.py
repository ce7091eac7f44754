"""Advancing a sandbox: the scheduled jobs that fall due on the way, in order, each with all the work that follows.

The clock jumps from stop to stop, a stop being the next tick of some scheduled job at which there may be work (see
`tasks.horizon`). One transaction moves the clock, runs the job and notes the progress in the ledger row, so that an
advance that is cut off goes on where it was. Then the organization's ledger is drained: by this job itself, beside the
other workers, so that it gets to the end with a single worker that runs one job at a time.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
import structlog

from domain.identity.models import Organization
from domain.identity.sandbox_clock import ADVANCE
from domain.kernel.ids import new_id
from domain.kernel.jobs import Job
from domain.kernel.rows import table
from domain.kernel.tenancy import Door
from domain.kernel.unit_of_work import UnitOfWork, door_work
from tasks.jobs import external_job
from tasks.lease import Lease, LeaseLost
from tasks.retries import NEVER, infrastructure_delay
from tasks.runner import run
from tasks.schedule import SCHEDULE, SCHEDULED, Scheduled, last_tick, next_tick
from tasks.ticks import RUN

__all__ = ["advance"]

log = structlog.get_logger(__name__)

AT_A_TIME = 100
PAUSE = 0.02
_jobs, _organizations = table(Job), table(Organization)


@external_job(ADVANCE, queue="high_priority", retries=(NEVER,), time_limit=6 * 3600)
async def advance(
    lease: Lease, to: str, owed: list[str] | None = None, queued: list[str] | None = None
) -> None:  # fmt: skip
    """Moves the clock to `to`.

    owed: the scheduled jobs that run at their very next tick, whatever their horizon says, because something has
    happened since they ran last. queued: those of the present stop that are still to run.
    """
    end = datetime.fromisoformat(to)
    progress: dict[str, Any] = {
        "to": to,
        "owed": [each.name for each in SCHEDULE if each.on] if owed is None else owed,
        "queued": queued or [],
    }
    await _drain(lease)
    while True:
        now = await _now(lease)
        if not progress["queued"]:
            stop, names = await _next_stop(lease, now, progress["owed"])
            if stop is None or stop > end:
                break
            progress["queued"], now = names, stop
        await _run_first(lease, now, progress)
        await _drain(lease)
    async with lease.step(end, progress) as work:
        await _move(work, end)


async def _run_first(lease: Lease, at: datetime, progress: dict[str, Any]) -> None:
    """Runs the first queued job at its tick. If it fails it stands in the ledger as failed, and time goes on."""
    name, *rest = progress["queued"]
    owed = [each for each in progress["owed"] if each != name]
    everything = [each.name for each in SCHEDULE if each.on]
    try:
        async with lease.step(at, progress) as work:
            await _move(work, at)
            done = await SCHEDULED[name].run(work)
            chunk = SCHEDULED[name].chunk
            full = chunk is not None and isinstance(done, int) and done >= chunk
            progress["queued"] = [name, *rest] if full else rest
            progress["owed"] = everything if done or work.recorded != (0, 0) else owed
    except LeaseLost:
        raise
    except Exception as error:
        if infrastructure_delay(error, at) is not None:
            raise
        log.error("scheduled job failed", task=name, exc_info=error)
        progress["queued"], progress["owed"] = rest, everything
        async with lease.step(at, progress) as work:
            await _move(work, at)
            failed = Job(
                id=new_id(), organization_id=work.organization_id, actor=RUN, queue="clock", status="failed",
                attempts=1, arguments={"task": name}, error=f"{name}: {type(error).__name__}: {error}"[:2000],
            )  # fmt: skip
            work.session.add(failed)


async def _next_stop(lease: Lease, now: datetime, owed: list[str]) -> tuple[datetime | None, list[str]]:
    """The next instant at which something is due, and what, in the order of the table."""
    due: list[tuple[datetime, Scheduled]] = []
    async with lease.work() as work:
        for each in (one for one in SCHEDULE if one.on):
            tick = next_tick(each, now)
            if each.name not in owed:
                horizon = await each.horizon(work, last_tick(each, now))
                if horizon is None:
                    continue
                tick = _tick_at(each, max(horizon, tick))
            due.append((tick, each))
    if not due:
        return None, []
    first = min(tick for tick, _ in due)
    return first, [each.name for tick, each in due if tick == first]


def _tick_at(scheduled: Scheduled, at: datetime) -> datetime:
    """The first tick at or after an instant."""
    tick = last_tick(scheduled, at)
    return tick if tick == at else next_tick(scheduled, at)


async def _now(lease: Lease) -> datetime:
    async with lease.work() as work:
        here = sa.select(_organizations.c.frozen_at).where(_organizations.c.id == work.organization_id)
        now: datetime | None = await work.session.scalar(here)
    assert now is not None, "only a sandbox is advanced"
    return now


async def _move(work: UnitOfWork, at: datetime) -> None:
    mine = _organizations.c.id == work.organization_id
    await work.session.execute(sa.update(_organizations).where(mine).values(frozen_at=at))


async def _drain(lease: Lease) -> None:
    """Runs the organization's jobs until none is left; those that others are working on are waited for."""
    assert lease.claim.tenant is not None
    while ids := await _open(lease.claim.tenant.organization_id, lease.claim.id):
        ran = False
        for job_id in ids:
            ran = await run(job_id) or ran
        if not ran:
            await asyncio.sleep(PAUSE)


async def _open(organization_id: UUID, besides: UUID) -> list[UUID]:
    query = (
        sa.select(_jobs.c.id)
        .where(
            _jobs.c.organization_id == organization_id, _jobs.c.status == "pending", _jobs.c.waits.is_(False),
            _jobs.c.id != besides,
        )
        .order_by(_jobs.c.due_at, _jobs.c.id)
        .limit(AT_A_TIME)
    )  # fmt: skip
    async with door_work(Door.RELAY) as work:
        return list((await work.session.execute(query)).scalars())
