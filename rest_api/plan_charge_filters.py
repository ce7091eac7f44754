"""/api/v1/plans/{code}/charges/{charge_code}/filters"""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response

from domain.catalog.plan_filters import create_filter, delete_filter, update_filter
from domain.catalog.plan_parts import filter_row, filters_page
from domain.catalog.plan_payloads import filter_payload, filter_payloads
from domain.catalog.queries import charge_row, plan_row
from rest_api.frame import Call, answer, endpoint, page_answer
from rest_api.routing import delete, get, post, put

__all__ = ["routes"]


@endpoint(resource="plan")
async def create(call: Call) -> Response:
    row = await create_filter(
        call.work, call.root("filter"), plan_code=call.path["code"], charge_code=call.path["charge_code"]
    )
    return await _shown(call, row.id)


@endpoint(resource="plan")
async def update(call: Call) -> Response:
    row = await update_filter(
        call.work, call.root("filter"), call.path["filter_id"],
        plan_code=call.path["code"], charge_code=call.path["charge_code"],
    )  # fmt: skip
    return await _shown(call, row.id)


@endpoint(resource="plan")
async def destroy(call: Call) -> Response:
    row = await delete_filter(
        call.work, call.path["filter_id"], call.options("filter"),
        plan_code=call.path["code"], charge_code=call.path["charge_code"],
    )  # fmt: skip
    return await _shown(call, row.id)


@endpoint(resource="plan")
async def show(call: Call) -> Response:
    found = await filter_row(call.work.session, await _charge_id(call), call.path["filter_id"])
    return answer({"filter": filter_payload(found)})


@endpoint(resource="plan")
async def index(call: Call) -> Response:
    page = await filters_page(call.work.session, await _charge_id(call), call.page())
    return page_answer("filters", [filter_payload(one) for one in page.rows], page)


async def _charge_id(call: Call) -> UUID:
    plan = await plan_row(call.work.session, code=call.path["code"])
    row = await charge_row(call.work.session, plan.id, call.path["charge_code"])
    charge_id: UUID = row.id
    return charge_id


async def _shown(call: Call, filter_id: UUID) -> Response:
    return answer({"filter": (await filter_payloads(call.work.session, [filter_id]))[filter_id]})


routes = [
    get("/plans/{code}/charges/{charge_code}/filters", index),
    post("/plans/{code}/charges/{charge_code}/filters", create),
    get("/plans/{code}/charges/{charge_code}/filters/{filter_id}", show),
    put("/plans/{code}/charges/{charge_code}/filters/{filter_id}", update),
    delete("/plans/{code}/charges/{charge_code}/filters/{filter_id}", destroy),
]
