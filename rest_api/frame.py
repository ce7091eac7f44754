"""The frame around every REST endpoint: API key, transaction, body, pages, errors.

    @endpoint(resource="plan")
    async def create(call: Call) -> Response:
        plan = await create_plan(call.work, call.root("plan"))
        return answer({"plan": await plan_payload(call.work, plan.id)})

    routes = [post("/plans", create)]

A write that carries an `Idempotency-Key` happens once (see `domain.kernel.idempotency`): asked for again within a day,
it gets the first answer, marked with `Idempotent-Replayed: true`; the same key with another request is refused.

The order is: key (401) and its permission (403), body (400), then the handler inside one transaction of the key's
organization, which is committed before the answer leaves. A refusal rolls everything back and becomes its 4xx; anything
else that is raised is a defect, logged and answered as a bare 500 by the application. Writes are noted for the log of
API calls (see `rest_api.api_log`), and their answers name the request in `X-Request-Id`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import wraps
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from domain.identity.authenticate import ApiKeyIdentity, authenticate_api_key
from domain.kernel.authors import Author, Origin
from domain.kernel.errors import BadRequest, NotFound, Refusal, Throttled, Unauthorized, ValidationFailed
from domain.kernel.idempotency import Answered, checked_key, fingerprint_of, once
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.unit_of_work import UnitOfWork, tenant_work
from domain.kernel.validation import clean_json, storable
from infrastructure import exact_json
from rest_api.api_log import note_call
from rest_api.errors import refusal_answer

__all__ = ["Call", "Outgoing", "answer", "empty_answer", "endpoint", "outgoing", "page_answer"]

READING = frozenset({"GET", "HEAD"})
MAX_KEY = 255
MAX_QUERY_VALUES = 200


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request inside its transaction.

    path: parameters of the path, decoded. query: parameters of the query string, the last one of each name.
    body: the parsed JSON body (Decimals for numbers with a fraction), {} when there is none.
    """

    request: Request
    identity: ApiKeyIdentity
    work: UnitOfWork
    body: Any

    @property
    def path(self) -> Mapping[str, str]:
        return self.request.path_params

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query_params

    def texts(self, name: str) -> list[str]:
        """All values of a repeated query parameter, `name[]=a&name[]=b` or `name=a`; empty ones left out."""
        params = self.request.query_params
        return [value for value in (*params.getlist(f"{name}[]"), *params.getlist(name)) if value]

    def flag(self, name: str) -> bool | None:
        """A boolean of the query string: true, false, or None for absent and anything else."""
        return {"true": True, "1": True, "false": False, "0": False}.get(self.query.get(name, "").lower())

    def page(self) -> PageRequest:
        """`page` and `per_page` of the query string."""
        return PageRequest.parse(self.query.get("page"), self.query.get("per_page"))

    def root(self, name: str) -> Mapping[str, Any]:
        """The body's root object. Raises BadRequest when it is missing or empty, ValidationFailed for texts and
        numbers that no column can hold (NUL characters, absurd sizes)."""
        value = self.body.get(name) if isinstance(self.body, Mapping) else None
        if not isinstance(value, Mapping) or not value:
            raise BadRequest(f"param is missing or the value is empty or invalid: {name}")
        if not clean_json(value):
            raise ValidationFailed(
                {
                    field if storable(field) else "base": ["value_is_invalid"]
                    for field, content in value.items()
                    if not storable(field) or not clean_json(content)
                }
                or {"base": ["value_is_invalid"]}
            )
        return value

    def content(self) -> Mapping[str, Any]:
        """The body itself where it has no root object; {} without one. Raises ValidationFailed as `root` does."""
        if not isinstance(self.body, Mapping):
            return {}
        if not clean_json(self.body):
            raise ValidationFailed({"base": ["value_is_invalid"]})
        return self.body

    def options(self, name: str) -> Mapping[str, Any]:
        """The body's root object where a body is optional, as for a deletion; {} without one."""
        value = self.body.get(name) if isinstance(self.body, Mapping) else None
        return self.root(name) if value else {}


Handler = Callable[[Call], Awaitable[Response]]


