"""/api/v1/events

Sending events is the hot path: a bare ASGI callable that reads the body once and leaves storing to the shared flush.
Reading goes through the frame like everything else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from weakref import WeakKeyDictionary

import msgspec
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from domain.billing.estimate_fees import estimate_fees
from domain.identity.authenticate import authenticate_api_key
from domain.kernel import clock
from domain.kernel.errors import Refusal, Unauthorized, ValidationFailed
from domain.kernel.validation import Params, clean_json
from domain.metering import usage_cache
from domain.metering.estimate_instant import estimate_instant_fees
from domain.metering.expression_rules import Rules, known_rules
from domain.metering.incoming import Envelope, EventRow, answer, read_batch, read_single
from domain.metering.ingest import Ingestion, Unavailable
from domain.metering.payloads import event_payload
from domain.metering.queries import event_filters, event_row, events_page
from infrastructure import exact_json
from infrastructure.settings import settings
from rest_api import frame
from rest_api.errors import refusal_answer
from rest_api.frame import Call, endpoint, page_answer
from rest_api.routing import PREFIX, ResourceRoute, get, post

__all__ = ["close_ingestion", "routes"]

UNAVAILABLE: Final = {"status": 503, "error": "Service Unavailable", "code": "service_unavailable"}
MAX_KEY: Final = 255
MAX_USER_AGENT: Final = 500
JSON_HEADERS: Final = [(b"content-type", b"application/json")]

_encoder: Final = msgspec.json.Encoder()
_ingestions: WeakKeyDictionary[asyncio.AbstractEventLoop, Ingestion] = WeakKeyDictionary()


def _ingestion() -> Ingestion:
    """The shared flush of this event loop, made at the first event."""
    loop = asyncio.get_running_loop()
    known = _ingestions.get(loop)
    if known is None:
        known = _ingestions[loop] = Ingestion()
    return known


async def close_ingestion() -> None:
    """Ends the shared flush and gives its connections back. Called when the application ends."""
    known = _ingestions.pop(asyncio.get_running_loop(), None)
    if known is not None:
        await known.close()
    await usage_cache.close()


class _Disconnected(Exception):
    """The client went away before it had sent its body."""


class IngestEndpoint:
    """POST /events and POST /events/batch. Source: handbook, metering 4.2 and 4.3."""

    def __init__(self, *, batch: bool) -> None:
        self.batch = batch
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            content = await self._store(scope, receive)
        except _Disconnected:
            return
        except Refusal as refusal:
            await refusal_answer(refusal)(scope, receive, send)
            return
        except (Unavailable, OperationalError, InterfaceError):
            busy = Response(exact_json.dump(UNAVAILABLE), 503, {"retry-after": "1"}, "application/json")
            await busy(scope, receive, send)
            return
        length = (b"content-length", str(len(content)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [*JSON_HEADERS, length]})
        await send({"type": "http.response.body", "body": content})

    async def _store(self, scope: Scope, receive: Receive) -> bytes:
        key, user_agent = _headers(scope)
        tenant = (await authenticate_api_key(key, cached=True)).tenant
        body = await _body(receive)
        address = scope["client"][0] if scope.get("client") else None
        envelope = Envelope.of(tenant.organization_id, tenant.frozen_at or clock.wall(), user_agent, address)
        rules = await known_rules(tenant.organization_id)
        if self.batch:
            # One batch in each turn of the loop: reading one takes long enough for a flush to end meanwhile, and what
            # waits to be stored should not wait until all that came together are read.
            async with self._turn:
                await asyncio.sleep(0)
        try:
            rows = self._read(body, envelope, rules)
        except ValidationFailed:
            # What is known of expressions may be out of date; a refusal must not be.
            fresh = await known_rules(tenant.organization_id, fresh=True)
            if fresh == rules:
                raise
            rows = self._read(body, envelope, fresh)
        if self.batch:
            await _ingestion().store(rows)
            return _encoder.encode({"events": [answer(row) for row in rows]})
        await self._store_single(rows[0])
        return _encoder.encode({"event": answer(rows[0])})

    def _read(self, body: bytes, envelope: Envelope, rules: Rules) -> list[EventRow]:
        if self.batch:
            return read_batch(body, envelope, settings().events_batch_max_length, rules)
        return [read_single(body, envelope, rules)]

    async def _store_single(self, row: EventRow) -> None:
        try:
            await _ingestion().store([row])
        except ValidationFailed as refusal:
            details: Any = refusal.details
            raise ValidationFailed(details.get("0", details)) from None


def _headers(scope: Scope) -> tuple[str, str | None]:
    """The API key and the user agent. Raises Unauthorized."""
    authorization, user_agent = b"", None
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization = value
        elif name == b"user-agent":
            user_agent = value.decode("latin-1")[:MAX_USER_AGENT]
    words = authorization.split()
    if len(words) < 2 or words[0].lower() != b"bearer" or len(words[1]) > MAX_KEY or not words[1].isascii():
        raise Unauthorized
    return words[1].decode(), user_agent


async def _body(receive: Receive) -> bytes:
    message = await receive()
    parts: list[bytes] = [message.get("body", b"")]
    while message.get("more_body", False):
        message = await receive()
        parts.append(message.get("body", b""))
    if message["type"] == "http.disconnect":
        raise _Disconnected
    return b"".join(parts)


@endpoint(resource="event")
async def show(call: Call) -> Response:
    return frame.answer({"event": event_payload(await event_row(call.work, call.path["transaction_id"]))})


@endpoint(resource="event")
async def index(call: Call) -> Response:
    page = await events_page(call.work, event_filters(call.query), call.page())
    return page_answer("events", [event_payload(row) for row in page.rows], page)


@endpoint(resource="event")
async def estimate(call: Call) -> Response:
    """The fees that an event would make, on top of those stored."""
    return frame.answer({"fees": await estimate_fees(call.work, call.root("event"))})


@endpoint(resource="event")
async def estimate_instant(call: Call) -> Response:
    """What an event would cost by itself."""
    return frame.answer({"fees": await estimate_instant_fees(call.work, [call.root("event")])})


@endpoint(resource="event")
async def estimate_instant_batch(call: Call) -> Response:
    """The same for many events."""
    return frame.answer({"fees": await estimate_instant_fees(call.work, _many(call.body))})


def _many(body: object) -> list[Params]:
    """The list of a body {"events": [...]}. Raises ValidationFailed."""
    sent = body.get("events") if isinstance(body, Mapping) else None
    if not isinstance(sent, list) or not sent:
        raise ValidationFailed({"events": ["no_events"]})
    if len(sent) > settings().events_batch_max_length:
        raise ValidationFailed({"events": ["too_many_events"]})
    wrong = {
        str(place): {"event": ["value_is_invalid"]}
        for place, each in enumerate(sent)
        if not isinstance(each, Mapping) or not clean_json(each)
    }
    if wrong:
        raise ValidationFailed(wrong)
    return sent


routes = [
    post("/events/estimate_fees", estimate),
    post("/events/estimate_instant_fees", estimate_instant),
    post("/events/batch_estimate_instant_fees", estimate_instant_batch),
    ResourceRoute(f"{PREFIX}/events", IngestEndpoint(batch=False), methods=["POST"]),
    ResourceRoute(f"{PREFIX}/events/batch", IngestEndpoint(batch=True), methods=["POST"]),
    get("/events", index),
    get("/events/{transaction_id:path}", show),
]
