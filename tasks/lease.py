"""Jobs that call out of the house: a lease on the ledger row instead of a transaction around the whole run.

    @external_job("messaging.deliver", queue="webhook", dedicated="webhook_worker")
    async def deliver(lease: Lease, webhook_id: str) -> None:
        async with lease.work() as work:
            request = await prepare(work, webhook_id)
        response = await post(request)
        async with lease.settle() as work:
            await record(work, webhook_id, response)

The lease is the row's `due_at`, a few seconds ahead and pushed on while the job runs; when the process dies the row
falls due and the relay sends it again. So the call out may happen twice, what `settle` writes only once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from domain.kernel import clock
from domain.kernel.tenancy import Door, Tenant
from domain.kernel.unit_of_work import UnitOfWork, door_work, tenant_work
from tasks import ledger
from tasks.ledger import Claim, LedgerWork, ledger_work

__all__ = ["HELD_FOR", "Lease", "LeaseLost"]

HELD_FOR = timedelta(seconds=12)
RENEWED_EVERY = 4.0


class LeaseLost(Exception):
    """Somebody else works on the row by now; nothing of this run is kept."""


class Lease:
    """The hold on one row while its job runs."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.held = claim.due_at
        self.settled = False
        self._repeat: tuple[timedelta, str] | None = None
        self._changing = asyncio.Lock()

    @asynccontextmanager
    async def work(self) -> AsyncIterator[UnitOfWork]:
        """A transaction of its own, bound to the job's organization; the row stays."""
        if self.claim.tenant is None:
            async with door_work(Door.RELAY) as work:
                yield work
            return
        async with tenant_work(self.claim.tenant) as work:
            yield work

    @asynccontextmanager
    async def settle(self) -> AsyncIterator[UnitOfWork]:
        """The last transaction: what it writes and the end of the row are one. Raises LeaseLost."""
        async with self._changing, ledger_work() as opened:
            claim = await self._still_held(opened)
            work = await opened.enter(claim.tenant)
            yield work
            await work.session.flush()
            if self._repeat is None:
                await ledger.finish(work.session, claim.id)
            else:
                delay, error = self._repeat
                due_at = clock.wall() + delay
                await ledger.put_off(work.session, claim.id, due_at, error, counted=True, waits=True)
        self.settled = True

    @asynccontextmanager
    async def step(self, frozen_at: datetime, arguments: dict[str, Any]) -> AsyncIterator[UnitOfWork]:
        """A transaction that also notes how far the job has come: as its organization at that time, with `arguments`
        (as they are at the end of the block) for the next start. Raises LeaseLost."""
        async with self._changing, ledger_work() as opened:
            claim = await self._still_held(opened)
            assert claim.tenant is not None, "steps are taken inside an organization"
            work = await opened.enter(Tenant(claim.tenant.organization_id, frozen_at))
            yield work
            await work.session.flush()
            until = clock.wall() + HELD_FOR
            await ledger.note_progress(work.session, claim.id, arguments, until)
        self.held = until

    def repeat_after(self, delay: timedelta, error: str) -> None:
        """Inside `settle`: the row stays and the job runs again after `delay`, in real time also in a sandbox, because
        it waits for somebody outside; a sandbox counts as settled meanwhile. `claim.attempts` counts the runs."""
        self._repeat = (delay, error)

    async def _still_held(self, opened: LedgerWork) -> Claim:
        claim = None if self.settled else await ledger.claim_again(opened.work.session, self.claim.id, self.held)
        if claim is None:
            raise LeaseLost(str(self.claim.id))
        return claim

    async def keep(self) -> None:
        """Pushes the lease on until cancelled. Raises LeaseLost."""
        while True:
            await asyncio.sleep(RENEWED_EVERY)
            async with self._changing:
                if self.settled:
                    return
                until = clock.wall() + HELD_FOR
                async with door_work(Door.RELAY) as work:
                    kept = await ledger.extend(work.session, self.claim.id, self.held, until)
                if not kept:
                    raise LeaseLost(str(self.claim.id))
                self.held = until