def endpoint(resource: str) -> Callable[[Handler], Callable[[Request], Awaitable[Response]]]:
    """Makes a handler of calls an endpoint of requests.

    resource: what the key needs permission for, to read with GET and to write with any other verb; also what is not
    found when the path holds a text that can't exist.
    """

    def decorate(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        @wraps(handler)
        async def handle(request: Request) -> Response:
            async def respond(identity: ApiKeyIdentity, body: Any) -> Response:
                async with tenant_work(identity.tenant, _author(request, identity)) as work:
                    call = Call(request, identity, work, body)
                    once_key = None if request.method in READING else request.headers.get("idempotency-key")
                    if once_key is None:
                        return await handler(call)
                    return await _once(call, checked_key(once_key), handler)

            return await _answered(request, resource, respond)

        return handle

    return decorate


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An authenticated request that calls out of the house, and opens transactions before and after by itself."""

    request: Request
    identity: ApiKeyIdentity
    body: Any

    @property
    def path(self) -> Mapping[str, str]:
        return self.request.path_params

    def work(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """A transaction of the key's organization; committed at the end of the block."""
        return tenant_work(self.identity.tenant, _author(self.request, self.identity))


def outgoing(
    resource: str,
) -> Callable[[Callable[[Outgoing], Awaitable[Response]]], Callable[[Request], Awaitable[Response]]]:
    """As `endpoint`, for what asks somebody outside: no transaction is held meanwhile. What is written must be safe to
    ask for again, for an `Idempotency-Key` is not looked at."""

    def decorate(handler: Callable[[Outgoing], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        @wraps(handler)
        async def handle(request: Request) -> Response:
            async def respond(identity: ApiKeyIdentity, body: Any) -> Response:
                return await handler(Outgoing(request, identity, body))

            return await _answered(request, resource, respond)

        return handle

    return decorate


async def _answered(
    request: Request, resource: str, respond: Callable[[ApiKeyIdentity, Any], Awaitable[Response]]
) -> Response:
    """What every endpoint does around its own work: key, permission, body, refusals, and the log of writes."""
    identity: ApiKeyIdentity | None = None
    body: Any = {}
    try:
        identity = await authenticate_api_key(_key(request))
        identity.require(resource, "read" if request.method in READING else "write")
        _refuse_unstorable(request, resource)
        body = await _body(request)
        response = await respond(identity, body)
    except Refusal as refusal:
        response = refusal_answer(refusal)
    except Exception as error:
        if identity is not None:
            status = error.status_code if isinstance(error, HTTPException) else 500
            note_call(request, resource, identity, body, _sent(request), status, b"")
        raise
    if identity is not None and request.method not in READING:
        sent = bytes(getattr(response, "body", b""))
        named = note_call(request, resource, identity, body, _sent(request), response.status_code, sent)
        if named is not None:
            response.headers["x-request-id"] = named
    return response


def _sent(request: Request) -> int:
    """Bytes of the body that was read."""
    return len(getattr(request, "_body", b""))


def _author(request: Request, identity: ApiKeyIdentity) -> Author:
    address = request.client.host if request.client else "unknown"
    origin = Origin(request.headers.get("user-agent", ""), address)
    return Author("api", api_key_id=identity.api_key_id, origin=origin)


async def _once(call: Call, key: str, handler: Handler) -> Response:
    """The answer of the handler, or the one this key got before."""
    request, work = call.request, call.work
    asked = fingerprint_of(request.method, request.url.path, str(request.url.query), call.body)

    async def run() -> Answered:
        recorded = work.recorded
        try:
            async with work.session.begin_nested():
                response = await handler(call)
        except (BadRequest, Throttled, Unauthorized):
            raise  # says nothing about the request itself, or nothing that another try could not change
        except Refusal as refusal:
            work.forget_since(recorded)
            response = refusal_answer(refusal)
        return Answered(response.status_code, bytes(response.body).decode())

    answered = await once(work, "rest", key, asked, run)
    headers = {"idempotent-replayed": "true"} if answered.replayed else None
    return Response(answered.body, answered.status, headers, media_type="application/json" if answered.body else None)


def answer(content: Mapping[str, Any], status: int = 200) -> Response:
    """A JSON answer. Decimals are written as numbers: write those that are texts in the interface as texts."""
    return Response(exact_json.dump(content), status, media_type="application/json")


def empty_answer(status: int = 200) -> Response:
    """An answer without a body."""
    return Response(status_code=status)


def page_answer(name: str, rows: Sequence[Mapping[str, Any]], page: Page[Any]) -> Response:
    """A list under its plural name, with `meta`."""
    meta = {
        "current_page": page.current_page,
        "next_page": page.next_page,
        "prev_page": page.previous_page,
        "total_pages": page.total_pages,
        "total_count": page.total_count,
    }
    return answer({name: rows, "meta": meta})


def _key(request: Request) -> str:
    """The second word of the Authorization header. Raises Unauthorized."""
    words = request.headers.get("authorization", "").split()
    if len(words) < 2 or words[0].lower() != "bearer" or len(words[1]) > MAX_KEY or not words[1].isascii():
        raise Unauthorized
    return words[1]


def _refuse_unstorable(request: Request, resource: str) -> None:
    """Texts that PostgreSQL cannot hold: in the path they name nothing, in the query they are wrong."""
    if not all(storable(value) for value in request.path_params.values() if isinstance(value, str)):
        raise NotFound(resource)
    items = request.query_params.multi_items()
    if len(items) > MAX_QUERY_VALUES:
        raise BadRequest(f"more than {MAX_QUERY_VALUES} query parameters")
    wrong = [name if storable(name) else "base" for name, value in items if not (storable(name) and storable(value))]
    if wrong:
        raise ValidationFailed({name: ["value_is_invalid"] for name in wrong})


async def _body(request: Request) -> Any:
    """The body as exact JSON. Raises BadRequest."""
    if request.method in READING:
        return {}
    data = await request.body()
    if not data.strip():
        return {}
    try:
        return exact_json.load(data)
    except exact_json.MalformedJSON:
        raise BadRequest("the body is not valid JSON") from None
