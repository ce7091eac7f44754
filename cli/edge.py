"""What every request passes on its way in: size limit, counting, and JSON for whatever nothing else answered."""

from __future__ import annotations

import re
import time
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

import structlog
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from infrastructure.metrics import REQUEST_SECONDS, REQUESTS
from infrastructure.settings import Settings

__all__ = ["BodyLimit", "Counted", "cors", "failed", "refused"]

log = structlog.get_logger(__name__)

NOT_FOUND = {"status": 404, "error": "Not Found", "code": "resource_not_found"}
TOO_LARGE = {"status": 413, "error": "Content Too Large", "code": "request_body_too_large"}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD")
LOCALHOST = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")


def cors(settings: Settings) -> Middleware:
    """Browsers may call from the dashboard's address; in development from any port of this machine.

    Source: handbook, platform 1. The address is LAGO_FRONT_URL, else LAGO_DOMAIN; both may come without a scheme.
    """
    address = settings.front_url or settings.domain
    origins = []
    if address:
        parts = urlsplit(address if "://" in address else f"//{address}")
        host = parts.netloc.rpartition("@")[2].lower()
        origins = [f"{parts.scheme}://{host}"] if parts.scheme else [f"https://{host}", f"http://{host}"]
    return Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_origin_regex=None if settings.production else LOCALHOST.pattern,
        allow_methods=METHODS,
        allow_headers=["*"],
        expose_headers=["x-lago-token"],
    )


class _TooLarge(HTTPException):
    def __init__(self) -> None:
        super().__init__(413)


class BodyLimit:
    """Refuses a body of more than `limit` bytes with 413, announced or not, before it is held in memory."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if announced.isdigit() and int(announced[:19]) > self.limit:
            await JSONResponse(TOO_LARGE, 413, {"connection": "close"})(scope, receive, send)
            return
        size, started = 0, False

        async def limited() -> MutableMapping[str, Any]:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self.limit:
                raise _TooLarge
            return message

        async def watched(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, limited, watched)
        except _TooLarge:
            if started:
                raise
            await JSONResponse(TOO_LARGE, 413, {"connection": "close"})(scope, receive, send)


class Counted:
    """Counts answers by route template and status, so that ids in paths make no new series."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def watched(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            method = scope["method"] if scope["method"] in METHODS else "OTHER"
            REQUESTS.labels(method, route, status).inc()
            REQUEST_SECONDS.labels(route).observe(time.perf_counter() - began)


async def refused(request: Request, error: Exception) -> JSONResponse:
    """The answer to an HTTPException. A path or verb nobody serves is 404 `resource_not_found`, in any verb."""
    assert isinstance(error, HTTPException)
    if error.status_code in {404, 405}:
        return JSONResponse(NOT_FOUND, 404)
    if error.status_code == 413:
        return JSONResponse(TOO_LARGE, 413, {"connection": "close"})
    return JSONResponse({"status": error.status_code, "error": error.detail}, error.status_code)


async def failed(request: Request, error: Exception) -> JSONResponse:
    """The answer to a defect of ours: nothing of the inside is shown, the log has it."""
    log.error("request failed", path=request.url.path, exc_info=error)
    return JSONResponse({"status": 500, "error": "Internal Server Error", "code": "internal_error"}, 500)
