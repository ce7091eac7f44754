"""The same run by worker processes: the job that selects, then `tarn worker` processes that take what it hands out."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import Any

import psycopg

from benchmarks.billing_run.run import invoices, tenant
from domain.billing.due import bill_due
from domain.kernel.unit_of_work import tenant_work
from infrastructure.settings import settings
from tasks.app import install
from tasks.dispatch import queue_client

__all__ = ["invoices_per_minute"]

LONGEST = 1_800.0
LOOK_SECONDS = 0.05


@contextmanager
def _workers(count: int) -> Iterator[None]:
    """Processes that take the billing queue alone, ready to work."""
    environment = {**os.environ, "DRAMATIQ_BILLING": "true"}
    with TemporaryFile("w+") as output:
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", "cli.main", "worker", "--queues", "billing"],
                env=environment, stdout=output, stderr=output,
            )
            for _ in range(count)
        ]  # fmt: skip
        try:
            until = time.monotonic() + LONGEST
            while _said(output, "worker ready") < count:
                if time.monotonic() > until or any(process.poll() is not None for process in processes):
                    output.seek(0)
                    raise SystemExit(f"a worker did not start:\n{output.read()}")
                time.sleep(LOOK_SECONDS)
            yield
        finally:
            for process in processes:
                process.send_signal(signal.SIGTERM)
            for process in processes:
                process.wait(60)


def _said(output: Any, words: str) -> int:
    output.flush()
    return int(os.pread(output.fileno(), 1_000_000, 0).decode(errors="replace").count(words))


async def invoices_per_minute(connection: psycopg.Connection[Any], processes: int, expected: int) -> float:
    """From the selection to the last invoice, in a database where nothing of the run has been billed."""
    settings().queue_billing = True
    install()
    await queue_client().flushdb()
    with _workers(processes):
        start = time.perf_counter()
        async with tenant_work(tenant()) as work:
            await bill_due(work)
        while (made := invoices(connection)) < expected:
            if time.perf_counter() - start > LONGEST:
                raise SystemExit(f"only {made} of {expected} invoices were made")
            await asyncio.sleep(LOOK_SECONDS)
        took = time.perf_counter() - start
    failed = connection.execute("SELECT count(*) FROM jobs WHERE status = 'failed'").fetchone()
    assert failed == (0,), f"{failed} jobs failed"
    return expected * 60 / took
