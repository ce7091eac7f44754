"""A worker or clock as a process of its own, with the sample jobs: `python -m tests.tasks.process worker default`."""

from __future__ import annotations

import sys

import tests.tasks.sample_jobs  # noqa: F401

if __name__ == "__main__":
    if sys.argv[1] == "worker":
        from tasks.worker import run as work

        queues = sys.argv[2].split(",") if len(sys.argv) > 2 and sys.argv[2] else None
        work(queues, int(sys.argv[3]) if len(sys.argv) > 3 else None)
    else:
        from tasks.clock import run as beat

        beat()
