"""What this installation counts, in Prometheus' words. `GET /metrics` prints it.

With PROMETHEUS_MULTIPROC_DIR set (`tarn up` does) the page adds up all processes of this machine; without it each
process shows its own. Queue depths are read from Redis when the page is asked for.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from redis.asyncio import Redis

__all__ = [
    "CONTENT_TYPE",
    "EVENTS_INGESTED",
    "JOB_SECONDS",
    "REQUESTS",
    "REQUEST_SECONDS",
    "QueueDepth",
    "exposition",
    "queue_depths",
]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
NAMESPACE = "dramatiq"

REQUESTS = Counter("tarn_requests", "Answers given, by route and status.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "tarn_request_seconds",
    "Time to the first byte of an answer, by route.",
    ["route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
JOB_SECONDS = Histogram(
    "tarn_job_seconds",
    "Time a job took, by actor and outcome (done, retried, failed).",
    ["actor", "outcome"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 1800),
)
EVENTS_INGESTED = Counter("tarn_events_ingested", "Usage events stored.")


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """One queue: messages ready, messages not yet due, and how many seconds the oldest ready one has waited."""

    queue: str
    ready: int
    delayed: int
    age_seconds: float


async def queue_depths(client: Redis) -> list[QueueDepth]:
    """The queues that exist in the queue Redis, by name. A queue appears when its first message was sent."""
    prefix = f"{NAMESPACE}:"
    names = {
        key.decode().removeprefix(prefix).removesuffix(".msgs").removesuffix(".DQ")
        async for key in client.scan_iter(match=f"{prefix}*.msgs", count=1000)
    }
    queues = sorted(name for name in names if not name.startswith("__") and not name.endswith(".XQ"))
    if not queues:
        return []
    counting = client.pipeline(transaction=False)
    for queue in queues:
        counting.llen(prefix + queue)
        counting.llen(f"{prefix}{queue}.DQ")
        counting.lindex(prefix + queue, 0)
    counted = await counting.execute()
    reading = client.pipeline(transaction=False)
    for queue, message in zip(queues, counted[2::3], strict=True):
        reading.hget(f"{prefix}{queue}.msgs", message or b"")
    messages = await reading.execute()
    return [
        QueueDepth(queue, counted[3 * index], counted[3 * index + 1], _age(messages[index]))
        for index, queue in enumerate(queues)
    ]


def _age(message: bytes | None) -> float:
    """Seconds since a message was sent; 0 for none (it may have been taken since)."""
    try:
        sent = int(json.loads(message or b"")["message_timestamp"])
    except (ValueError, KeyError, TypeError):
        return 0.0
    return max(0.0, time.time() - sent / 1000)


class _Queues(Collector):
    def __init__(self, depths: Sequence[QueueDepth]) -> None:
        self.depths = depths

    def collect(self) -> Iterable[Metric]:
        depth = GaugeMetricFamily("tarn_queue_messages", "Messages in a queue.", labels=["queue", "state"])
        age = GaugeMetricFamily("tarn_queue_age_seconds", "Wait of the oldest message ready.", labels=["queue"])
        for queue in self.depths:
            depth.add_metric([queue.queue, "ready"], queue.ready)
            depth.add_metric([queue.queue, "delayed"], queue.delayed)
            age.add_metric([queue.queue], queue.age_seconds)
        return [depth, age]


def exposition(depths: Sequence[QueueDepth] = ()) -> bytes:
    """The metrics page."""
    registry: CollectorRegistry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    queues = CollectorRegistry()
    queues.register(_Queues(depths))
    return generate_latest(registry) + generate_latest(queues)
