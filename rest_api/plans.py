"""/api/v1/plans"""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response

from domain.catalog.plan_metadata import change_metadata, remove_metadata_key
from domain.catalog.plan_payloads import plan_payloads
from domain.catalog.plans import create_plan, delete_plan, update_plan
from domain.catalog.queries import plan_row, plans_page
from rest_api.frame import Call, answer, endpoint, page_answer
from rest_api.routing import delete, get, patch, post, put

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


@endpoint(resource="plan")
async def replace_metadata(call: Call) -> Response:
    params = {"metadata": call.body.get("metadata")} if isinstance(call.body, dict) else {}
    return answer({"metadata": await change_metadata(call.work, params, merge=False, code=call.path["code"])})


@endpoint(resource="plan")
async def merge_metadata(call: Call) -> Response:
    params = {"metadata": call.body.get("metadata")} if isinstance(call.body, dict) else {}
    return answer({"metadata": await change_metadata(call.work, params, merge=True, code=call.path["code"])})


@endpoint(resource="plan")
async def clear_metadata(call: Call) -> Response:
    await change_metadata(call.work, {}, merge=False, code=call.path["code"])
    return answer({"metadata": None})


@endpoint(resource="plan")
async def remove_metadata(call: Call) -> Response:
    left = await remove_metadata_key(call.work, call.path["key"], code=call.path["code"])
    return answer({"metadata": left})


routes = [
    post("/plans/{code}/metadata", replace_metadata),
    patch("/plans/{code}/metadata", merge_metadata),
    delete("/plans/{code}/metadata", clear_metadata),
    delete("/plans/{code}/metadata/{key}", remove_metadata),
    get("/plans", index),
    post("/plans", create),
    get("/plans/{code}", show),
    put("/plans/{code}", update),
    delete("/plans/{code}", destroy),
]
