"""Sending job ids to their queues: one call to Redis for many, and never twice while the first message is there.

A message's id in Redis is its job's id, so that a job has at most one message in a queue: one that waits or is being
worked on is not sent again, whoever asks. This is what lets the relay re-send without counting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from dramatiq import Message
from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from infrastructure.settings import settings
from tasks.jobs import queue_for

__all__ = ["NAMESPACE", "actor_of", "dispatch", "queue_client", "send"]

NAMESPACE = "dramatiq"
# Lua hands all arguments over on its stack.
AT_A_TIME = 1000

# KEYS: namespace. ARGV: queue, id, message; queue, id, message; ... The layout is that of Dramatiq's own script
# (brokers/redis/dispatch.lua, "enqueue"). Answers how many were not there yet.
_SEND = """
local sent = 0
for i = 1, #ARGV, 3 do
    local queue = KEYS[1] .. ":" .. ARGV[i]
    if redis.call("hsetnx", queue .. ".msgs", ARGV[i + 1], ARGV[i + 2]) == 1 then
        redis.call("rpush", queue, ARGV[i + 1])
        sent = sent + 1
    end
end
return sent
"""

# Connections belong to the event loop that opened them.
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[str, Redis, AsyncScript]] = WeakKeyDictionary()


def actor_of(queue: str) -> str:
    """The Dramatiq actor that runs the jobs of a queue: one per queue, because Dramatiq orders by actor."""
    return f"run.{queue}"


def _opened() -> tuple[Redis, AsyncScript]:
    url, loop = settings().queue_redis, asyncio.get_running_loop()
    known = _clients.get(loop)
    if known is None or known[0] != url:
        client = Redis.from_url(url, socket_timeout=5, socket_connect_timeout=3)
        known = _clients[loop] = (url, client, client.register_script(_SEND))
    return known[1], known[2]


def queue_client() -> Redis:
    """The connection to the queue Redis of this event loop."""
    return _opened()[0]


def _message(queue: str, job_id: object, **arguments: Any) -> bytes:
    text = str(job_id)
    return Message(
        queue_name=queue,
        actor_name=actor_of(queue),
        args=(),
        kwargs={"job_id": text, **arguments},
        options={"redis_message_id": text},
        message_id=text,
    ).encode()


async def send(jobs: Sequence[tuple[object, str]], **arguments: Any) -> int:
    """Sends (id, queue) pairs; how many were not in their queue already. Raises redis.RedisError."""
    script, sent = _opened()[1], 0
    for start in range(0, len(jobs), AT_A_TIME):
        parts: list[Any] = []
        for job_id, queue in jobs[start : start + AT_A_TIME]:
            parts += (queue, str(job_id), _message(queue, job_id, **arguments))
        sent += int(await script(keys=[NAMESPACE], args=parts))
    return sent


async def dispatch(rows: Sequence[Mapping[str, object]]) -> None:
    """Sends freshly written rows of the ledger. What is due later (no `sent_at`) is left to the relay."""
    await send(
        [(row["id"], queue_for(str(row["actor"]), str(row["queue"]))) for row in rows if row["sent_at"] is not None]
    )
