"""A worker or clock as a process of its own, with the sample jobs and a schedule of the test's own:
`python -m tests.tasks.process worker default,billing 5`."""

from __future__ import annotations

import sys

import tasks.clock
import tasks.worker
from domain.kernel.unit_of_work import UnitOfWork
from tasks.schedule import SCHEDULED, Scheduled
from tests.tasks.sample_jobs import mark


async def _minute(work: UnitOfWork) -> None:
    await mark(work, "minute")


async def _second(work: UnitOfWork) -> None:
    await mark(work, "second")


BEATS = (Scheduled("every_minute", "", "* * * * *", _minute), Scheduled("every_second", "", 1, _second))

if __name__ == "__main__":
    SCHEDULED.update({each.name: each for each in BEATS})
    if sys.argv[1] == "worker":
        queues = sys.argv[2].split(",") if len(sys.argv) > 2 and sys.argv[2] else None
        tasks.worker.run(queues, int(sys.argv[3]) if len(sys.argv) > 3 else None)
    else:
        tasks.clock.run(BEATS)
