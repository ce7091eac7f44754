"""The ledger's rows as the runner sees them: claimed, ended, put off. Every statement runs in the caller's transaction,
as the relay's role unless it says otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel import clock
from domain.kernel.tenancy import Door, Tenant
from domain.kernel.unit_of_work import UnitOfWork, door_work
from infrastructure import exact_json

__all__ = [
    "Claim", "LedgerWork", "claim", "claim_again", "extend", "finish", "forget_key", "give_up", "ledger_work",
    "note_progress", "put_off",
]  # fmt: skip

LONGEST_ERROR = 2000


@dataclass(frozen=True, slots=True)
class Claim:
    """A row of the ledger that this transaction has locked, or holds a lease on."""

    id: UUID
    actor: str
    arguments: Mapping[str, Any]
    attempts: int
    unique_key: str | None
    due_at: datetime
    created_at: datetime
    tenant: Tenant | None


@dataclass(frozen=True, slots=True)
class LedgerWork:
    """A transaction that begins with the ledger and ends inside one organization."""

    work: UnitOfWork
    _moved: ExitStack

    async def enter(self, tenant: Tenant | None) -> UnitOfWork:
        """Goes on as that organization, at its time; without one stays with the ledger."""
        if tenant is not None:
            self._moved.enter_context(clock.at(tenant.frozen_at))
            await self.work.bind(tenant)
        return self.work


@asynccontextmanager
async def ledger_work() -> AsyncIterator[LedgerWork]:
    """A transaction as the relay's role. The clock of an organization entered in it stands until after the commit,
    because what follows from events is worked out there."""
    with clock.at(None), ExitStack() as moved:
        async with door_work(Door.RELAY) as work:
            yield LedgerWork(work, moved)


_CLAIM = """
    SELECT jobs.id, jobs.actor, jobs.arguments, jobs.attempts, jobs.unique_key, jobs.due_at, jobs.created_at,
           jobs.organization_id, organizations.frozen_at
    FROM jobs LEFT JOIN organizations ON organizations.id = jobs.organization_id
    WHERE jobs.id = :id AND jobs.status = 'pending' AND {due}
    FOR UPDATE OF jobs SKIP LOCKED
"""
_CLAIM_DUE = sa.text(_CLAIM.format(due="jobs.due_at <= :due_at"))
_CLAIM_LEASED = sa.text(_CLAIM.format(due="jobs.due_at = :due_at"))
_FINISH = sa.text("DELETE FROM jobs WHERE id = :id")
_FORGET_KEY = sa.text("UPDATE jobs SET unique_key = NULL WHERE id = :id")
_EXTEND = sa.text("UPDATE jobs SET due_at = :until WHERE id = :id AND due_at = :held AND status = 'pending'")
_NOTE_PROGRESS = sa.text(
    "UPDATE jobs SET arguments = CAST(:arguments AS jsonb), due_at = :until WHERE id = :id"
)  # fmt: skip
_PUT_OFF = sa.text(
    "UPDATE jobs SET attempts = attempts + :counted, due_at = :due_at, sent_at = NULL, waits = :waits, error = :error"
    " WHERE id = :id AND status = 'pending'"
)
_GIVE_UP = sa.text(
    "UPDATE jobs SET status = 'failed', attempts = attempts + 1, due_at = :now, unique_key = NULL, error = :error"
    " WHERE id = :id AND status = 'pending'"
)


def _storable(error: str) -> str:
    """The text without what PostgreSQL refuses: an error may quote anything."""
    return error[:LONGEST_ERROR].replace("\x00", "?").encode(errors="replace").decode()


async def claim(session: AsyncSession, job_id: UUID) -> Claim | None:
    """Locks a pending row that is due; None when it is gone, not due, or worked on by somebody else."""
    return _claim((await session.execute(_CLAIM_DUE, {"id": job_id, "due_at": clock.wall()})).first())


async def claim_again(session: AsyncSession, job_id: UUID, held: datetime) -> Claim | None:
    """Locks a row on which the caller holds a lease until `held`; None when the lease is lost."""
    return _claim((await session.execute(_CLAIM_LEASED, {"id": job_id, "due_at": held})).first())


def _claim(row: Any) -> Claim | None:
    if row is None:
        return None
    tenant = Tenant(row.organization_id, row.frozen_at) if row.organization_id else None
    return Claim(row.id, row.actor, row.arguments, row.attempts, row.unique_key, row.due_at, row.created_at, tenant)


async def finish(session: AsyncSession, job_id: UUID) -> None:
    """Deletes the row: its work is done. Also as the row's own tenant."""
    await session.execute(_FINISH, {"id": job_id})


async def forget_key(session: AsyncSession, job_id: UUID) -> None:
    """Lets the next request of the same unique key in."""
    await session.execute(_FORGET_KEY, {"id": job_id})


async def extend(session: AsyncSession, job_id: UUID, held: datetime | None, until: datetime) -> bool:
    """Takes or prolongs a lease: nobody else starts the row before `until`. False when it was lost."""
    result = await session.execute(_EXTEND, {"id": job_id, "held": held, "until": until})
    return bool(getattr(result, "rowcount", 0))


async def note_progress(session: AsyncSession, job_id: UUID, arguments: Mapping[str, Any], until: datetime) -> None:
    """Replaces the arguments of a row that is locked, and prolongs the lease on it."""
    row = {"id": job_id, "arguments": exact_json.dump_text(arguments), "until": until}
    await session.execute(_NOTE_PROGRESS, row)


async def put_off(
    session: AsyncSession, job_id: UUID, due_at: datetime, error: str, *, counted: bool, waits: bool = False
) -> None:
    """The run failed and is repeated at `due_at`. `counted`: against the attempts of the job's rule."""
    await session.execute(
        _PUT_OFF,
        {"id": job_id, "due_at": due_at, "error": _storable(error), "counted": int(counted), "waits": waits},
    )


async def give_up(session: AsyncSession, job_id: UUID, error: str) -> None:
    """The row stays for the operator, with the error; `due_at` says when it failed. Its unique key is free again."""
    await session.execute(_GIVE_UP, {"id": job_id, "now": clock.wall(), "error": _storable(error)})
