"""The job ledger: work that follows from a command, written in the command's own transaction.

A row stays until its work is done: an actor locks it, does the work, writes what follows and deletes the row in one
transaction, so that a job run twice leaves the world as after once. A worker that is killed lets go of the lock with
its connection, and the relay sends the id again. A row whose attempts ran out stays with status `failed`, for the
operator to see and retry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel

from domain.kernel import clock
from domain.kernel.ids import new_id
from domain.kernel.rows import json_object, one_of, timestamp
from infrastructure import exact_json

__all__ = ["BARE_INSERT", "Job", "JobRequest", "job_rows", "write_jobs"]


class Job(SQLModel, table=True):
    """One piece of background work.

    `unique_key`: while a pending row of the same organization and actor carries it, another is not written. It is
    cleared when the work starts for actors that are unique only while they wait.
    `waits`: the row waits for a retry after a failure outside (a webhook's receiver); a sandbox counts as settled.
    Instants are real time.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        one_of("status", ("pending", "failed")),
        sa.Index(
            "uq_jobs_unique_key",
            "organization_id",
            "actor",
            "unique_key",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=sa.text("unique_key IS NOT NULL"),
        ),
        # What was never sent and is due, and what was sent long ago: see `tasks.relay`.
        sa.Index("ix_jobs_due", "sent_at", "due_at", postgresql_where=sa.text("status = 'pending'")),
        sa.Index("ix_jobs_organization", "organization_id"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    organization_id: UUID | None = Field(default=None)
    actor: str
    queue: str
    arguments: dict[str, Any] = json_object()
    unique_key: str | None = Field(default=None)
    status: str = Field(default="pending")
    attempts: int = Field(default=0)
    waits: bool = Field(default=False)
    error: str | None = Field(default=None)
    due_at: datetime = timestamp(nullable=False, default_factory=clock.wall)
    sent_at: datetime | None = timestamp()
    created_at: datetime = timestamp(nullable=False, default_factory=clock.wall)


@dataclass(frozen=True, slots=True)
class JobRequest:
    """Work to be written to the ledger.

    actor: the name of a job declared in `tasks`, e.g. "invoicing.generate_document".
    arguments: a small JSON object (ids, not rows).
    unique_key: see `Job`. delay: at least so long in real time; zero in a sandbox.
    """

    actor: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    unique_key: str | None = None
    delay: timedelta = timedelta(0)
    organization_id: UUID | None = None


# One statement for any number of jobs; a row whose unique key is taken is passed over. DO NOTHING names no target,
# because naming one would ask for the right to read, which the ingest door does not have.
_INSERT = sa.text(
    """
    INSERT INTO jobs (id, organization_id, actor, queue, arguments, unique_key, status, attempts, waits, due_at,
                      sent_at, created_at)
    SELECT id, organization_id, actor, queue, arguments, unique_key, 'pending', 0, false, due_at, sent_at, created_at
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS job(
        id uuid, organization_id uuid, actor text, queue text, arguments jsonb, unique_key text, due_at timestamptz,
        sent_at timestamptz, created_at timestamptz)
    ON CONFLICT DO NOTHING
    """
)
BARE_INSERT = _INSERT.text.replace(":rows", "%s")
"""The same for a bare connection: takes the rows of `job_rows` as JSON text."""


def job_rows(
    requests: Sequence[JobRequest], organization_id: UUID | None, queue_of: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The requests as rows of the ledger. Raises KeyError for an actor that no process declares."""
    wall = clock.wall()
    delayed = not clock.frozen()
    return [
        {
            "id": new_id(),
            "organization_id": request.organization_id or organization_id,
            "actor": request.actor,
            "queue": queue_of[request.actor],
            "arguments": request.arguments,
            "unique_key": request.unique_key,
            "due_at": wall + request.delay if delayed else wall,
            # What is due is sent right after the commit; what waits is sent by the relay when it is due.
            "sent_at": None if delayed and request.delay > timedelta(0) else wall,
            "created_at": wall,
        }
        for request in requests
    ]


async def write_jobs(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes rows made by `job_rows` in the current transaction."""
    if rows:
        await session.execute(_INSERT, {"rows": exact_json.dump_text(rows)})
