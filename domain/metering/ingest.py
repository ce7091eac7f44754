"""Storing events: requests that come at the same time share one statement and one commit.

A request waits in a list. A flush takes all that wait, stores them in one transaction together with the ledger rows of
the work that follows, and answers each request only after the commit; the next batch forms meanwhile, so nothing waits
for time to pass. If PostgreSQL refuses a row, or fewer were stored than sent, the flush is rolled back and each request
is tried by itself under a savepoint: one that holds a duplicate, or something PostgreSQL refuses, fails alone. Rows are
missing when a metric's expression was changed meanwhile; then what they carry is computed again.

The usual flush takes for granted that nothing was sent before. PostgreSQL writes every refusal to its log, so for a
minute after one the statement passes over duplicates instead; that takes it a tenth longer.

When the connection breaks before the commit was sent, the flush is done again. When it breaks during the commit, nobody
knows whether it was done: it is done again with the same ids, which can store nothing twice, and what cannot be stored
is looked up by its id before anyone is answered.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import psycopg
import structlog
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from domain.kernel.errors import Refusal, ValidationFailed
from domain.kernel.jobs import BARE_INSERT, JobRequest, job_rows
from domain.kernel.unit_of_work import installed_reactions
from domain.metering import usage_cache
from domain.metering.event_columns import columns
from domain.metering.expression_rules import read_rules, recomputed
from domain.metering.incoming import EventRow, repeated
from domain.metering.ingest_sql import (
    ASSUME_INGEST,
    ASSUME_TENANT,
    FIND_OWN,
    INSERT_COMPUTED,
    INSERT_EVENTS,
    INSERT_NEW,
)
from domain.metering.post_process import POST_PROCESS
from infrastructure import database, exact_json
from infrastructure.metrics import EVENTS_INGESTED

__all__ = ["Ingestion", "Unavailable"]

log = structlog.get_logger(__name__)

FLUSHES_AT_ONCE: Final = 2
"""A second one begins as soon as at least as many events wait as are being stored: two of the same size keep both cores
at work, where a small one beside a large one costs more than it gains."""
MOST_ROWS: Final = 5_000
"""Events of one flush; one request is never divided."""
MOST_WAITING: Final = 50_000
"""Events that may wait; a request beyond is turned away."""
CAREFUL: Final = 60.0
"""Seconds after a refusal during which duplicates are looked for before they are stored."""
PATIENCE: Final = 8.0
"""Seconds for which a flush is tried again while the database is away."""
SUBSCRIPTIONS_PER_JOB: Final = 500
LEAST_PAUSE: Final = 0.02
MOST_PAUSE: Final = 1.0
EVENTS_PER_PAUSE: Final = 10_000
"""Between two jobs of an organization there is a pause, longer the more comes in: one job does the work of all that
wait in the ledger, and its cost hardly depends on how many they are."""
DRAWN: Final = "000"
"""How the id of an event ends after which its subscription is folded: one in 4,096, since ids end at random. See
fold.py."""
TAKEN: Final = "value_already_exist"


class Unavailable(Exception):
    """503: the events were not stored, or it can't be told; sending them again is safe."""


class _CommitUnknown(Exception):
    """The connection broke while the commit was on its way."""


class _Short(Exception):
    """Fewer rows were stored than sent."""


@dataclass(slots=True, eq=False)
class _Request:
    rows: list[EventRow]
    done: asyncio.Future[None]
    refusal: Refusal | None = None

    def refuse(self, duplicates: Iterable[int]) -> None:
        self.refusal = ValidationFailed({str(place): {"transaction_id": [TAKEN]} for place in sorted(duplicates)})

    def answer(self, error: Exception | None = None) -> None:
        """Lets the request go on; one whose client has left is no longer waiting."""
        if self.done.done():
            return
        if error or self.refusal:
            self.done.set_exception(error or self.refusal)  # type: ignore[arg-type]
        else:
            self.done.set_result(None)


