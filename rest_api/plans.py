"""/api/v1/plans"""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response

from domain.catalog.payloads import plan_payloads
from domain.catalog.plans import create_plan, delete_plan, update_plan
from domain.catalog.queries import plan_row, plans_page
from rest_api.frame import Call, answer, endpoint, page_answer
from rest_api.routing import delete, get, post, put

__all__ = ["routes"]


@endpoint(resource="plan")
async def create(call: Call) -> Response:
    return await _shown(call, (await create_plan(call.work, call.root("plan"))).id)


@endpoint(resource="plan")
async def update(call: Call) -> Response:
    return await _shown(call, (await update_plan(call.work, call.root("plan"), code=call.path["code"])).id)


@endpoint(resource="plan")
async def destroy(call: Call) -> Response:
    return await _shown(call, (await delete_plan(call.work, code=call.path["code"])).id)


@endpoint(resource="plan")
async def show(call: Call) -> Response:
    return await _shown(call, (await plan_row(call.work.session, code=call.path["code"])).id)


@endpoint(resource="plan")
async def index(call: Call) -> Response:
    page = await plans_page(call.work.session, call.page())
    rows = {row.id: row for row in page.rows}
    payloads = await plan_payloads(call.work.session, rows, rows=rows, listed=True)
    return page_answer("plans", [payloads[plan_id] for plan_id in rows], page)


async def _shown(call: Call, plan_id: UUID) -> Response:
    return answer({"plan": (await plan_payloads(call.work.session, [plan_id]))[plan_id]})


routes = [
    get("/plans", index),
    post("/plans", create),
    get("/plans/{code}", show),
    put("/plans/{code}", update),
    delete("/plans/{code}", destroy),
]
