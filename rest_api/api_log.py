"""Noting writes for the log of API calls; how they get there says `domain/insight/api_logs/write.py`.

Only a process that opened the log writes it: the API does when it starts.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final
from weakref import WeakKeyDictionary

import structlog
from starlette.requests import Request

from domain.identity.authenticate import ApiKeyIdentity
from domain.insight.api_logs.write import ApiCall, ApiLogWriter
from domain.kernel import clock
from domain.kernel.ids import new_id
from domain.kernel.validation import storable

__all__ = ["close_api_log", "note_call", "open_api_log"]

log = structlog.get_logger(__name__)

# PATCH is a PUT by another name on all routes that have it, and the interface knows these three.
_METHODS: Final = {"POST": "post", "PUT": "put", "PATCH": "put", "DELETE": "delete"}
_UNLOGGED: Final = frozenset({"event", "activity_log", "api_log", "security_log"})
"""Resources of the controllers that the log leaves out."""
_VERSION: Final = re.compile(r"/api/(v\d+)/")
_LONGEST: Final = 2_000
_SHORT: Final = 500

_writers: WeakKeyDictionary[asyncio.AbstractEventLoop, ApiLogWriter] = WeakKeyDictionary()


def open_api_log() -> None:
    """From here on writes of this event loop are logged. Called when the application starts."""
    _writers.setdefault(asyncio.get_running_loop(), ApiLogWriter())


async def close_api_log() -> None:
    """Writes what waits. Called when the application ends."""
    writer = _writers.pop(asyncio.get_running_loop(), None)
    if writer is not None:
        await writer.close()


def note_call(
    request: Request, resource: str, identity: ApiKeyIdentity, body: Any, body_bytes: int, status: int, answer: bytes
) -> str | None:  # fmt: skip
    """Has a write logged; the id of the request, for its answer to carry. Never raises and never waits."""
    method = _METHODS.get(request.method)
    writer = _writers.get(asyncio.get_running_loop())
    if method is None or writer is None or resource in _UNLOGGED:
        return None
    try:
        path, headers = request.scope["path"], request.headers
        version = _VERSION.match(path)
        call = ApiCall(
            id=new_id(),
            organization_id=identity.tenant.organization_id,
            api_key_id=identity.api_key_id,
            api_version=version[1] if version else "v1",
            client=_text(headers.get("user-agent", ""), _SHORT),
            path=_text(path, _LONGEST),
            origin=_text(f"{request.scope['scheme']}://{headers.get('host', '')}", _SHORT),
            method=method,
            status=status,
            query=_query(request),
            body=body,
            body_bytes=body_bytes,
            answer=answer,
            at=clock.wall(),
        )
        writer.note(call)
    except Exception as error:
        log.error("an API call is not logged", path=request.scope["path"], error=repr(error))
        return None
    return str(call.id)


def _query(request: Request) -> dict[str, str]:
    if not request.scope["query_string"]:
        return {}
    return {name: value for name, value in request.query_params.items() if storable(name) and storable(value)}


def _text(value: str, longest: int) -> str:
    return value[:longest] if storable(value) else ""
