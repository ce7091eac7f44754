"""The relay: whatever of the ledger is due and not on its way is sent.

It sends rows whose time has come (delays, retries) within half a second, and rows whose message was lost: the process
died between commit and sending, Redis was away or came back empty, a lease ran out. A row that a worker has locked is
passed over, and a message that is still in its queue is not sent a second time (see `tasks.dispatch`), so a long
backlog stays as it is.

Every worker and clock process runs one; the holder of an advisory lock works, the others look every two seconds
whether it is gone. The lock goes with its connection, also when its process hangs: the server then ends the session.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg
import structlog
from redis.exceptions import RedisError

from domain.kernel import clock
from domain.kernel.tenancy import Door
from infrastructure.database import bare_url
from infrastructure.settings import settings
from tasks.dispatch import NAMESPACE, queue_client, send
from tasks.jobs import JOBS, queue_for
from tasks.queues import enabled_queues

__all__ = ["relay", "relay_once"]

log = structlog.get_logger(__name__)

EVERY = 0.5
LOOK_EVERY = 2.0
AT_A_TIME = 1000
# A message sent so long ago whose queue is empty was lost, or its worker is busy and will find the row gone.
LOST_AFTER = timedelta(seconds=5)
# In a queue with a backlog the message is probably waiting: looked at seldom.
DOUBTED_AFTER = timedelta(seconds=60)

_CONNECTED = f"SET ROLE {Door.RELAY.value}"
_LEAD = "SELECT pg_try_advisory_lock(hashtextextended('tarn relay', 0))"
_LEADER = "SET idle_session_timeout = '20s'"
_DUE = """
    WITH due AS (
        SELECT id FROM jobs WHERE status = 'pending' AND {sent} AND due_at <= %(now)s
        ORDER BY {order} LIMIT %(most)s FOR UPDATE SKIP LOCKED
    )
    UPDATE jobs SET sent_at = %(now)s FROM due WHERE jobs.id = due.id RETURNING jobs.id, jobs.actor, jobs.queue
"""
_UNSENT = _DUE.format(sent="sent_at IS NULL", order="due_at")
_LOST = _DUE.format(
    sent="sent_at < CASE WHEN actor = ANY(%(waiting)s) THEN %(doubted)s ELSE %(lost)s END AND sent_at < %(lost)s",
    order="sent_at",
)


async def relay() -> None:
    """Runs until cancelled; outages of the database or Redis are waited out."""
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                bare_url(), autocommit=True, connect_timeout=5, options="-c timezone=UTC"
            ) as connection:
                await connection.execute(_CONNECTED)
                await _serve(connection)
        except (psycopg.Error, OSError) as error:
            log.warning("relay without database", error=str(error).strip())
            await asyncio.sleep(1)


async def _serve(connection: psycopg.AsyncConnection[Any]) -> None:
    """Waits for the lead, then relays until the connection breaks."""
    while not await _asked(connection, _LEAD):  # noqa: ASYNC110  nobody announces that the leader is gone
        await asyncio.sleep(LOOK_EVERY)
    await connection.execute(_LEADER)
    log.info("relay leads")
    while True:
        try:
            sent = await relay_once(connection)
        except RedisError as error:
            log.warning("relay without Redis", error=str(error))
            sent = 0
        if sent < AT_A_TIME:
            await asyncio.sleep(EVERY)


async def _asked(connection: psycopg.AsyncConnection[Any], question: str) -> bool:
    answer = await (await connection.execute(question)).fetchone()
    return bool(answer and answer[0])


async def relay_once(connection: psycopg.AsyncConnection[Any]) -> int:
    """One pass; how many rows it looked at in its fullest step. Redis is asked first: without it no row is touched."""
    waiting = await _waiting_actors()
    now = clock.wall()
    unsent = await _pass(connection, _UNSENT, now, waiting)
    lost = await _pass(connection, _LOST, now, waiting)
    return max(unsent, lost)


async def _pass(connection: psycopg.AsyncConnection[Any], query: str, now: datetime, waiting: Sequence[str]) -> int:
    """Marks rows as sent, commits, sends. Dying in between costs `LOST_AFTER`."""
    parameters = {
        "now": now, "most": AT_A_TIME, "waiting": list(waiting), "lost": now - LOST_AFTER,
        "doubted": now - DOUBTED_AFTER,
    }  # fmt: skip
    rows = await (await connection.execute(query, parameters)).fetchall()
    if rows:
        await send([(job_id, queue_for(actor, queue)) for job_id, actor, queue in rows])
    return len(rows)


async def _waiting_actors() -> list[str]:
    """The jobs whose queue has messages that no worker has fetched yet."""
    queues = enabled_queues(settings())
    async with queue_client().pipeline(transaction=False) as pipe:
        for queue in queues:
            pipe.llen(f"{NAMESPACE}:{queue}")
        lengths = await pipe.execute()
    backed_up = {queue for queue, length in zip(queues, lengths, strict=True) if length}
    return [name for name in JOBS if queue_for(name) in backed_up] if backed_up else []
