"""`tarn clock`: the metronome. periodiq beats the crontabs, an event loop the intervals of seconds; each beat is one
message that says which scheduled job and which tick. What is due is found out by the worker that takes it (see
`tasks.ticks`), from the database.
"""

from __future__ import annotations

import asyncio
import os
import queue
import signal
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from periodiq import Scheduler, cron

from domain.kernel import clock
from infrastructure.settings import settings
from infrastructure.telemetry import configure_logging, start_error_reports
from tasks.app import install
from tasks.dispatch import send
from tasks.queues import route
from tasks.relay import relay
from tasks.schedule import SCHEDULE, Scheduled, next_tick, tick_of

__all__ = ["beat", "run"]

log = structlog.get_logger(__name__)


async def beat(scheduled: Scheduled, at: datetime) -> None:
    """Sends one tick. Two clocks send the same message, and the second is dropped while the first is on its way."""
    tick = tick_of(scheduled, at)
    target = route("clock", "clock_worker", settings())
    message_id = f"tick-{scheduled.name}-{int(tick.timestamp())}"
    try:
        await send([(message_id, target)], task=scheduled.name, at=tick.isoformat())
    except Exception as error:
        log.warning("tick not sent; the next one does its work", task=scheduled.name, error=str(error))


class _Beat:
    """A scheduled job as periodiq's scheduler sees it: an actor with a crontab."""

    def __init__(self, scheduled: Scheduled, loop: asyncio.AbstractEventLoop) -> None:
        self.scheduled = scheduled
        self.loop = loop
        self.options = {"periodic": cron(scheduled.beat)}

    def __str__(self) -> str:
        return self.scheduled.name

    def send_with_options(self, *, scheduled_at: str, **_: Any) -> None:
        """Called by periodiq when the crontab says so."""
        asyncio.run_coroutine_threadsafe(beat(self.scheduled, datetime.fromisoformat(scheduled_at)), self.loop)


async def _intervals(scheduled: Scheduled) -> None:
    """The beats of a cadence in seconds, aligned on the clock."""
    while True:
        at = next_tick(scheduled, clock.wall())
        await asyncio.sleep((at - clock.wall()).total_seconds())
        await beat(scheduled, at)


def run(schedule: Sequence[Scheduled] = SCHEDULE) -> None:
    """Beats until SIGTERM or SIGINT."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    configure_logging()
    start_error_reports()
    install()
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True, name="clock-loop").start()
    asyncio.run_coroutine_threadsafe(relay(), loop)
    schedule = [each for each in schedule if each.on]
    for each in schedule:
        if isinstance(each.beat, int):
            asyncio.run_coroutine_threadsafe(_intervals(each), loop)
    scheduler = Scheduler(actors=[_Beat(each, loop) for each in schedule if isinstance(each.beat, str)])
    # A SimpleQueue may be written to by a signal handler while the same thread reads it.
    scheduler.alarm_q = queue.SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _stop(scheduler))
    log.info("clock ready", jobs=[each.name for each in schedule], pid=os.getpid())
    try:
        scheduler.schedule()
        scheduler.loop()
    except KeyboardInterrupt:
        pass
    log.info("clock stopped")
    os._exit(0)


def _stop(scheduler: Any) -> None:
    raise KeyboardInterrupt
