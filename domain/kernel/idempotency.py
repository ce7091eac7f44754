"""A write asked for twice happens once: the answer to a request that carries an idempotency key is kept.

    answered = await once(work, "rest", key, fingerprint_of(...), run)

The key is taken with a unique row in the transaction of the write itself, and the answer is stored in it before the
commit. So a crash leaves both or neither: whoever repeats the request after it gets the first answer, or is the first.
Two requests at once wait for each other at that row; the second one gets the answer of the first. A refusal is an
answer too: it is kept, and what its command did is undone. A fault keeps nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlmodel import Field

from domain.kernel import clock
from domain.kernel.errors import ValidationFailed
from domain.kernel.ids import new_id
from domain.kernel.retention import cleaning
from domain.kernel.rows import TenantRow, table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import INVALID, TOO_LONG

__all__ = ["Answered", "IdempotencyKey", "checked_key", "clean_idempotency_keys", "fingerprint_of", "once"]

KEPT: Final = timedelta(hours=24)
LONGEST: Final = 255
WAIT: Final = timedelta(seconds=10)
"""How long a request waits for another one with its key."""
LOCK_NOT_AVAILABLE: Final = "55P03"
ROUNDS: Final = 3


class IdempotencyKey(TenantRow, table=True):
    """An answer that was given, in real time. interface: rest or graphql. fingerprint: of what was asked."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        sa.UniqueConstraint("organization_id", "interface", "key"),
        sa.Index("ix_idempotency_keys_age", "organization_id", "created_at"),
    )

    interface: str
    key: str
    fingerprint: str
    status: int = Field(default=0)
    body: str = Field(default="")


_keys = table(IdempotencyKey)

clean_idempotency_keys = cleaning(IdempotencyKey, "created_at", KEPT, lambda: clock.wall())
"""Removes answers that have been kept long enough."""

# An answer that was kept long enough is as if it were not there, whether it has been cleaned away or not.
_CLAIM: Final = sa.text(
    """
    INSERT INTO idempotency_keys AS kept (id, organization_id, interface, key, fingerprint, status, body, created_at,
                                          updated_at)
    VALUES (:id, :organization_id, :interface, :key, :fingerprint, 0, '', :now, :now)
    ON CONFLICT (organization_id, interface, key) DO UPDATE
        SET id = excluded.id, fingerprint = excluded.fingerprint, status = 0, body = '',
            created_at = excluded.created_at, updated_at = excluded.updated_at
        WHERE kept.created_at < :oldest
    RETURNING id
    """
)
_TIMEOUT: Final = sa.text("SELECT current_setting('lock_timeout'), set_config('lock_timeout', :wait, true)")


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer with its HTTP status and JSON text; replayed: it was given before."""

    status: int
    body: str
    replayed: bool = False


def checked_key(value: str) -> str:
    """The key as a client sent it. Raises ValidationFailed for one that is blank, too long or not plain text."""
    key = value.strip()
    if not key or not key.isprintable() or not key.isascii():
        raise ValidationFailed({"idempotency_key": [INVALID]})
    if len(key) > LONGEST:
        raise ValidationFailed({"idempotency_key": [TOO_LONG]})
    return key


def fingerprint_of(*asked: Any) -> str:
    """What tells two requests apart: the order of keys and the spaces in a JSON body do not."""
    text = json.dumps(asked, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


async def once(
    work: UnitOfWork, interface: str, key: str, fingerprint: str, run: Callable[[], Awaitable[Answered]]
) -> Answered:
    """The answer of `run`, or the one that this key got before.

    Raises ValidationFailed with the code idempotency_key_reused where the key came with another request, and with
    lock_acquisition_failed where the first request still runs after ten seconds. What `run` raises is raised, and
    then nothing is kept: the caller rolls back.
    """
    for _ in range(ROUNDS):
        row_id = await _claim(work, interface, key, fingerprint)
        if row_id is not None:
            answered = await run()
            await work.session.flush()
            await work.session.execute(
                sa.update(_keys).where(_keys.c.id == row_id).values(status=answered.status, body=answered.body)
            )
            return answered
        kept = (
            await work.session.execute(
                sa.select(_keys.c.fingerprint, _keys.c.status, _keys.c.body).where(
                    _keys.c.organization_id == work.organization_id,
                    _keys.c.interface == interface,
                    _keys.c.key == key,
                )
            )
        ).first()
        if kept is None:
            continue  # it was cleaned away in between
        if kept.fingerprint != fingerprint:
            raise ValidationFailed(
                {"idempotency_key": ["already_used_with_another_request"]}, code="idempotency_key_reused"
            )
        return Answered(kept.status, kept.body, replayed=True)
    raise ValidationFailed({"idempotency_key": ["in_use"]}, code="lock_acquisition_failed")


async def _claim(work: UnitOfWork, interface: str, key: str, fingerprint: str) -> Any:
    """The id of the row that is ours to fill; None where another request has it. Waits for one that still runs."""
    wait = str(int(WAIT.total_seconds() * 1000))
    before = (await work.session.execute(_TIMEOUT, {"wait": wait})).one()[0]
    now = clock.wall()
    try:
        row_id = await work.session.scalar(
            _CLAIM,
            {
                "id": new_id(),
                "organization_id": work.organization_id,
                "interface": interface,
                "key": key,
                "fingerprint": fingerprint,
                "now": now,
                "oldest": now - KEPT,
            },
        )
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            raise ValidationFailed({"idempotency_key": ["in_use"]}, code="lock_acquisition_failed") from None
        raise
    await work.session.execute(_TIMEOUT, {"wait": before})
    return row_id
