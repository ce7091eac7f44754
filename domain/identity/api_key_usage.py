"""When each API key was last used: noted in the cache at every call, moved to the rows once an hour.

Losing the cache loses up to an hour of notes and nothing else. Source: handbook, platform 8.
"""

from __future__ import annotations

import time
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import DateTime, Uuid, column, func, select, update, values

from domain.identity.models import ApiKey
from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from infrastructure.cache import CACHE_FAILURES, cache

__all__ = ["remember_usage", "track_usage"]

log = structlog.get_logger(__name__)

# One note per key, process and ten seconds is precise enough for a value that is read with the eye.
NOTED_SECONDS = 10.0
MOST_NOTED = 10_000

_noted: dict[UUID, float] = {}


def _name(api_key_id: UUID) -> str:
    return f"api_key_last_used_{api_key_id}"


def _text(note: bytes | str) -> str:
    return note.decode() if isinstance(note, bytes) else note


async def remember_usage(api_key_id: UUID) -> None:
    """Notes that the key was used now. Never fails: without the cache the note is lost."""
    now = time.monotonic()
    if _noted.get(api_key_id, 0.0) > now - NOTED_SECONDS:
        return
    if len(_noted) >= MOST_NOTED:
        _noted.clear()
    _noted[api_key_id] = now
    try:
        await cache().set(_name(api_key_id), clock.wall().isoformat(timespec="seconds"))
    except CACHE_FAILURES as error:
        log.warning("use of an API key not noted", error=repr(error))


async def track_usage(work: UnitOfWork) -> int:
    """Moves the notes of the bound organization's keys to `last_used_at`; returns how many. Run twice, it finds none.
    A cache that cannot be reached makes the job fail, to be tried again."""
    keys = table(ApiKey)
    ids = (await work.session.execute(select(keys.c.id))).scalars().all()
    if not ids:
        return 0
    notes = await cache().mget([_name(one) for one in ids])
    used = [(one, datetime.fromisoformat(_text(note))) for one, note in zip(ids, notes, strict=True) if note]
    if not used:
        return 0
    noted = values(column("id", Uuid), column("at", DateTime(timezone=True)), name="noted").data(used)
    later = func.greatest(keys.c.last_used_at, noted.c.at)
    await work.session.execute(
        update(keys).where(keys.c.id == noted.c.id).values(last_used_at=later, updated_at=keys.c.updated_at)
    )
    await cache().delete(*(_name(one) for one, _ in used))
    return len(used)
