"""Writing the log of API calls: beside the answers, many calls with one statement.

A call is noted in memory, which costs its request microseconds, and the request is answered. A moment later all that
was noted, by whatever organizations, is filtered and written at once. Nothing of this can fail a request: what cannot
be written while the database is away for long, or is too much to wait, is dropped, and the process's own log says so.
A process that is killed loses what it noted in the last moment; one that ends writes it first.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from domain.insight.api_logs.content import MOST_BYTES, kept_answer, kept_body
from domain.kernel.tenancy import Door
from domain.kernel.unit_of_work import door_work
from infrastructure import exact_json

__all__ = ["ApiCall", "ApiLogWriter"]

log = structlog.get_logger(__name__)

PAUSE: Final = 0.1
"""Seconds in which calls gather."""
MOST_WAITING: Final = 5_000
MOST_WAITING_BYTES: Final = 32 * 1024 * 1024
AT_A_TIME: Final = 100
"""Calls of one statement: few enough that preparing them does not hold up the requests of the process."""
TRIES: Final = 6
"""With pauses from PAUSE on that double: some six seconds."""

_INSERT: Final = sa.text(
    """
    INSERT INTO api_logs (id, organization_id, api_key_id, api_version, client, request_body, request_path,
                          request_origin, request_response, http_method, http_status, logged_at, created_at, updated_at)
    SELECT id, organization_id, api_key_id, api_version, client, request_body, request_path,
           request_origin, NULLIF(request_response, 'null'), http_method, http_status, date_trunc('second', logged_at),
           logged_at, logged_at
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS call(
        id uuid, organization_id uuid, api_key_id uuid, api_version text, client text, request_body jsonb,
        request_path text, request_origin text, request_response jsonb, http_method text, http_status int,
        logged_at timestamptz)
    ON CONFLICT DO NOTHING
    """
)
_AWAY: Final = (OperationalError, InterfaceError, PoolTimeout, OSError)


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A call that was answered. body: as it was parsed, of `body_bytes`. answer: as it was sent."""

    id: UUID
    organization_id: UUID
    api_key_id: UUID | None
    api_version: str
    client: str
    path: str
    origin: str
    method: str
    status: int
    query: Mapping[str, str]
    body: Any
    body_bytes: int
    answer: bytes
    at: datetime

    @property
    def size(self) -> int:
        """Bytes that are held for it while it waits."""
        return min(self.body_bytes, MOST_BYTES) + min(len(self.answer), MOST_BYTES)


def _row(call: ApiCall) -> dict[str, Any]:
    return {
        "id": call.id,
        "organization_id": call.organization_id,
        "api_key_id": call.api_key_id,
        "api_version": call.api_version,
        "client": call.client,
        "request_body": kept_body(call.body, call.body_bytes, dict(call.query)),
        "request_path": call.path,
        "request_origin": call.origin,
        "request_response": kept_answer(call.answer),
        "http_method": call.method,
        "http_status": call.status,
        "logged_at": call.at,
    }


class ApiLogWriter:
    """The log of one process. Made and closed inside the event loop that uses it."""

    def __init__(self) -> None:
        self._waiting: deque[ApiCall] = deque()
        self._bytes = 0
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def note(self, call: ApiCall) -> None:
        """Has a call written in a moment. Never waits; drops what is too much."""
        if len(self._waiting) >= MOST_WAITING or self._bytes + call.size > MOST_WAITING_BYTES:
            log.warning("an API call is not logged: too many wait", path=call.path)
            return
        self._waiting.append(call)
        self._bytes += call.size
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write_all())

    async def close(self) -> None:
        """Writes what waits, at once."""
        self._closing.set()
        if self._task is not None:
            await self._task

    async def _write_all(self) -> None:
        await self._pause(PAUSE)
        while self._waiting:
            calls = [self._waiting.popleft() for _ in range(min(AT_A_TIME, len(self._waiting)))]
            self._bytes -= sum(call.size for call in calls)
            if not await self._written(calls):
                # One that cannot be stored does not take the others along.
                for call in calls:
                    await self._written([call])

    async def _written(self, calls: Sequence[ApiCall]) -> bool:
        """False for several calls of which the database does not take one."""
        try:
            await self._write(calls)
        except _AWAY as error:
            log.error("API calls are not logged: the database is away", calls=len(calls), error=str(error))
        except Exception as error:
            if len(calls) > 1:
                return False
            log.error("an API call is not logged", path=calls[0].path, error=str(error))
        return True

    async def _write(self, calls: Sequence[ApiCall]) -> None:
        """Tried again while the database is away; rows that were stored although nobody heard of it are left alone."""
        rows = exact_json.dump_text([_row(call) for call in calls])
        pause = PAUSE
        for attempt in range(TRIES):
            try:
                async with door_work(Door.INGEST) as work:
                    await work.session.execute(_INSERT, {"rows": rows})
                return
            except _AWAY:
                if attempt == TRIES - 1:
                    raise
            await self._pause(pause)
            pause *= 2

    async def _pause(self, seconds: float) -> None:
        """For so long, or until the process ends."""
        try:
            await asyncio.wait_for(self._closing.wait(), seconds)
        except TimeoutError:
            return
