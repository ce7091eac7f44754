"""How long a billing run takes against the least that the database has to do for it.

    DATABASE_URL=postgresql://… python -m benchmarks.billing_run [--subscriptions 10000] [--events 1000000]
        [--rounds 3] [--only plain|mixed] [--no-workers]

Two runs: *plain*, a monthly plan of five charges, one with filters; *mixed*, six kinds of plans, see mixed.py. The
database is emptied. Bare: one statement over the same events for each aggregation, and a COPY of every row that the run
has written, table by table, into the same tables. Both are measured in the same process, one after the other. Without
documents. The bars: see BARS, and the same number of statements per chunk at a tenth of the subscriptions and at all.
Then the mixed run once more by one and by two worker processes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from typing import Any

import psycopg

from benchmarks.billing_run import mixed, plain
from benchmarks.billing_run.run import Statements, bare, bill, invoices, keep, restore, select_due, without_jobs
from benchmarks.billing_run.seed import seed
from benchmarks.billing_run.workers import invoices_per_minute
from infrastructure import database

BARS = {"plain": 6.0, "mixed": 8.0}
AGGREGATES = {"plain": plain.AGGREGATES, "mixed": mixed.AGGREGATES}


async def prepare(connection: psycopg.Connection[Any], name: str, subscriptions: int, events: int) -> None:
    """Everything that is there before the run."""
    without_jobs()
    if name == "plain":
        seed(connection, subscriptions=subscriptions, events=events)
    else:
        await mixed.seed_mixed(connection, subscriptions=subscriptions, events=events)


async def measure(name: str, subscriptions: int, events: int, rounds: int) -> dict[str, Any]:
    """The medians of some rounds at one size."""
    ours, limit = [], []
    counts: set[int] = set()
    with psycopg.connect(database.bare_url(), autocommit=True) as connection:
        await prepare(connection, name, subscriptions, events)
        past = keep(connection)
        statements = Statements()
        for _ in range(rounds):
            restore(connection, past)
            start = time.perf_counter()
            chunks = await select_due()
            counts |= set(await bill(chunks, statements))
            ours.append(time.perf_counter() - start)
            assert invoices(connection) == subscriptions, invoices(connection)
            limit.append(bare(connection, past, AGGREGATES[name]))
    seconds, least = statistics.median(ours), statistics.median(limit)
    return {
        "run": name,
        "subscriptions": subscriptions,
        "events": events,
        "seconds": round(seconds, 2),
        "seconds_per_10000_invoices": round(seconds * 10_000 / subscriptions, 2),
        "bare_seconds": round(least, 2),
        "ratio": round(seconds / least, 2),
        "statements_per_chunk": sorted(counts),
    }


async def by_workers(subscriptions: int, events: int) -> None:
    """Prints one JSON line for one and one for two worker processes."""
    with psycopg.connect(database.bare_url(), autocommit=True) as connection:
        await prepare(connection, "mixed", subscriptions, events)
        past = keep(connection)
        for processes in (1, 2):
            restore(connection, past)
            rate = await invoices_per_minute(connection, processes, subscriptions)
            print(json.dumps({"run": "mixed", "workers": processes, "invoices_per_minute": round(rate)}), flush=True)


async def main() -> int:
    """Prints one JSON line a run and size; 1 when a bar is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--subscriptions", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=tuple(BARS))
    parser.add_argument("--no-workers", action="store_true")
    arguments = parser.parse_args()
    missed = 0
    for name in (arguments.only,) if arguments.only else tuple(BARS):
        tenth = await measure(name, arguments.subscriptions // 10, arguments.events // 10, 1)
        print(json.dumps(tenth), flush=True)
        full = await measure(name, arguments.subscriptions, arguments.events, arguments.rounds)
        print(json.dumps(full), flush=True)
        same = tenth["statements_per_chunk"] == full["statements_per_chunk"]
        missed += full["ratio"] > BARS[name] or not same
    if not arguments.no_workers and arguments.only != "plain":
        await by_workers(arguments.subscriptions, arguments.events)
    await database.close()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
