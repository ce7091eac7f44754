"""How a job runs. The message brings only the row's id.

In one transaction: lock the row (pending, due, not locked), become its organization at its time, do the work, write
what follows, delete the row. Whoever finds the row gone or locked drops the message. A worker that is killed lets go of
the lock with its connection, nothing of its work remains, and the relay sends the row again.

After a failure everything is rolled back and the row is put off or given up in a second transaction (see
`tasks.retries`). External jobs hold a lease instead of the transaction (see `tasks.lease`).
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import sentry_sdk
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel import clock
from domain.kernel.errors import Refusal
from infrastructure.metrics import JOB_SECONDS
from infrastructure.telemetry import bound
from tasks import ledger
from tasks.jobs import JOBS, JobDefinition
from tasks.lease import HELD_FOR, Lease, LeaseLost
from tasks.ledger import Claim, ledger_work
from tasks.retries import infrastructure_delay

__all__ = ["run"]

log = structlog.get_logger(__name__)

AT_ONCE = timedelta(0)


class _Failed(Exception):
    """Carries the claim of a run that failed, so that its failure can be written to the row."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim


async def run(job_id: UUID) -> bool:
    """Runs a job to its end, or to its next pause. False when the row was not ours to run.

    Never raises for a job's failure: that is written to its row. Raises only when not even this is possible (the
    database is away); the row then stays as it was.
    """
    ran = False
    while True:
        began = time.perf_counter()
        try:
            claim = await _attempt(job_id)
        except _Failed as failure:
            claim, error = failure.claim, failure.__cause__
            assert error is not None
            with bound(job_id=str(job_id), actor=claim.actor, organization_id=_organization(claim)):
                outcome, again = await _record(claim, error)
        else:
            if claim is None:
                return ran
            outcome, again = "done", False
        JOB_SECONDS.labels(claim.actor, outcome).observe(time.perf_counter() - began)
        ran = True
        if not again:
            return ran


async def _attempt(job_id: UUID) -> Claim | None:
    """One run. The claim when it is done, None when there was nothing to do. Raises _Failed."""
    claim: Claim | None = None
    lease: Lease | None = None
    try:
        async with ledger_work() as opened:
            claim = await ledger.claim(opened.work.session, job_id)
            if claim is None:
                return None
            definition = JOBS.get(claim.actor)
            if definition is None:
                raise LookupError(f"no job is called {claim.actor}")
            if definition.external:
                lease = await _take_lease(opened.work.session, claim)
            elif claim.unique_key is not None and definition.unique_while == "start":
                await ledger.forget_key(opened.work.session, claim.id)
                lease = await _take_lease(opened.work.session, claim)
            else:
                with bound(job_id=str(job_id), actor=claim.actor, organization_id=_organization(claim)):
                    work = await opened.enter(claim.tenant)
                    async with asyncio.timeout(definition.time_limit):
                        await definition.run(work, **claim.arguments)
                        await work.session.flush()
                        await ledger.finish(work.session, claim.id)
        if lease is not None:
            with bound(job_id=str(job_id), actor=claim.actor, organization_id=_organization(claim)):
                await _run_leased(definition, lease)
    except LeaseLost:
        log.warning("lease lost; another worker has the job", job_id=str(job_id))
        return None
    except Exception as error:
        if claim is None:
            raise
        raise _Failed(claim) from error
    return claim


async def _take_lease(session: AsyncSession, claim: Claim) -> Lease:
    lease = Lease(claim)
    until = clock.wall() + HELD_FOR
    await ledger.extend(session, claim.id, claim.due_at, until)
    lease.held = until
    return lease


async def _run_leased(definition: JobDefinition, lease: Lease) -> None:
    """Runs under a lease that is kept up meanwhile; a lost lease cancels the run."""
    keeping = asyncio.create_task(lease.keep())
    running = asyncio.create_task(_body(definition, lease))
    try:
        async with asyncio.timeout(definition.time_limit):
            await asyncio.wait((keeping, running), return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                keeping.result()
            await running
    finally:
        for task in (keeping, running):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task


async def _body(definition: JobDefinition, lease: Lease) -> None:
    if definition.external:
        await definition.run(lease, **lease.claim.arguments)
        if not lease.settled:
            async with lease.settle():
                pass
        return
    async with lease.settle() as work:
        await definition.run(work, **lease.claim.arguments)


async def _record(claim: Claim, error: BaseException) -> tuple[str, bool]:
    """Writes a failure to the row: the outcome's name, and whether to run again at once."""
    text = f"{type(error).__name__}: {error}"
    definition = JOBS.get(claim.actor)
    external = definition is not None and definition.external
    async with ledger_work() as opened:
        session = opened.work.session
        delay = infrastructure_delay(error, claim.created_at)
        if delay is not None:
            log.warning("job hit by a failure of the infrastructure", error=text, again_in=delay.total_seconds())
            await ledger.put_off(session, claim.id, clock.wall() + delay, text, counted=False)
            return "retried", False
        if isinstance(error, Refusal) or definition is None:
            log.warning("job refused", error=text)
            await ledger.give_up(session, claim.id, text)
            return "failed", False
        rule = definition.rule_for(error)
        attempt = claim.attempts + 1
        if attempt >= rule.attempts:
            log.error("job failed for good", attempt=attempt, exc_info=error)
            sentry_sdk.capture_exception(error)
            await ledger.give_up(session, claim.id, text)
            if definition.given_up is not None:
                await definition.given_up(await opened.enter(claim.tenant), **claim.arguments)
            return "failed", False
        # A sandbox does not wait, except for somebody outside; its attempts are counted all the same.
        sandbox = claim.tenant is not None and claim.tenant.sandbox
        delay = AT_ONCE if sandbox and not external else timedelta(seconds=rule.wait(attempt))
        log.warning("job failed", error=text, attempt=attempt, again_in=delay.total_seconds())
        await ledger.put_off(
            session, claim.id, clock.wall() + delay, text, counted=True, waits=external and sandbox
        )  # fmt: skip
        return "retried", delay == AT_ONCE


def _organization(claim: Claim) -> str:
    return str(claim.tenant.organization_id) if claim.tenant else ""