class Ingestion:
    """The shared flush of one process. Made and closed inside the event loop that uses it."""

    def __init__(self) -> None:
        self._waiting: deque[_Request] = deque()
        self._waiting_rows = 0
        self._storing_rows = 0
        self._flushes: set[asyncio.Task[None]] = set()
        self._following: set[asyncio.Task[None]] = set()
        self._to_send: dict[object, dict[str, object]] = {}
        self._sending: asyncio.Task[None] | None = None
        self._stored_since_sending = 0
        self._careful_until = 0.0
        self._pool: AsyncConnectionPool | None = None
        self._opening = asyncio.Lock()

    async def store(self, rows: list[EventRow]) -> None:
        """Stores all rows of one request or none; returns after the commit.

        Raises ValidationFailed with {place: {"transaction_id": ["value_already_exist"]}} for duplicates, Unavailable.
        """
        if self._waiting_rows + len(rows) > MOST_WAITING:
            raise Unavailable("too many events are waiting to be stored")
        request = _Request(rows, asyncio.get_running_loop().create_future())
        self._waiting.append(request)
        self._waiting_rows += len(rows)
        if not self._flushes or (len(self._flushes) < FLUSHES_AT_ONCE and self._waiting_rows >= self._storing_rows):
            flush = asyncio.create_task(self._flush_all())
            self._flushes.add(flush)
            flush.add_done_callback(self._flushes.discard)
        await request.done

    async def close(self) -> None:
        """Lets what is under way end, then gives the connections back."""
        while pending := self._flushes | self._following | ({self._sending} if self._sending else set()):
            await asyncio.wait(pending)
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def _flush_all(self) -> None:
        while self._waiting:
            batch = self._next_batch()
            try:
                jobs = await self._flush(batch)
                if any(request.refusal for request in batch):
                    self._careful_until = asyncio.get_running_loop().time() + CAREFUL
            except Exception as error:
                if not isinstance(error, Unavailable):
                    log.exception("events not stored", requests=len(batch))
                for request in batch:
                    request.answer(Unavailable(str(error)))
                continue
            finally:
                self._storing_rows -= sum(len(request.rows) for request in batch)
            # The next batch need not wait until the cache and the queues have been told of this one.
            following = asyncio.create_task(self._follow(batch, jobs))
            self._following.add(following)
            following.add_done_callback(self._following.discard)

    async def _follow(self, batch: Sequence[_Request], jobs: Sequence[dict[str, object]]) -> None:
        """After the commit: forget cached usage, answer, send the jobs."""
        stored = [row for request in batch if request.refusal is None for row in request.rows]
        EVENTS_INGESTED.inc(len(stored))
        self._stored_since_sending += len(stored)
        touched = {
            (row.organization_id, row.external_subscription_id)
            for row in stored
            if row.external_subscription_id is not None
        }
        try:
            if touched:
                await usage_cache.drop(touched)
        finally:
            for request in batch:
                request.answer()
        self._to_send.update((job["organization_id"], job) for job in jobs)
        if self._to_send and self._sending is None:
            self._sending = asyncio.create_task(self._send())

    async def _send(self) -> None:
        """Sends one job of each organization at once, then those that came meanwhile."""
        try:
            while self._to_send:
                jobs, self._to_send = list(self._to_send.values()), {}
                pause = min(MOST_PAUSE, LEAST_PAUSE + self._stored_since_sending / EVENTS_PER_PAUSE)
                self._stored_since_sending = 0
                try:
                    await installed_reactions().dispatch(jobs)
                except Exception as error:
                    log.warning("jobs not dispatched; the relay will send them", error=str(error), count=len(jobs))
                await asyncio.sleep(pause)
        finally:
            self._sending = None

    def _next_batch(self) -> list[_Request]:
        batch = [self._waiting.popleft()]
        size = len(batch[0].rows)
        while self._waiting and size + len(self._waiting[0].rows) <= MOST_ROWS:
            request = self._waiting.popleft()
            size += len(request.rows)
            batch.append(request)
        self._waiting_rows -= size
        self._storing_rows += size
        return batch

    async def _connections(self) -> AsyncConnectionPool:
        async with self._opening:
            if self._pool is None:
                pool = AsyncConnectionPool(
                    database.bare_url(),
                    min_size=1,
                    max_size=FLUSHES_AT_ONCE,
                    open=False,
                    timeout=PATIENCE,
                    name="ingest",
                    kwargs={
                        "prepare_threshold": 1,
                        "connect_timeout": 5,
                        "application_name": "tarn ingest",
                        "options": "-c timezone=UTC -c statement_timeout=5s -c idle_in_transaction_session_timeout=5s"
                        # A plan for flushes of any size would be made for a handful of rows.
                        " -c plan_cache_mode=force_custom_plan",
                    },
                )
                await pool.open()
                self._pool = pool
        return self._pool

    async def _flush(self, batch: list[_Request]) -> list[dict[str, object]]:
        """Stores what can be stored and notes the refusals of the rest; the ledger rows written."""
        unknown = False
        insert = INSERT_NEW if asyncio.get_running_loop().time() >= self._careful_until else INSERT_EVENTS
        attempts = AsyncRetrying(
            stop=stop_after_delay(PATIENCE),
            wait=wait_random_exponential(multiplier=0.05, max=1),
            retry=retry_if_exception_type((psycopg.OperationalError, psycopg.InterfaceError, _CommitUnknown)),
            reraise=True,
        )
        try:
            async for attempt in attempts:
                with attempt:
                    pool = await self._connections()
                    async with pool.connection() as connection:
                        try:
                            return await _store(connection, batch, insert, look_up=unknown)
                        except _CommitUnknown:
                            unknown = True
                            raise
        except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, _CommitUnknown) as error:
            log.warning("events not stored: the database is away", error=str(error), requests=len(batch))
            raise Unavailable("the database is away") from error
        raise AssertionError("the attempts end by returning or raising")


