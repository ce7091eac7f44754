"""/api/v1/billing_entities"""

from __future__ import annotations

from starlette.responses import Response

from domain.billing.billing_entities import create_entity, entity_payload, update_entity
from domain.identity.payloads import billing_entity_payload
from domain.identity.queries import billing_entities_list, billing_entity_row
from rest_api.frame import Call, answer, endpoint
from rest_api.routing import get, post, put

__all__ = ["routes"]


@endpoint(resource="billing_entity")
async def index(call: Call) -> Response:
    rows = await billing_entities_list(call.work)
    return answer({"billing_entities": [billing_entity_payload(row) for row in rows]})


@endpoint(resource="billing_entity")
async def create(call: Call) -> Response:
    entity = await create_entity(call.work, call.root("billing_entity"))
    return answer({"billing_entity": await entity_payload(call.work, entity)})


@endpoint(resource="billing_entity")
async def show(call: Call) -> Response:
    row = await billing_entity_row(call.work, call.path["code"])
    return answer({"billing_entity": await entity_payload(call.work, row)})


@endpoint(resource="billing_entity")
async def update(call: Call) -> Response:
    entity = await update_entity(call.work, call.root("billing_entity"), code=call.path["code"])
    return answer({"billing_entity": await entity_payload(call.work, entity)})


routes = [
    get("/billing_entities", index),
    post("/billing_entities", create),
    get("/billing_entities/{code}", show),
    put("/billing_entities/{code}", update),
]
