"""The run that is measured, and the least that the database has to do for it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
import sqlalchemy as sa

from benchmarks.billing_run.seed import MONTH_END, ORGANIZATION
from domain.billing.bill import bill_subscriptions
from domain.billing.due import bill_due
from domain.billing.requests import BillRequest
from domain.kernel.ids import parse_id
from domain.kernel.jobs import JobRequest
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import Reactions, UnitOfWork, install_reactions, tenant_work
from infrastructure import database

__all__ = ["Kept", "Statements", "bare", "bill", "invoices", "keep", "restore", "select_due", "without_jobs"]

TABLES = (
    "invoices",
    "invoice_subscriptions",
    "fees",
    "fee_pricing_units",
    "fee_applied_taxes",
    "invoice_applied_taxes",
    "invoice_number_counters",
    "cached_aggregations",
)
_COUNTERS = "invoice_number_counters"
Chunk = list[list[str]]


class Statements:
    """Counts what the engine sends, by transaction."""

    def __init__(self) -> None:
        self.count = 0
        sa.event.listen(database.engine().sync_engine, "before_cursor_execute", self._seen)

    def _seen(self, *_: object) -> None:
        self.count += 1


def without_jobs(chunks: list[Chunk] | None = None) -> None:
    """Nothing follows what this process commits; the groups of every chunk that the selection hands out are kept."""

    async def requests(work: UnitOfWork, events: object) -> Sequence[JobRequest]:
        return []

    async def dispatch(rows: Sequence[Mapping[str, Any]]) -> None:
        if chunks is not None:
            chunks.extend(row["arguments"]["groups"] for row in rows if row["actor"] == "billing.bill_chunk")

    install_reactions(Reactions(requests, dispatch, {"billing.bill_chunk": "default"}))


async def select_due() -> list[Chunk]:
    """The selection; the groups of every chunk that it hands out."""
    chunks: list[Chunk] = []
    without_jobs(chunks)
    async with tenant_work(tenant()) as work:
        await bill_due(work)
    return chunks


async def bill(chunks: Sequence[Chunk], statements: Statements) -> list[int]:
    """Every chunk in a transaction of its own; the statements of each."""
    counts = []
    for chunk in chunks:
        before = statements.count
        async with tenant_work(tenant()) as work:
            requests = [
                BillRequest(tuple(parse_id(one) or ORGANIZATION for one in group), at(), "subscription_periodic")
                for group in chunk
            ]
            await bill_subscriptions(work, requests)
        counts.append(statements.count - before)
    return counts


@dataclass(frozen=True, slots=True)
class Kept:
    """The rows of a table in binary, by table."""

    rows: Mapping[str, bytes]


def keep(connection: psycopg.Connection[Any], *, since: datetime | None = None) -> Kept:
    """What stands in the tables, or what was written since; of the counters always all, since they are rewritten."""
    found = {}
    for table in TABLES:
        source = table
        if since is not None and table != _COUNTERS:
            source = f"(SELECT * FROM {table} WHERE created_at >= '{since.isoformat()}')"
        with connection.cursor().copy(f"COPY {source} TO STDOUT (FORMAT binary)") as copy:
            found[table] = b"".join(bytes(part) for part in copy)
    return Kept(found)


def restore(connection: psycopg.Connection[Any], kept: Kept, *, counters: bool = True) -> None:
    """The tables as they were kept, and no jobs."""
    connection.execute(f"TRUNCATE jobs, {', '.join(TABLES)} CASCADE")
    _copy(connection, {name: rows for name, rows in kept.rows.items() if counters or name != _COUNTERS})
    connection.execute("CHECKPOINT")


def _copy(connection: psycopg.Connection[Any], rows: Mapping[str, bytes]) -> None:
    for table, content in rows.items():
        with connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT binary)") as copy:
            copy.write(content)


def bare(connection: psycopg.Connection[Any], past: Kept, aggregates: Sequence[tuple[str, Sequence[str]]]) -> float:
    """The seconds of the same work without Tarn: reads, and COPY of the rows that the run has written."""
    written = keep(connection, since=at())
    restore(connection, past, counters=False)
    start = time.perf_counter()
    for statement, codes in aggregates:
        connection.execute(statement, {"org": ORGANIZATION, "codes": list(codes)}).fetchall()
    _copy(connection, written.rows)
    return time.perf_counter() - start


def invoices(connection: psycopg.Connection[Any]) -> int:
    """How many final invoices the run has made."""
    found = connection.execute(
        "SELECT count(*) FROM invoices WHERE status = 'finalized' AND created_at >= %s", [at()]
    ).fetchone()
    assert found is not None
    return int(found[0])


def at() -> datetime:
    """The instant of the run."""
    return datetime.fromisoformat(MONTH_END)


def tenant() -> Tenant:
    return Tenant(ORGANIZATION, at())
