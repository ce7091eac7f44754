"""/api/v1/webhook_endpoints and /api/v1/webhooks"""

from __future__ import annotations

from starlette.responses import PlainTextResponse, Response

from domain.kernel.errors import NotFound
from domain.messaging import queries
from domain.messaging.endpoints import create_endpoint, destroy_endpoint, update_endpoint
from domain.messaging.models import WebhookEndpoint
from domain.messaging.payloads import endpoint_payload
from infrastructure import jwt
from rest_api.frame import Call, answer, endpoint, page_answer
from rest_api.routing import delete, get, post, put

__all__ = ["routes"]


async def _find(call: Call) -> WebhookEndpoint:
    row = await queries.endpoint_by_id(call.work.session, call.path["lago_id"])
    if row is None:
        raise NotFound("webhook_endpoint")
    return row


def _answer(row: WebhookEndpoint) -> Response:
    return answer({"webhook_endpoint": endpoint_payload(row)})


@endpoint(resource="webhook_endpoint")
async def create(call: Call) -> Response:
    return _answer(await create_endpoint(call.work, call.root("webhook_endpoint")))


@endpoint(resource="webhook_endpoint")
async def index(call: Call) -> Response:
    page = await queries.endpoints_page(call.work.session, call.page())
    return page_answer("webhook_endpoints", [endpoint_payload(row) for row in page.rows], page)


@endpoint(resource="webhook_endpoint")
async def show(call: Call) -> Response:
    return _answer(await _find(call))


@endpoint(resource="webhook_endpoint")
async def update(call: Call) -> Response:
    return _answer(await update_endpoint(call.work, await _find(call), call.root("webhook_endpoint")))


@endpoint(resource="webhook_endpoint")
async def destroy(call: Call) -> Response:
    row = await _find(call)
    response = _answer(row)
    await destroy_endpoint(call.work, row)
    return response


@endpoint(resource="webhook_jwt_public_key")
async def public_key(call: Call) -> Response:
    """The key that webhooks of algorithm jwt are checked with: Base64 of the PEM, as plain text."""
    return PlainTextResponse(jwt.public_key_base64())


@endpoint(resource="webhook_jwt_public_key")
async def json_public_key(call: Call) -> Response:
    """The same key inside JSON."""
    return answer({"webhook": {"public_key": jwt.public_key_base64()}})


routes = [
    get("/webhook_endpoints", index),
    post("/webhook_endpoints", create),
    get("/webhook_endpoints/{lago_id}", show),
    put("/webhook_endpoints/{lago_id}", update),
    delete("/webhook_endpoints/{lago_id}", destroy),
    get("/webhooks/public_key", public_key),
    get("/webhooks/json_public_key", json_public_key),
]
