"""Dramatiq on Redis: it carries ids, the ledger decides everything else.

No retries, age limits or time limits of Dramatiq's own: a message that is lost, dropped or taken twice is harmless,
because the row in the ledger is the job (see `tasks.runner`). One actor per queue gives every queue its priority, as
Dramatiq orders what a worker has fetched by actor.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID

import dramatiq
import redis
from dramatiq import Consumer
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import AsyncIO

from infrastructure import exact_json
from infrastructure.settings import settings
from tasks.dispatch import NAMESPACE, actor_of, queue_client
from tasks.queues import CAN_WAIT, PRIORITY
from tasks.runner import run
from tasks.ticks import tick

__all__ = ["LedgerBroker", "make_broker"]

# A dead worker's messages come back after so many milliseconds, because every fetch of the others looks for them.
HEARTBEAT_TIMEOUT = 5_000
EVERY_CALL = 1_000_000
PROBE_ANSWER_SECONDS = 60
PATIENT = 500
"""Milliseconds that an idle consumer of a queue that can wait sleeps at most."""


class LedgerBroker(RedisBroker):
    """Dramatiq's broker without delay queues: what is due later waits in the ledger, so nothing needs to poll them."""

    def declare_queue(self, queue_name: str) -> None:
        """Declares a queue once."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5_000) -> Consumer:
        """As Dramatiq's; an idle queue that can wait is asked less often."""
        return super().consume(queue_name, prefetch, max(timeout, PATIENT) if queue_name in CAN_WAIT else timeout)


def make_broker(queues: Sequence[str]) -> LedgerBroker:
    """The broker of a worker that takes `queues`, with one actor for each of them."""
    client = redis.Redis.from_url(settings().queue_redis, socket_timeout=10, socket_connect_timeout=3)
    broker = LedgerBroker(  # type: ignore[no-untyped-call]
        client=client,
        middleware=[AsyncIO()],
        namespace=NAMESPACE,
        maintenance_chance=EVERY_CALL,
        heartbeat_timeout=HEARTBEAT_TIMEOUT,
    )
    dramatiq.set_broker(broker)
    for queue in queues:
        declare = dramatiq.actor(
            actor_name=actor_of(queue), queue_name=queue, priority=PRIORITY[queue], broker=broker
        )  # fmt: skip
        declare(_taker(queue, queues))
    return broker


def _taker(queue: str, queues: Sequence[str]) -> Callable[..., Awaitable[None]]:
    """What is done with a message: nearly always a job's id, else a tick of the clock or a probe."""

    async def take(
        job_id: str, task: str | None = None, at: str | None = None, answer_to: str | None = None
    ) -> None:  # fmt: skip
        if task is not None and at is not None:
            await tick(task, datetime.fromisoformat(at))
        elif answer_to is not None:
            answer = {"queue": queue, "host": socket.gethostname(), "pid": os.getpid(), "queues": list(queues)}
            async with queue_client().pipeline() as pipe:
                pipe.rpush(answer_to, exact_json.dump(answer))
                pipe.expire(answer_to, PROBE_ANSWER_SECONDS)
                await pipe.execute()
        else:
            await run(UUID(job_id))

    return take
