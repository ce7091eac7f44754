"""`tarn worker`: one process that runs jobs, several at a time on one event loop, and takes part in the relay.

SIGTERM or SIGINT: running jobs get the grace to finish, what was fetched goes back to its queue, and the process ends.
A job that takes longer is cut off: its transaction is rolled back and another worker runs it anew.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import structlog
from dramatiq import Worker
from dramatiq.asyncio import get_event_loop_thread

from domain.kernel.money import install_decimal_context
from infrastructure import pdf
from infrastructure.collecting import settle
from infrastructure.settings import settings
from infrastructure.telemetry import configure_logging, start_error_reports
from tasks.app import install
from tasks.broker import make_broker
from tasks.queues import DEDICATED_QUEUES, DEFAULT_QUEUES, concurrency_of
from tasks.relay import relay

__all__ = ["run"]

log = structlog.get_logger(__name__)

# Milliseconds: how long an idle consumer sleeps at most, unless its queue can wait (see `tasks.broker`).
WORKER_TIMEOUT = 100
# Seconds: what waits for a message in memory gets it at once; it wakes up only to see that it is to stop.
STOP_SEEN_AFTER = 1.0
# Messages fetched ahead per queue and job at a time: enough to keep a worker busy, few enough to share a backlog.
PREFETCH = 4
# Connections besides those of the running jobs.
SPARE_CONNECTIONS = 4
AFTER_GRACE = 4.0


def run(queues: Sequence[str] | None = None, concurrency: int | None = None) -> None:
    """Works until it is told to stop. Raises SystemExit for a queue that does not exist."""
    taken = list(queues or DEFAULT_QUEUES)
    if unknown := sorted(set(taken) - {*DEFAULT_QUEUES, *DEDICATED_QUEUES}):
        known = ", ".join((*DEFAULT_QUEUES, *DEDICATED_QUEUES))
        raise SystemExit(f"There is no queue called {', '.join(unknown)}. The queues: {known}.")
    stopping = stop_signals()
    install_decimal_context()
    configure_logging()
    start_error_reports()
    install()
    at_a_time = concurrency or settings().worker_concurrency or concurrency_of(taken)
    settings().database_pool = max(settings().database_pool, at_a_time + SPARE_CONNECTIONS)
    worker = Worker(
        make_broker(taken), queues=set(taken), worker_timeout=WORKER_TIMEOUT, worker_threads=at_a_time
    )  # fmt: skip
    worker.queue_prefetch = at_a_time * PREFETCH
    settle()
    worker.start()
    for thread in worker.workers:
        thread.timeout = STOP_SEEN_AFTER
    relaying = on_worker_loop(relay())
    log.info("worker ready", queues=taken, concurrency=at_a_time, pid=os.getpid())
    stopping.wait()
    log.info("worker stops")
    grace = settings().worker_shutdown_seconds
    _end_by_force(grace + AFTER_GRACE)
    relaying.cancel()
    for thread in worker.workers:
        thread.stop()
    deadline = time.monotonic() + grace
    for thread in worker.workers:
        thread.join(max(0.0, deadline - time.monotonic()))
    worker.stop(timeout=1000)
    pdf.close()
    log.info("worker stopped")
    os._exit(0)


def stop_signals() -> threading.Event:
    """Set by SIGTERM and SIGINT. Main thread only."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    return stopping


def on_worker_loop(coroutine: Any) -> Future[None]:
    """Starts a coroutine on the loop that the jobs run on."""
    thread = get_event_loop_thread()
    assert thread is not None
    return asyncio.run_coroutine_threadsafe(coroutine, thread.loop)


def _end_by_force(after: float) -> None:
    """Whatever still hangs then (a job that ignores its cancellation) does not keep the process alive."""
    timer = threading.Timer(after, os._exit, (1,))
    timer.daemon = True
    timer.start()
