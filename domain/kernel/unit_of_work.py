"""One transaction per command, opened at the edge: a mutation, a request, an actor.

    async with tenant_work(tenant) as work:
        plan = await create_plan(work, params)

`work.session` runs as the tenant's role. Events recorded on `work` become rows of the job ledger in the same
transaction, through the reactions that the process has installed; after the commit their ids go to the queue. If that
last step fails nothing is lost: the relay sends what was not taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel import clock
from domain.kernel.authors import SYSTEM, Author
from domain.kernel.changes import watch_changes
from domain.kernel.events import DomainEvent
from domain.kernel.jobs import JobRequest, job_rows, write_jobs
from domain.kernel.tenancy import TENANT_ROLE, Door, Tenant, assume
from infrastructure.database import engine

__all__ = ["Reactions", "UnitOfWork", "door_work", "install_reactions", "installed_reactions", "tenant_work"]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reactions:
    """What a process knows about following work.

    requests: turns the events of one command into jobs, reading in its transaction what it needs.
    dispatch: pushes job ids to their queues, pipelined; called after the commit with (job id, actor, delayed) rows.
    queue_of: the default queue of every actor by name.
    """

    requests: Callable[[UnitOfWork, Sequence[DomainEvent]], Awaitable[Sequence[JobRequest]]]
    dispatch: Callable[[Sequence[Mapping[str, object]]], Awaitable[None]]
    queue_of: Mapping[str, str]


_reactions: Reactions | None = None


def install_reactions(reactions: Reactions | None) -> None:
    """Tells this process what follows from events. Called once at start, by the command line and the tests."""
    global _reactions
    _reactions = reactions


def installed_reactions() -> Reactions:
    """What this process was told. For writers that go past the unit of work: the shared flush of ingested events."""
    if _reactions is None:
        raise RuntimeError("no reactions installed: call tasks.install() when the process starts")
    return _reactions


@dataclass(slots=True)
class UnitOfWork:
    """The transaction of one command, and what it has recorded so far."""

    session: AsyncSession
    tenant: Tenant | None = None
    author: Author = SYSTEM
    _events: list[DomainEvent] = field(default_factory=list)
    _requests: list[JobRequest] = field(default_factory=list)

    @property
    def organization_id(self) -> UUID:
        """The organization this work is bound to."""
        assert self.tenant is not None, "this work crosses tenants and is bound to none"
        return self.tenant.organization_id

    def record(self, event: DomainEvent) -> None:
        """Notes what happened; the jobs that follow are written with the commit."""
        self._events.append(event)

    def enqueue(self, request: JobRequest) -> None:
        """Asks for one job directly, where no event stands for it: a batch that continues itself."""
        self._requests.append(request)

    @property
    def recorded(self) -> tuple[int, int]:
        """How many events and requests there are so far."""
        return len(self._events), len(self._requests)

    def events_since(self, recorded: tuple[int, int]) -> list[DomainEvent]:
        """What happened since that point, in order."""
        return self._events[recorded[0] :]

    def forget_since(self, recorded: tuple[int, int]) -> None:
        """Drops what was recorded after that point: for work undone by a rollback to a savepoint."""
        events, requests = recorded
        del self._events[events:], self._requests[requests:]

    async def bind(self, tenant: Tenant) -> None:
        """From here on this transaction is that organization's: for doors that end inside one tenant."""
        self.tenant = tenant
        await assume(self.session, TENANT_ROLE, tenant.organization_id)

    async def _write_jobs(self) -> list[dict[str, object]]:
        if not self._events and not self._requests:
            return []
        reactions = installed_reactions()
        requests = list(self._requests)
        if self._events:
            requests += await reactions.requests(self, tuple(self._events))
        rows = job_rows(requests, self.tenant.organization_id if self.tenant else None, reactions.queue_of)
        await write_jobs(self.session, rows)
        return rows


@asynccontextmanager
async def _transaction(role: str, tenant: Tenant | None, author: Author = SYSTEM) -> AsyncIterator[UnitOfWork]:
    with clock.at(tenant.frozen_at if tenant else None):
        async with AsyncSession(engine(), expire_on_commit=False) as session, session.begin():
            await assume(session, role, tenant.organization_id if tenant else None)
            watch_changes(session)
            work = UnitOfWork(session, tenant, author)
            yield work
            await session.flush()
            rows = await work._write_jobs()
        if rows and _reactions is not None:
            try:
                await _reactions.dispatch(rows)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.warning("jobs not dispatched; the relay will send them", error=str(error), count=len(rows))


@asynccontextmanager
async def tenant_work(tenant: Tenant, author: Author = SYSTEM) -> AsyncIterator[UnitOfWork]:
    """A transaction bound to one organization, with its clock. Commits at the end, rolls back on any exception."""
    async with _transaction(TENANT_ROLE, tenant, author) as work:
        yield work


@asynccontextmanager
async def door_work(door: Door) -> AsyncIterator[UnitOfWork]:
    """A transaction that crosses tenants through one narrow door, in real time."""
    async with _transaction(door.value, None) as work:
        yield work
