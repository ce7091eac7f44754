"""A worker or clock as a process of its own, with the sample jobs and a schedule of the test's own:
`python -m tests.tasks.process worker default,billing 5`.

`python -m tests.tasks.process` alone imports everything once and then forks a process for every line that it reads:
JSON with arguments, environment, and the file for its output. It answers with the pid, and writes the status that the
process ended with into the file of that name with `.status` behind it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import tasks.clock
import tasks.worker
from domain.kernel.unit_of_work import UnitOfWork
from infrastructure.settings import settings
from tasks.schedule import SCHEDULED, Scheduled
from tests.tasks.sample_jobs import mark


async def _minute(work: UnitOfWork) -> None:
    await mark(work, "minute")


async def _second(work: UnitOfWork) -> None:
    await mark(work, "second")


BEATS = (Scheduled("every_minute", "", "* * * * *", _minute), Scheduled("every_second", "", 1, _second))


def play(arguments: Sequence[str]) -> None:
    SCHEDULED.update({each.name: each for each in BEATS})
    if arguments[0] == "worker":
        queues = arguments[1].split(",") if len(arguments) > 1 and arguments[1] else None
        tasks.worker.run(queues, int(arguments[2]) if len(arguments) > 2 else None)
    else:
        tasks.clock.run(BEATS)


def serve() -> None:
    """Until standard input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how those ended that wait below
    for line in sys.stdin:
        order = json.loads(line)
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            pid = os.fork()
            if pid == 0:
                _become(order)
            print(pid, flush=True)
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            written = Path(order["output"] + ".status.new")
            written.write_text(str(status))
            written.rename(order["output"] + ".status")
            os._exit(0)


def _become(order: dict[str, Any]) -> NoReturn:
    """The process as it would be after a start of its own."""
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for target, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, output), (2, output)):
        os.dup2(source, target)
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    settings.cache_clear()
    status = 1
    try:
        play(order["arguments"])
        status = 0
    except SystemExit as end:
        print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    play(sys.argv[1:]) if sys.argv[1:] else serve()