async def _store(
    connection: psycopg.AsyncConnection, batch: Sequence[_Request], insert: str, *, look_up: bool
) -> list[dict[str, object]]:
    """One transaction for the whole batch; on any duplicate or refusal a second one, request by request."""
    repeats = [repeated(request.rows) if len(request.rows) > 1 else set() for request in batch]
    clean = not any(repeats)
    if clean:
        jobs = _jobs(batch)
        try:
            async with connection.pipeline():
                await connection.execute(ASSUME_INGEST)
                stored = await connection.execute(insert, columns([request.rows for request in batch]))
                await connection.execute(BARE_INSERT, [exact_json.dump_text(jobs)])
            if stored.rowcount == sum(len(request.rows) for request in batch):
                await _commit(connection)
                return jobs
        except psycopg.errors.UniqueViolation:
            pass  # the requests are tried one by one below
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            log.warning("a shared flush was refused", error=str(error))
        await connection.rollback()

    left = list(zip(batch, repeats, strict=True))
    if look_up:
        found = await _own(connection, batch)
        left = [(request, repeat) for request, repeat in left if request.rows[0].id not in found]
    await connection.execute(ASSUME_INGEST)
    rules = await read_rules(connection, {row.organization_id for request, _ in left for row in request.rows})
    for request, repeat in left:
        refused = recomputed(request.rows, rules[request.rows[0].organization_id])
        request.refusal = ValidationFailed(refused) if refused else None
        if not refused:
            await _store_alone(connection, request, repeat)
    jobs = _jobs([request for request in batch if request.refusal is None])
    await connection.execute(BARE_INSERT, [exact_json.dump_text(jobs)])
    await _commit(connection)
    return jobs


async def _store_alone(connection: psycopg.AsyncConnection, request: _Request, repeat: set[int]) -> None:
    """Stores one request under a savepoint, or notes why not and leaves nothing of it."""
    try:
        if not repeat:
            try:
                async with connection.transaction():
                    stored = await connection.execute(INSERT_COMPUTED, columns([request.rows]))
                    if stored.rowcount < len(request.rows):
                        raise _Short
                return
            except _Short:
                if len(request.rows) == 1:
                    request.refuse([0])
                    return
        # Row by row, to see which ones were passed over.
        async with connection.transaction():
            async with connection.pipeline():
                each = [await connection.execute(INSERT_COMPUTED, columns([[row]])) for row in request.rows]
            duplicates = repeat | {place for place, stored in enumerate(each) if stored.rowcount == 0}
            if duplicates:
                request.refuse(duplicates)
                raise psycopg.Rollback
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        log.warning("events refused by the database", error=str(error))
        request.refusal = ValidationFailed({"events": ["value_is_invalid"]})


async def _commit(connection: psycopg.AsyncConnection) -> None:
    try:
        await connection.commit()
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise _CommitUnknown from error


async def _own(connection: psycopg.AsyncConnection, batch: Sequence[_Request]) -> set[str]:
    """Which requests were stored by a commit whose answer was lost: the ids of their first rows."""
    by_organization: dict[str, list[UUID]] = {}
    for request in batch:
        first = request.rows[0]
        by_organization.setdefault(first.organization_id, []).append(UUID(first.id))
    found: set[str] = set()
    for organization_id, ids in by_organization.items():
        async with connection.transaction():
            await connection.execute(ASSUME_TENANT, [organization_id])
            cursor = await connection.execute(FIND_OWN, [organization_id, ids])
            found.update(str(row[0]) for row in await cursor.fetchall())
    return found


def _jobs(batch: Iterable[_Request]) -> list[dict[str, object]]:
    """Ledger rows: one job for each organization (and each 500 subscriptions) of a flush.

    They carry no unique key. A row that was passed over because a like one waits could be worked on before this
    transaction is committed, and its work would be lost; instead the work takes all rows that wait at once.
    """
    subscriptions: dict[str, set[str]] = {}
    codes: dict[str, set[str]] = {}
    # The ids of a process rise with time, so that the first and the last one tell where the others are.
    ids: dict[str, list[str]] = {}
    drawn: dict[tuple[str, str], str] = {}
    for request in batch:
        organization_id = request.rows[0].organization_id
        matched = [
            (row.external_subscription_id, row) for row in request.rows if row.external_subscription_id is not None
        ]
        if not matched:
            continue
        subscriptions.setdefault(organization_id, set()).update([subscription for subscription, _ in matched])
        codes.setdefault(organization_id, set()).update([row.code for _, row in matched])
        found = ids.get(organization_id, []) + [row.id for _, row in matched]
        ids[organization_id] = [min(found), max(found)]
        drawn.update(
            {(organization_id, subscription): row.id for subscription, row in matched if row.id.endswith(DRAWN)}
        )
    requests = []
    for organization_id, touched in subscriptions.items():
        ordered, used = sorted(touched), sorted(codes[organization_id])
        for start in range(0, len(ordered), SUBSCRIPTIONS_PER_JOB):
            part = ordered[start : start + SUBSCRIPTIONS_PER_JOB]
            arguments: dict[str, object] = {
                "subscriptions": part,
                "codes": used,
                "ids": ids[organization_id],
            }
            if some := [drawn[organization_id, each] for each in part if (organization_id, each) in drawn]:
                arguments["drawn"] = some
            requests.append(JobRequest(POST_PROCESS, arguments, organization_id=UUID(organization_id)))
    return job_rows(requests, None, installed_reactions().queue_of)
