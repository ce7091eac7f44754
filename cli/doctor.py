"""`tarn doctor`: what is wrong with this installation, and what to do about it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import redis
from redis.asyncio import Redis
from rich.console import Console
from rich.table import Table

from cli.migrate import pending_migrations
from domain.kernel import clock
from infrastructure.database import bare_url
from infrastructure.metrics import queue_depths
from infrastructure.settings import settings

if TYPE_CHECKING:
    from tasks.probe import ProbeResult

__all__ = ["Finding", "diagnose", "examine"]

CLOCK_LAG = timedelta(minutes=3)
QUEUE_AGE = 60.0  # seconds the oldest message may wait
OVERDUE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Finding:
    """One check. `level` is "ok", "warning" or "error"; `advice` says what to do unless all is well."""

    level: str
    check: str
    says: str
    advice: str = ""


def diagnose(probe: bool) -> int:
    """Print all findings; 1 if any is an error. With `probe`, also send a message through every queue, which is
    one if nobody takes it."""
    console = Console(highlight=False)
    table = Table(show_header=False, box=None, padding=(0, 1))
    findings = list(examine())
    marks = {"ok": "[green]ok[/green]", "warning": "[yellow]warning[/yellow]", "error": "[red]error[/red]"}
    for finding in findings:
        table.add_row(marks[finding.level], finding.check, finding.says)
        if finding.advice:
            table.add_row("", "", f"[bold]{finding.advice}[/bold]")
    console.print(table)
    broken = any(finding.level == "error" for finding in findings)
    if probe and not broken:
        from tasks.probe import probe_queues

        results = probe_queues()
        console.print(_probe_table(results))
        broken = any(result.seconds is None for result in results)
    return int(broken)


def examine() -> Iterator[Finding]:
    """All checks, from the ground up. Checks that need what is away are left out."""
    yield from _settings()
    if not settings().database_url:
        yield Finding("error", "database", "DATABASE_URL is not set", "Start `tarn up`, or name your database.")
        return
    reachable = True
    for check in (_database, _migrations, _clock, _ledger):
        if reachable:
            for finding in _guarded(check):
                yield finding
                reachable = reachable and not (check is _database and finding.level == "error")
    yield from _redis()


def _guarded(check: Callable[[psycopg.Connection], Iterator[Finding]]) -> Iterator[Finding]:
    name = check.__name__.removeprefix("_")
    try:
        with psycopg.connect(bare_url(), connect_timeout=5, autocommit=True) as connection:
            yield from check(connection)
    except psycopg.OperationalError as error:
        advice = "Is the server running? With `tarn up`: start it. Else check DATABASE_URL and its password."
        yield Finding("error", name, _first_line(error), advice)
    except psycopg.Error as error:
        yield Finding("error", name, _first_line(error), "Run `tarn migrate`.")


def _settings() -> Iterator[Finding]:
    problems = settings().problems()
    if not problems:
        yield Finding("ok", "settings", f"{settings().env}, every secret is its own")
    level = "error" if settings().production else "warning"
    for problem in problems:
        yield Finding(level, "settings", problem, "" if settings().production else "Production will not start so.")


def _database(connection: psycopg.Connection) -> Iterator[Finding]:
    version = connection.info.server_version // 10_000
    used, allowed = _row(
        connection,
        "SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),"
        " current_setting('max_connections')::int",
    )
    says = f"PostgreSQL {version}, {used} of {allowed} connections in use"
    if version < 18:
        yield Finding("error", "database", says, "Tarn needs PostgreSQL 18 or newer.")
    elif used > allowed * 0.8:
        yield Finding("warning", "database", says, "Raise max_connections, or lower DATABASE_POOL.")
    else:
        yield Finding("ok", "database", says)


def _migrations(connection: psycopg.Connection) -> Iterator[Finding]:
    try:
        missing = pending_migrations(settings().database_url)
    except RuntimeError as error:
        yield Finding("error", "migrations", str(error))
        return
    if missing:
        yield Finding("error", "migrations", f"{len(missing)} not applied", "Run `tarn migrate`.")
    else:
        yield Finding("ok", "migrations", "up to date")


def _clock(connection: psycopg.Connection) -> Iterator[Finding]:
    (last,) = _row(connection, "SELECT max(tick) FROM clock_ticks")
    if last is None:
        yield Finding("warning", "clock", "no scheduled job has run yet", "Start `tarn clock` and `tarn worker`.")
        return
    lag = clock.wall() - last
    says = f"the last scheduled job ran {_span(lag)} ago"
    if lag > CLOCK_LAG:
        yield Finding("error", "clock", says, "Start `tarn clock`; if it runs, start a `tarn worker` for its queue.")
    else:
        yield Finding("ok", "clock", says)


def _ledger(connection: psycopg.Connection) -> Iterator[Finding]:
    pending, failed, oldest = _row(
        connection,
        "SELECT count(*) FILTER (WHERE status = 'pending'), count(*) FILTER (WHERE status = 'failed'),"
        " min(due_at) FILTER (WHERE status = 'pending') FROM jobs",
    )
    lag = max(clock.wall() - oldest, timedelta(0)) if oldest else timedelta(0)
    says = f"{pending} jobs pending, {failed} failed for good, the oldest is due since {_span(lag)}"
    if lag > OVERDUE:
        yield Finding("error", "jobs", says, "Start more workers: `tarn worker`, or one for the queue that is full.")
    elif failed:
        yield Finding("warning", "jobs", says, "`tarn jobs list` says why; `tarn jobs retry` does them again.")
    else:
        yield Finding("ok", "jobs", says)


def _redis() -> Iterator[Finding]:
    roles = {"queue": settings().queue_redis, "cache": settings().cache_redis, "store": settings().store_redis}
    for role, url in roles.items():
        check = f"redis, {role}"
        if not url:
            yield Finding("error", check, "no address", "Set REDIS_URL (and one for each role), or start `tarn up`.")
            continue
        client = redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5)
        try:
            about = client.info()
        except (redis.RedisError, OSError) as error:
            yield Finding("error", check, _first_line(error), "Is it running? Check its URL and password.")
            continue
        finally:
            client.close()
        says = f"Redis {about['redis_version']}, {about['used_memory_human']} in use"
        if role != "cache" and about.get("maxmemory_policy") != "noeviction":
            yield Finding("error", check, says, "It may drop keys when full: set maxmemory-policy noeviction.")
        elif role != "cache" and not about.get("aof_enabled"):
            yield Finding("warning", check, says, "A restart may lose keys: set appendonly yes.")
        else:
            yield Finding("ok", check, says)
        if role == "queue":
            yield from _queues(url)


def _queues(url: str) -> Iterator[Finding]:
    async def read() -> list[Finding]:
        async with Redis.from_url(url) as client:
            depths = await queue_depths(client)
        return [
            Finding(
                "error" if depth.age_seconds > QUEUE_AGE else "ok",
                f"queue {depth.queue}",
                f"{depth.ready} ready, {depth.delayed} delayed, the oldest waits {depth.age_seconds:.0f} s",
                f"Start a worker for it: `tarn worker --queues {depth.queue}`."
                if depth.age_seconds > QUEUE_AGE
                else "",
            )
            for depth in depths
            if depth.ready or depth.delayed
        ]

    found = asyncio.run(read())
    yield from found or [Finding("ok", "queues", "all empty")]


def _probe_table(results: Sequence[ProbeResult]) -> Table:
    """One row per queue: who took the probe, and after how long."""
    table = Table(title="A probe through every queue")
    for heading in ("queue", "taken by", "after"):
        table.add_column(heading)
    for result in results:
        if result.seconds is None:
            table.add_row(result.queue, f"[red]nobody: start `tarn worker --queues {result.queue}`[/red]", "")
        else:
            table.add_row(result.queue, f"process {result.pid} on {result.host}", f"{result.seconds * 1000:.0f} ms")
    return table


def _row(connection: psycopg.Connection, query: LiteralString) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None, "an aggregate without groups has one row"
    return row


def _span(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
