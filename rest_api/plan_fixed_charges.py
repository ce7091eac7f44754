"""/api/v1/plans/{code}/fixed_charges"""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response

from domain.catalog.plan_fixed_charges import create_fixed_charge, delete_fixed_charge, update_fixed_charge
from domain.catalog.plan_parts import fixed_charge_row, fixed_charges_page
from domain.catalog.plan_payloads import fixed_charge_payloads, fixed_charge_payloads_of
from domain.catalog.queries import plan_row
from rest_api.frame import Call, answer, endpoint, page_answer
from rest_api.routing import delete, get, post, put

__all__ = ["routes"]


@endpoint(resource="plan")
async def create(call: Call) -> Response:
    row = await create_fixed_charge(call.work, call.root("fixed_charge"), plan_code=call.path["code"])
    return await _shown(call, row.id)


@endpoint(resource="plan")
async def update(call: Call) -> Response:
    row = await update_fixed_charge(
        call.work, call.root("fixed_charge"), plan_code=call.path["code"], code=call.path["fixed_charge_code"]
    )
    return await _shown(call, row.id)


@endpoint(resource="plan")
async def destroy(call: Call) -> Response:
    row = await delete_fixed_charge(
        call.work, call.options("fixed_charge"), plan_code=call.path["code"], code=call.path["fixed_charge_code"]
    )
    return await _shown(call, row.id)


@endpoint(resource="plan")
async def show(call: Call) -> Response:
    plan = await plan_row(call.work.session, code=call.path["code"])
    row = await fixed_charge_row(call.work.session, plan.id, call.path["fixed_charge_code"])
    return answer({"fixed_charge": (await fixed_charge_payloads_of(call.work.session, [row]))[0]})


@endpoint(resource="plan")
async def index(call: Call) -> Response:
    plan = await plan_row(call.work.session, code=call.path["code"])
    page = await fixed_charges_page(call.work.session, plan.id, call.page())
    return page_answer("fixed_charges", await fixed_charge_payloads_of(call.work.session, page.rows), page)


async def _shown(call: Call, fixed_charge_id: UUID) -> Response:
    payloads = await fixed_charge_payloads(call.work.session, [fixed_charge_id])
    return answer({"fixed_charge": payloads[fixed_charge_id]})


routes = [
    get("/plans/{code}/fixed_charges", index),
    post("/plans/{code}/fixed_charges", create),
    get("/plans/{code}/fixed_charges/{fixed_charge_code}", show),
    put("/plans/{code}/fixed_charges/{fixed_charge_code}", update),
    delete("/plans/{code}/fixed_charges/{fixed_charge_code}", destroy),
]
