"""A probe through every queue: which worker takes it, and how fast. `tarn doctor --queues`."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass

from infrastructure import exact_json
from infrastructure.settings import settings
from tasks.dispatch import queue_client, send
from tasks.queues import enabled_queues

__all__ = ["ProbeResult", "probe", "probe_queues"]

PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One queue. Without a worker that took the probe in time everything but `queue` is None."""

    queue: str
    host: str | None = None
    pid: int | None = None
    worker_queues: tuple[str, ...] | None = None
    seconds: float | None = None


def probe_queues(patience: float = PATIENCE) -> list[ProbeResult]:
    """As `probe`, for a program without an event loop."""

    async def once() -> list[ProbeResult]:
        try:
            return await probe(patience)
        finally:
            await queue_client().aclose()

    return asyncio.run(once())


async def probe(patience: float = PATIENCE) -> list[ProbeResult]:
    """Sends a probe through every queue that jobs may be sent to, and waits `patience` seconds for the answers.

    The probe goes with the other messages of its queue, so a backlog shows. Raises redis.RedisError.
    """
    client, answers = queue_client(), f"tarn:probe:{uuid.uuid4()}"
    open_queues = enabled_queues(settings())
    began = time.monotonic()
    await send([(f"{answers}:{queue}", queue) for queue in open_queues], answer_to=answers)
    found: dict[str, ProbeResult] = {}
    while len(found) < len(open_queues) and (left := began + patience - time.monotonic()) > 0:
        answer = await client.blpop([answers], timeout=min(left, 1.0))
        if answer is None:
            continue
        seconds = time.monotonic() - began
        said = exact_json.load(answer[1])
        found[said["queue"]] = ProbeResult(said["queue"], said["host"], said["pid"], tuple(said["queues"]), seconds)
    return [found.get(queue, ProbeResult(queue)) for queue in open_queues]
