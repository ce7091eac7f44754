"""/api/v1/add_ons"""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response

from domain.catalog.add_on_queries import add_on_payloads, add_on_row, add_ons_page
from domain.catalog.add_ons import create_add_on, delete_add_on, update_add_on
from rest_api.frame import Call, answer, endpoint, page_answer
from rest_api.routing import delete, get, post, put

__all__ = ["routes"]


@endpoint(resource="add_on")
async def create(call: Call) -> Response:
    return await _shown(call, (await create_add_on(call.work, call.root("add_on"))).id)


@endpoint(resource="add_on")
async def update(call: Call) -> Response:
    return await _shown(call, (await update_add_on(call.work, call.root("add_on"), code=call.path["code"])).id)


@endpoint(resource="add_on")
async def destroy(call: Call) -> Response:
    return await _shown(call, (await delete_add_on(call.work, code=call.path["code"])).id)


@endpoint(resource="add_on")
async def show(call: Call) -> Response:
    return await _shown(call, (await add_on_row(call.work.session, code=call.path["code"])).id)


@endpoint(resource="add_on")
async def index(call: Call) -> Response:
    page = await add_ons_page(call.work.session, call.page())
    rows = {row.id: row for row in page.rows}
    payloads = await add_on_payloads(call.work.session, rows, rows=rows)
    return page_answer("add_ons", list(payloads.values()), page)


async def _shown(call: Call, add_on_id: UUID) -> Response:
    payloads = await add_on_payloads(call.work.session, [add_on_id])
    return answer({"add_on": payloads[add_on_id]})


routes = [
    get("/add_ons", index),
    post("/add_ons", create),
    get("/add_ons/{code}", show),
    put("/add_ons/{code}", update),
    delete("/add_ons/{code}", destroy),
]
