"""How many usage events a second go through HTTP, against the bare limit of the same machine in the same run.

    python -m benchmarks.ingest [--seconds 8] [--rounds 3] [--connections 16]

Starts a real `tarn up` in a temporary directory, sends events with wrk, in batches of 100 and one by one, and COPYs the
very rows that were stored into a table of the same shape and indexes, as the owner and without row-level security. Both
sides share the machine's cores with everything else, wrk included. Then it waits until post-processing has drained.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import psycopg
from rich.console import Console
from rich.table import Table

from infrastructure.process import free_port

BAR = 0.40
COLUMNS = (
    "id, organization_id, external_subscription_id, transaction_id, code, properties, value, "
    "precise_total_amount_cents, event_metadata, created_at, deleted_at, timestamp"
)
COPIED_AT_A_TIME = 10_000
START_SECONDS = 60.0
DRAIN_SECONDS = 300.0


@contextmanager
def server(place: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """A `tarn up` of its own: its address, and the environment that it wrote down."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TARN_", "DATABASE_"))}
    output = (place / "output").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "up", "--no-demo", "--port", str(port), "--data-dir", str(place / "data")],
        env=environment, stdout=output, stderr=output,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if process.poll() is not None:
                break
            try:
                if httpx.get(f"{address}/health", timeout=2).status_code == 200:
                    said = json.loads((place / "data" / "environment.json").read_text())
                    yield address, {name: value for name, value in said.items() if isinstance(value, str)}
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise SystemExit(f"the server did not start:\n{(place / 'output').read_text(errors='replace')}")
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()


async def prepare() -> str:
    """An organization with a metric that sums a property; its API key. Runs against the server's own database."""
    from domain.catalog.models import BillableMetric
    from domain.identity.register import register
    from domain.kernel.tenancy import Tenant
    from domain.kernel.unit_of_work import tenant_work
    from infrastructure import database
    from tasks.app import install

    install()
    registered = await register(
        {"email": "bench@example.com", "password": "a long password", "organization_name": "Bench"}
    )
    organization_id = registered.founded.organization.id
    async with tenant_work(Tenant(organization_id)) as work:
        work.session.add(
            BillableMetric(
                organization_id=organization_id, name="Tokens", code="tokens", aggregation_type="sum_agg",
                field_name="tokens", values_ready=True,
            )
        )  # fmt: skip
    await database.close()
    return registered.founded.api_key.value


def send(address: str, key: str, run: str, *, events: int, seconds: int, connections: int) -> dict[str, Any]:
    """One run of wrk: events per second, latencies in ms, refused and broken requests."""
    found = subprocess.run(
        ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "-s", str(Path(__file__).parent / "events.lua"), address],
        env={**os.environ, "EVENTS": str(events), "API_KEY": key, "RUN": run},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = [line for line in found.stdout.splitlines() if line.startswith("RESULT ")]
    if not lines:
        raise SystemExit(f"wrk failed:\n{found.stdout}{found.stderr}")
    result: dict[str, Any] = json.loads(lines[0].removeprefix("RESULT "))
    result["rate"] = (result["requests"] - result["refused"]) * events / result["seconds"]
    return result


def copy(database: psycopg.Connection, run: str) -> float:
    """Rows a second of bare COPY: the rows of one run, into a table with the same columns and indexes."""
    database.execute("DROP TABLE IF EXISTS copied_events")
    database.execute("CREATE TABLE copied_events (LIKE events INCLUDING ALL)")
    with database.cursor().copy(
        f"COPY (SELECT {COLUMNS} FROM events WHERE transaction_id LIKE '{run}-%' ORDER BY sequence) TO STDOUT"
    ) as out:
        rows = [bytes(row) for row in out]
    chunks = [b"".join(rows[n : n + COPIED_AT_A_TIME]) for n in range(0, len(rows), COPIED_AT_A_TIME)]
    began = time.perf_counter()
    for chunk in chunks:
        with database.cursor().copy(f"COPY copied_events ({COLUMNS}) FROM STDIN") as into:
            into.write(chunk)
    rate = len(rows) / (time.perf_counter() - began)
    database.execute("DROP TABLE copied_events")
    return rate


def drained(database: psycopg.Connection) -> float:
    """Seconds until no post-processing is left in the ledger."""
    began = time.perf_counter()
    while True:
        row = database.execute("SELECT count(*) FROM jobs WHERE actor = 'metering.post_process'").fetchone()
        took = time.perf_counter() - began
        if row == (0,):
            return took
        if took > DRAIN_SECONDS:
            raise SystemExit(f"post-processing did not drain: {row} jobs left")
        time.sleep(0.02)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=8, help="length of each run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--connections", type=int, default=16, help="for batches; single events use eight times as many"
    )
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        print("wrk is not installed: apt-get install wrk (Debian, Ubuntu), brew install wrk (macOS)", file=sys.stderr)
        return 2
    console = Console()
    figures: dict[str, list[float]] = {"batch": [], "copy": [], "single": [], "drain": []}
    latencies: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="tarn-bench-") as place, server(Path(place)) as (address, environment):
        os.environ |= environment
        key = asyncio.run(prepare())
        with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as database:
            send(address, key, "warm", events=100, seconds=1, connections=4)
            for number in range(options.rounds):
                run = f"b{number}"
                result = send(address, key, run, events=100, seconds=options.seconds, connections=options.connections)
                figures["drain"].append(drained(database))
                stored = database.execute(
                    "SELECT count(*) FROM events WHERE transaction_id LIKE %s", [f"{run}-%"]
                ).fetchone()
                assert stored is not None
                assert stored[0] >= (result["requests"] - result["refused"]) * 100, "answered but not stored"
                figures["batch"].append(result["rate"])
                figures["copy"].append(copy(database, run))
                latencies["batch"] = result
                single = send(
                    address, key, f"s{number}", events=1, seconds=options.seconds, connections=options.connections * 8
                )
                figures["single"].append(single["rate"])
                figures["drain"].append(drained(database))
                latencies["single"] = single
                console.print(
                    f"round {number + 1}: batches {figures['batch'][-1]:,.0f}/s, COPY {figures['copy'][-1]:,.0f}/s,"
                    f" single {figures['single'][-1]:,.0f}/s"
                )

    middle = {name: median(values) for name, values in figures.items()}
    ratio = middle["batch"] / middle["copy"]
    table = Table("path", "events/s", "of COPY", "median ms", "99 % ms", "refused", "broken")
    for name, title in (("batch", "HTTP, 100 a request"), ("single", "HTTP, one a request")):
        last = latencies[name]
        table.add_row(
            title, f"{middle[name]:,.0f}", f"{middle[name] / middle['copy']:.2f}", f"{last['median_ms']:.1f}",
            f"{last['p99_ms']:.1f}", str(last["refused"]), str(last["broken"]),
        )  # fmt: skip
    table.add_row("bare COPY, same rows and indexes", f"{middle['copy']:,.0f}", "1.00")
    console.print(table)
    console.print(f"Post-processing drained {max(figures['drain']):.2f} s after the last answer at the latest.")
    console.print(f"Batches reach {ratio:.2f} of COPY; the bar is {BAR:.2f}.")
    return 0 if ratio >= BAR else 1


if __name__ == "__main__":
    raise SystemExit(main())
