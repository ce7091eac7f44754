"""How long refreshing the ongoing balances of many wallets takes against the bare aggregates behind them.

    DATABASE_URL=postgresql://… LAGO_REDIS_CACHE_URL=redis://… python -m benchmarks.wallets [--wallets 10000]
        [--events 1000000]

The database is emptied. Every customer has a subscription with three charges and one wallet, and every customer is
flagged. Ours: the flags taken, the usage measured (nothing of it cached), priced and taxed, wallets locked, charged and
written, in jobs of 500 customers. Bare: one GROUP BY over the same events for each aggregation and one UPDATE of as
many rows, as the owner. The number of statements of a job must be the same at a tenth of the size.
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
from uuid import UUID

import psycopg
import sqlalchemy as sa

from benchmarks.billing_run.seed import ORGANIZATION, seed
from domain.credits.wallets.flags import REFRESH, refresh_flagged
from domain.credits.wallets.ongoing_balance import refresh_ongoing_balances
from domain.kernel.jobs import JobRequest
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import Reactions, UnitOfWork, install_reactions, tenant_work
from domain.metering import usage_cache
from infrastructure import database

NOW = datetime.fromisoformat("2024-03-31T23:00:00Z")
TENANT = Tenant(ORGANIZATION, NOW)
_WALLETS = """
    INSERT INTO wallets (id, organization_id, customer_id, code, status, rate_amount, currency, priority, balance_cents,
        credits_balance, consumed_amount_cents, consumed_credits, ongoing_usage_balance_cents,
        credits_ongoing_usage_balance, ongoing_balance_cents, credits_ongoing_balance, depleted_ongoing_balance,
        invoice_requires_successful_payment, allowed_fee_types, payment_method_type, skip_invoice_custom_sections,
        created_at, updated_at)
    SELECT uuidv7(), organization_id, id, 'main', 'active', 1, 'USD', 50, 1000000, 10000, 0, 0, 0, 0, 1000000, 10000,
           false, false, '{}', 'provider', false, created_at, created_at
    FROM customers WHERE organization_id = %(org)s
"""
_FLAGS = """
    INSERT INTO wallet_refreshes (id, organization_id, customer_id, created_at, updated_at)
    SELECT uuidv7(), organization_id, id, created_at, created_at FROM customers WHERE organization_id = %(org)s
"""
_PERIOD = "timestamp >= '2024-03-01' AND timestamp < '2024-04-01' AND deleted_at IS NULL GROUP BY 1, 2"
_BARE = (
    "SELECT external_subscription_id, code, count(*) FROM events WHERE organization_id = %(org)s AND code = 'calls'"
    f" AND {_PERIOD}",
    "SELECT external_subscription_id, code, sum(value), count(value) FROM events WHERE organization_id = %(org)s"
    f" AND code IN ('input', 'output') AND {_PERIOD}",
)
_BARE_UPDATE = """
    UPDATE wallets SET ongoing_usage_balance_cents = ongoing_usage_balance_cents, updated_at = %(now)s
    WHERE organization_id = %(org)s
"""


async def _no_jobs(work: UnitOfWork, events: object) -> Sequence[JobRequest]:
    return []


async def refresh() -> list[int]:
    """Takes the flags and does the jobs that they ask for; the statements of each job."""
    asked: list[list[UUID]] = []

    async def dispatch(rows: Sequence[Mapping[str, Any]]) -> None:
        asked.extend(row["arguments"]["customer_ids"] for row in rows)

    install_reactions(Reactions(_no_jobs, dispatch, {REFRESH: "wallets"}))
    async with tenant_work(TENANT) as work:
        await refresh_flagged(work)
    counts = []
    sent = 0

    def seen(*_: object) -> None:
        nonlocal sent
        sent += 1

    sa.event.listen(database.engine().sync_engine, "before_cursor_execute", seen)
    for customer_ids in asked:
        before = sent
        async with tenant_work(TENANT) as work:
            await refresh_ongoing_balances(work, customer_ids)
        counts.append(sent - before)
    sa.event.remove(database.engine().sync_engine, "before_cursor_execute", seen)
    return counts


def bare(connection: psycopg.Connection[Any]) -> float:
    """The seconds of the same reads and of one write of as many rows, without Tarn."""
    start = time.perf_counter()
    for aggregate in _BARE:
        connection.execute(aggregate, {"org": ORGANIZATION}).fetchall()
    connection.execute(_BARE_UPDATE, {"org": ORGANIZATION, "now": NOW})
    return time.perf_counter() - start


async def measure(wallets: int, events: int, rounds: int) -> dict[str, Any]:
    """The medians of some rounds at one size."""
    ours, limit = [], []
    counts: set[int] = set()
    with psycopg.connect(database.bare_url(), autocommit=True) as connection:
        seed(connection, subscriptions=wallets, events=events)
        connection.execute(_WALLETS, {"org": ORGANIZATION})
        for _ in range(rounds):
            connection.execute("TRUNCATE jobs, wallet_refreshes")
            connection.execute(_FLAGS, {"org": ORGANIZATION})
            connection.execute("VACUUM ANALYZE wallets")
            await usage_cache.drop((ORGANIZATION, f"sub-{number}") for number in range(1, wallets + 1))
            start = time.perf_counter()
            counts |= set(await refresh())
            ours.append(time.perf_counter() - start)
            limit.append(bare(connection))
        used = connection.execute("SELECT count(*) FROM wallets WHERE ongoing_usage_balance_cents > 0").fetchone()
        assert used is not None
        assert used[0] == wallets, used
    seconds, least = statistics.median(ours), statistics.median(limit)
    return {
        "wallets": wallets,
        "events": events,
        "seconds": round(seconds, 2),
        "seconds_per_10000_wallets": round(seconds * 10_000 / wallets, 2),
        "bare_seconds": round(least, 2),
        "ratio": round(seconds / least, 2),
        "statements_per_job": sorted(counts),
    }


async def main() -> int:
    """Prints one JSON line a size; 1 when a job's statements grow with the number of wallets."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--wallets", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    tenth = await measure(arguments.wallets // 10, arguments.events // 10, 1)
    full = await measure(arguments.wallets, arguments.events, arguments.rounds)
    for result in (tenth, full):
        print(json.dumps(result))
    await database.close()
    return 0 if tenth["statements_per_job"] == full["statements_per_job"] else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
