"""The short way for events: past routing and middleware, which cost several times what storing an event costs.

Only for POST /events and /events/batch without an Origin header; a browser's request takes the long way, through CORS.
What the long way does is done here as well: size limit, counting, a bare 500 for a defect.
"""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from typing import Any, Final

import structlog
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from infrastructure.metrics import REQUEST_SECONDS, REQUESTS
from infrastructure.settings import settings
from rest_api.events import IngestEndpoint
from rest_api.routing import PREFIX

__all__ = ["EventsShortcut"]

TOO_LARGE: Final = {"status": 413, "error": "Content Too Large", "code": "request_body_too_large"}
FAILED: Final = {"status": 500, "error": "Internal Server Error", "code": "internal_error"}

log = structlog.get_logger(__name__)


class _TooLarge(Exception):
    """The body is larger than is taken."""


class EventsShortcut:
    """An application around another one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.limit = settings().max_body_bytes
        self.endpoints = {
            f"{PREFIX}/events": IngestEndpoint(batch=False),
            f"{PREFIX}/events/batch": IngestEndpoint(batch=True),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self.endpoints.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if endpoint is None or any(name == b"origin" for name, _ in scope["headers"]):
            await self.app(scope, receive, send)
            return
        began, size, status = time.perf_counter(), 0, 0

        async def limited() -> MutableMapping[str, Any]:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self.limit:
                raise _TooLarge
            return message

        async def watched(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await endpoint(scope, limited, watched)
        except _TooLarge:
            await JSONResponse(TOO_LARGE, 413, {"connection": "close"})(scope, receive, watched)
        except Exception:
            log.exception("request failed", path=scope["path"])
            if status:
                raise
            await JSONResponse(FAILED, 500)(scope, receive, watched)
        finally:
            REQUESTS.labels("POST", scope["path"], status or 499).inc()
            REQUEST_SECONDS.labels(scope["path"]).observe(time.perf_counter() - began)
