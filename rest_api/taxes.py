"""/api/v1/taxes"""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response

from domain.catalog.payloads import tax_payload
from domain.catalog.queries import tax_row, tax_rows, taxes_page
from domain.catalog.taxes import create_tax, delete_tax, update_tax
from rest_api.frame import Call, answer, endpoint, page_answer
from rest_api.routing import delete, get, post, put

__all__ = ["routes"]


@endpoint(resource="tax")
async def create(call: Call) -> Response:
    return await _shown(call, (await create_tax(call.work, call.root("tax"))).id)


@endpoint(resource="tax")
async def update(call: Call) -> Response:
    return await _shown(call, (await update_tax(call.work, call.root("tax"), code=call.path["code"])).id)


@endpoint(resource="tax")
async def destroy(call: Call) -> Response:
    return await _shown(call, (await delete_tax(call.work, code=call.path["code"])).id)


@endpoint(resource="tax")
async def show(call: Call) -> Response:
    row = await tax_row(call.work.session, call.work.organization_id, code=call.path["code"])
    return answer({"tax": tax_payload(row)})


@endpoint(resource="tax")
async def index(call: Call) -> Response:
    page = await taxes_page(call.work.session, call.work.organization_id, call.page())
    return page_answer("taxes", [tax_payload(row) for row in page.rows], page)


async def _shown(call: Call, tax_id: UUID) -> Response:
    rows = await tax_rows(call.work.session, call.work.organization_id, [tax_id])
    return answer({"tax": tax_payload(rows[tax_id])})


routes = [
    get("/taxes", index),
    post("/taxes", create),
    get("/taxes/{code}", show),
    put("/taxes/{code}", update),
    delete("/taxes/{code}", destroy),
]
