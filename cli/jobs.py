"""`tarn jobs`: the ledger of background work, seen and mended by an operator.

All commands go through the relay's door: they see the ledger of every organization, and nothing else of any.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, NoReturn
from uuid import UUID

import psycopg
import typer
from psycopg.rows import dict_row
from rich.console import Console

from domain.kernel import clock
from domain.kernel.ids import parse_id
from domain.kernel.tenancy import Door
from infrastructure import exact_json
from infrastructure.database import bare_url
from infrastructure.settings import settings

__all__ = ["app"]

MOST_LISTED = 10_000

app = typer.Typer(
    help="The ledger of background jobs: what waits, what failed and why.", no_args_is_help=True, add_completion=False
)


class Status(StrEnum):
    """Which rows to show. A job that is done leaves no row."""

    FAILED = "failed"
    PENDING = "pending"
    ALL = "all"


Actor = Annotated[str | None, typer.Option("--job", help="Only jobs of this name, e.g. billing.bill_chunk.")]
Organization = Annotated[str | None, typer.Option(help="Only jobs of the organization with this id.")]
Ids = Annotated[list[str], typer.Argument(help="Ids of failed jobs, as `tarn jobs list` shows them.")]

_CHOSEN = """
    (%(status)s = 'all' OR status = %(status)s) AND (%(actor)s::text IS NULL OR actor = %(actor)s)
    AND (%(organization_id)s::uuid IS NULL OR organization_id = %(organization_id)s)
"""
_ROWS = "SELECT {what} FROM jobs WHERE {which}"
_SHOWN = "id, actor, queue, organization_id, status, attempts, waits, error, arguments, created_at, due_at"
_COUNT = _ROWS.format(what="count(*) AS count", which=_CHOSEN)
_LIST = _ROWS.format(what=_SHOWN, which=_CHOSEN) + "ORDER BY status, due_at, id LIMIT %(limit)s"
# What the relay finds due and not sent: it is on its way within a second.
_RETRY = """
    UPDATE jobs SET status = 'pending', attempts = 0, waits = false, due_at = %(now)s, sent_at = NULL
    WHERE status = 'failed' AND {which} RETURNING id
"""
_RETRY_THESE = _RETRY.format(which="id = ANY(%(ids)s)")
_RETRY_ALL = _RETRY.format(which=_CHOSEN)
_DISCARD = "DELETE FROM jobs WHERE status = 'failed' AND id = ANY(%(ids)s) RETURNING id"


@app.command("list")
def list_jobs(
    status: Annotated[Status, typer.Option(help="Failed for good, pending, or all.")] = Status.FAILED,
    actor: Actor = None,
    organization: Organization = None,
    limit: Annotated[int, typer.Option(help="Show so many at most.", min=1, max=MOST_LISTED)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line, arguments included.")] = False,
) -> None:
    """Show the jobs that failed for good, or those that wait, the oldest first. --json has the whole errors."""
    chosen = {"status": status.value, "actor": actor, "organization_id": _organization(organization), "limit": limit}
    with _ledger() as connection:
        rows = connection.execute(_LIST, chosen).fetchall()
        total = connection.execute(_COUNT, chosen).fetchone()
    if as_json:
        for row in rows:
            instants = {name: _utc(row[name]) for name in ("created_at", "due_at")}
            typer.echo(exact_json.dump_text({**row, **instants}))
        return
    console = Console(highlight=False)
    for row in rows:
        _show(console, row)
    count = total["count"] if total else 0
    kind = "" if status is Status.ALL else f"{status.value} "
    more = f", {len(rows)} of them shown: see --limit" if count > len(rows) else ""
    console.print(f"{count} {kind}{'job' if count == 1 else 'jobs'}{more}.")


@app.command()
def retry(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of failed jobs, as `tarn jobs list` shows them.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every failed job (of --job and --organization).")] = False,
    actor: Actor = None,
    organization: Organization = None,
) -> None:
    """Do failed jobs again, with all their attempts. A job that was half done left nothing behind."""
    if bool(ids) == every:
        _fail("Name the ids of failed jobs, or say --all.")
    if ids and (actor or organization):
        _fail("--job and --organization narrow --all; they are no use beside ids.")
    parameters: dict[str, Any] = {"now": clock.wall()}
    with _ledger() as connection:
        if ids:
            again = _exactly(connection, _RETRY_THESE, ids, parameters)
        else:
            chosen = {"status": "failed", "actor": actor, "organization_id": _organization(organization)}
            again = len(connection.execute(_RETRY_ALL, {**parameters, **chosen}).fetchall())
    typer.echo(f"{again} {'job goes' if again == 1 else 'jobs go'} to the workers again.")


@app.command()
def discard(ids: Ids) -> None:
    """Take failed jobs out of the ledger: their work will not be done."""
    with _ledger() as connection:
        gone = _exactly(connection, _DISCARD, ids, {})
    typer.echo(f"{gone} {'job' if gone == 1 else 'jobs'} discarded.")


@contextmanager
def _ledger() -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """One transaction as the relay's role. A database that says no is answered with a sentence."""
    if not settings().database_url:
        _fail("DATABASE_URL is not set and no `tarn up` has run here: set it, or start `tarn up` first.")
    try:
        with psycopg.connect(bare_url(), connect_timeout=10, row_factory=dict_row) as connection:
            connection.execute(f"SET LOCAL ROLE {Door.RELAY.value}")
            yield connection
    except psycopg.Error as error:
        _fail(_sentence(error))


def _exactly(
    connection: psycopg.Connection[dict[str, Any]], query: Any, texts: Sequence[str], parameters: dict[str, Any]
) -> int:
    """Runs the query for these ids; all of them must be failed jobs, else nothing happens."""
    ids: dict[UUID, str] = {}
    for text in texts:
        job_id = parse_id(text)
        if job_id is None:
            _fail(f"{text[:80]} is no id. Nothing was changed.")
        ids[job_id] = text
    done = {row["id"] for row in connection.execute(query, {**parameters, "ids": list(ids)}).fetchall()}
    if missing := [text for job_id, text in ids.items() if job_id not in done]:
        _fail(f"No failed job has the id {', '.join(missing)}. Nothing was changed.")
    return len(done)


def _show(console: Console, row: dict[str, Any]) -> None:
    failed = row["status"] == "failed"
    when = f"{'failed' if failed else 'due'} {_utc(row['due_at'])}"
    tries = f", {row['attempts']} {'attempt' if row['attempts'] == 1 else 'attempts'}" if row["attempts"] else ""
    lines = [f"{row['id']}  {row['actor']}  {when}{tries}"]
    if row["organization_id"]:
        lines.append(f"    organization {row['organization_id']}")
    if row["error"]:
        lines.append(f"    {row['error'].splitlines()[0]}")
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _organization(text: str | None) -> UUID | None:
    if text is None:
        return None
    organization_id = parse_id(text)
    if organization_id is None:
        _fail(f"{text[:80]} is no id of an organization.")
    return organization_id


def _sentence(error: psycopg.Error) -> str:
    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.InvalidParameterValue):
        return "The database has no ledger yet: run `tarn migrate`."
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _fail(message: str) -> NoReturn:
    Console(stderr=True).print(message, style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1)
