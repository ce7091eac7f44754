"""How many usage events a second go through HTTP, against the bare limit of the same machine in the same run.

    python -m benchmarks.ingest [--seconds 8] [--rounds 3] [--connections 16]

Starts a real `tarn up` in a temporary directory, sends events with wrk, in batches of 100 and one by one, and COPYs the
very rows that were stored into a table of the same shape and indexes, as the owner and without row-level security. The
batches come in two kinds: of a metric that reads a property, and of one that computes it with an expression and is
charged with filters, to subscriptions that exist. Each kind has its own COPY and has to reach the bar. Both sides share
the machine's cores with everything else, wrk included. Then it waits until post-processing has drained.
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

from benchmarks.ingest.priced import CODE as PRICED
from benchmarks.ingest.priced import prepare_priced
from infrastructure.process import free_port

BAR = 0.40
PLAIN = "tokens"
SUBSCRIPTIONS = 1_000
COLUMNS = (
    "id, organization_id, external_subscription_id, transaction_id, code, properties, value, "
    "precise_total_amount_cents, event_metadata, created_at, deleted_at, timestamp"
)
COPIED_AT_A_TIME = 10_000
START_SECONDS = 180.0
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


def send(address: str, key: str, run: str, *, code: str, events: int, seconds: int, connections: int) -> dict[str, Any]:
    """One run of wrk: events per second, latencies in ms, refused and broken requests."""
    found = subprocess.run(
        ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "-s", str(Path(__file__).parent / "events.lua"), address],
        env={
            **os.environ, "EVENTS": str(events), "API_KEY": key, "RUN": run, "CODE": code,
            "SUBSCRIPTIONS": str(SUBSCRIPTIONS),
        },
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


def check(database: psycopg.Connection, run: str, code: str, answered: int) -> None:
    """Everything that was answered stands in the table; where an expression computes a number, every row has it."""
    found = database.execute(
        "SELECT count(*), count(value) FROM events WHERE transaction_id LIKE %s AND code = %s", [f"{run}-%", code]
    ).fetchone()
    assert found is not None
    assert found[0] >= answered, "answered but not stored"
    assert found[1] == found[0], "stored without its number"


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
    figures: dict[str, list[float]] = {"plain": [], "priced": [], "single": [], "drain": []}
    figures |= {"copy plain": [], "copy priced": []}
    latencies: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="tarn-bench-") as place, server(Path(place)) as (address, environment):
        os.environ |= environment
        key = asyncio.run(prepare())
        with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as database:
            prepare_priced(address, key, database, SUBSCRIPTIONS)
            for code in (PLAIN, PRICED):
                send(address, key, f"warm-{code}", code=code, events=100, seconds=1, connections=4)
            for number in range(options.rounds):
                for name, code in (("plain", PLAIN), ("priced", PRICED)):
                    result = send(
                        address, key, f"{name}{number}", code=code, events=100, seconds=options.seconds,
                        connections=options.connections,
                    )  # fmt: skip
                    figures["drain"].append(drained(database))
                    check(database, f"{name}{number}", code, (result["requests"] - result["refused"]) * 100)
                    figures[name].append(result["rate"])
                    figures[f"copy {name}"].append(copy(database, f"{name}{number}"))
                    latencies[name] = result
                single = send(
                    address, key, f"single{number}", code=PLAIN, events=1, seconds=options.seconds,
                    connections=options.connections * 8,
                )  # fmt: skip
                figures["single"].append(single["rate"])
                figures["drain"].append(drained(database))
                latencies["single"] = single
                console.print(
                    f"round {number + 1}: "
                    + ", ".join(f"{name} {values[-1]:,.0f}/s" for name, values in figures.items() if name != "drain")
                )

    middle = {name: median(values) for name, values in figures.items()}
    ratios = {name: middle[name] / middle[f"copy {name}"] for name in ("plain", "priced")}
    ratios["single"] = middle["single"] / middle["copy plain"]
    table = Table("path", "events/s", "of COPY", "median ms", "99 % ms", "refused", "broken")
    for name, title in (
        ("plain", "HTTP, 100 a request"),
        ("priced", "the same, with expression and charge filters"),
        ("single", "HTTP, one a request"),
    ):
        last = latencies[name]
        table.add_row(
            title, f"{middle[name]:,.0f}", f"{ratios[name]:.2f}", f"{last['median_ms']:.1f}",
            f"{last['p99_ms']:.1f}", str(last["refused"]), str(last["broken"]),
        )  # fmt: skip
    for name, title in (("plain", "bare COPY, same rows and indexes"), ("priced", "the same, rows of the expression")):
        table.add_row(title, f"{middle[f'copy {name}']:,.0f}", "1.00")
    console.print(table)
    console.print(f"Post-processing drained {max(figures['drain']):.2f} s after the last answer at the latest.")
    console.print(
        f"Batches reach {ratios['plain']:.2f} of COPY, with expression and filters {ratios['priced']:.2f};"
        f" the bar of each is {BAR:.2f}."
    )
    return 0 if min(ratios["plain"], ratios["priced"]) >= BAR else 1


if __name__ == "__main__":
    raise SystemExit(main())
