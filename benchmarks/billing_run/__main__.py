"""How long a billing run of five charges, one with filters, takes against the least that the database has to do for it.

    DATABASE_URL=postgresql://… python -m benchmarks.billing_run [--subscriptions 10000] [--events 1000000]

The database is emptied. Bare: one GROUP BY over the same events for each aggregation, and a COPY of every row that the
run has written, table by table, into the same tables. Both are measured in the same process, one after the other.
Without documents. The bar is a ratio of at most 6, and the same number of statements per chunk at 1,000 and 10,000.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg
import sqlalchemy as sa

from benchmarks.billing_run.seed import MONTH_END, ORGANIZATION, seed
from domain.billing.bill import bill_subscriptions
from domain.billing.due import bill_due
from domain.billing.requests import BillRequest
from domain.kernel.ids import parse_id
from domain.kernel.jobs import JobRequest
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import Reactions, UnitOfWork, install_reactions, tenant_work
from infrastructure import database

BAR = 6.0
TABLES = (
    "invoices",
    "invoice_subscriptions",
    "fees",
    "fee_pricing_units",
    "fee_applied_taxes",
    "invoice_applied_taxes",
    "invoice_number_counters",
)
_AGGREGATES = (
    "SELECT external_subscription_id, code, count(*) FROM events WHERE organization_id = %(org)s AND code = 'calls'"
    " AND timestamp >= '2024-03-01' AND timestamp < '2024-04-01' AND deleted_at IS NULL GROUP BY 1, 2",
    "SELECT external_subscription_id, code, sum(value), count(value) FROM events WHERE organization_id = %(org)s"
    " AND code IN ('input', 'output') AND timestamp >= '2024-03-01' AND timestamp < '2024-04-01'"
    " AND deleted_at IS NULL GROUP BY 1, 2",
    "SELECT external_subscription_id, properties ->> 'region', sum(value), count(value) FROM events"
    " WHERE organization_id = %(org)s AND code = 'tokens' AND timestamp >= '2024-03-01' AND timestamp < '2024-04-01'"
    " AND deleted_at IS NULL GROUP BY 1, 2",
    "SELECT external_subscription_id, code, max(value), count(value) FROM events WHERE organization_id = %(org)s"
    " AND code = 'seats' AND timestamp >= '2024-03-01' AND timestamp < '2024-04-01' AND deleted_at IS NULL"
    " GROUP BY 1, 2",
)


class Statements:
    """Counts what the engine sends, by transaction."""

    def __init__(self) -> None:
        self.count = 0
        sa.event.listen(database.engine().sync_engine, "before_cursor_execute", self._seen)

    def _seen(self, *_: object) -> None:
        self.count += 1


async def run() -> list[list[list[str]]]:
    """The selection; the groups of every chunk that it hands out."""
    chunks: list[list[list[str]]] = []

    async def requests(work: UnitOfWork, events: object) -> Sequence[JobRequest]:
        return []

    async def dispatch(rows: Sequence[Mapping[str, Any]]) -> None:
        chunks.extend(row["arguments"]["groups"] for row in rows)

    install_reactions(Reactions(requests, dispatch, {"billing.bill_chunk": "default"}))
    async with tenant_work(_tenant()) as work:
        await bill_due(work)
    return chunks


async def bill(chunks: list[list[list[str]]], statements: Statements) -> list[int]:
    """Every chunk in a transaction of its own; the statements of each."""
    counts = []
    for chunk in chunks:
        before = statements.count
        async with tenant_work(_tenant()) as work:
            requests = [
                BillRequest(tuple(parse_id(one) or ORGANIZATION for one in group), _at(), "subscription_periodic")
                for group in chunk
            ]
            await bill_subscriptions(work, requests)
        counts.append(statements.count - before)
    return counts


def bare(connection: psycopg.Connection[Any]) -> float:
    """The seconds of the same work without Tarn: reads, and COPY of the rows that stand there."""
    kept = {table: _copied(connection, table) for table in TABLES}
    connection.execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")
    start = time.perf_counter()
    for aggregate in _AGGREGATES:
        connection.execute(aggregate, {"org": ORGANIZATION}).fetchall()
    for table in TABLES:
        with connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT binary)") as copy:
            copy.write(kept[table])
    return time.perf_counter() - start


def _copied(connection: psycopg.Connection[Any], table: str) -> bytes:
    with connection.cursor().copy(f"COPY {table} TO STDOUT (FORMAT binary)") as copy:
        return b"".join(bytes(part) for part in copy)


def _at() -> datetime:
    return datetime.fromisoformat(MONTH_END)


def _tenant() -> Tenant:
    return Tenant(ORGANIZATION, _at())


async def measure(subscriptions: int, events: int, rounds: int) -> dict[str, Any]:
    """The medians of some rounds at one size."""
    ours, limit = [], []
    counts: set[int] = set()
    with psycopg.connect(database.bare_url(), autocommit=True) as connection:
        seed(connection, subscriptions=subscriptions, events=events)
        statements = Statements()
        for _ in range(rounds):
            connection.execute(f"TRUNCATE jobs, {', '.join(TABLES)} CASCADE")
            connection.execute("CHECKPOINT")
            start = time.perf_counter()
            chunks = await run()
            counts |= set(await bill(chunks, statements))
            ours.append(time.perf_counter() - start)
            made = connection.execute("SELECT count(*) FROM invoices WHERE status = 'finalized'").fetchone()
            assert made is not None
            assert made[0] == subscriptions, made
            connection.execute("CHECKPOINT")
            limit.append(bare(connection))
    seconds, least = statistics.median(ours), statistics.median(limit)
    return {
        "subscriptions": subscriptions,
        "events": events,
        "seconds": round(seconds, 2),
        "seconds_per_10000_invoices": round(seconds * 10_000 / subscriptions, 2),
        "bare_seconds": round(least, 2),
        "ratio": round(seconds / least, 2),
        "statements_per_chunk": sorted(counts),
    }


async def main() -> int:
    """Prints one JSON line a size; 1 when a bar is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--subscriptions", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    tenth = await measure(arguments.subscriptions // 10, arguments.events // 10, 1)
    full = await measure(arguments.subscriptions, arguments.events, arguments.rounds)
    for result in (tenth, full):
        print(json.dumps(result))
    await database.close()
    same = tenth["statements_per_chunk"] == full["statements_per_chunk"]
    return 0 if full["ratio"] <= BAR and same else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
