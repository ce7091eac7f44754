"""/api/v1/plans/{code}/charges"""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response

from domain.catalog.plan_charges import create_charge, delete_charge, update_charge
from domain.catalog.plan_payloads import charge_payloads, charge_payloads_of
from domain.catalog.queries import charge_row, charges_page, plan_row
from rest_api.frame import Call, answer, endpoint, page_answer
from rest_api.routing import delete, get, post, put

__all__ = ["routes"]


@endpoint(resource="plan")
async def create(call: Call) -> Response:
    charge = await create_charge(call.work, call.root("charge"), plan_code=call.path["code"])
    return await _shown(call, charge.id)


@endpoint(resource="plan")
async def update(call: Call) -> Response:
    charge = await update_charge(
        call.work, call.root("charge"), plan_code=call.path["code"], charge_code=call.path["charge_code"]
    )
    return await _shown(call, charge.id)


@endpoint(resource="plan")
async def destroy(call: Call) -> Response:
    charge = await delete_charge(
        call.work, call.options("charge"), plan_code=call.path["code"], charge_code=call.path["charge_code"]
    )
    return await _shown(call, charge.id)


@endpoint(resource="plan")
async def show(call: Call) -> Response:
    plan = await plan_row(call.work.session, code=call.path["code"])
    row = await charge_row(call.work.session, plan.id, call.path["charge_code"])
    return answer({"charge": (await charge_payloads_of(call.work.session, [row]))[0]})


@endpoint(resource="plan")
async def index(call: Call) -> Response:
    plan = await plan_row(call.work.session, code=call.path["code"])
    page = await charges_page(call.work.session, plan.id, call.page())
    return page_answer("charges", await charge_payloads_of(call.work.session, page.rows), page)


async def _shown(call: Call, charge_id: UUID) -> Response:
    return answer({"charge": (await charge_payloads(call.work.session, [charge_id]))[charge_id]})


routes = [
    get("/plans/{code}/charges", index),
    post("/plans/{code}/charges", create),
    get("/plans/{code}/charges/{charge_code}", show),
    put("/plans/{code}/charges/{charge_code}", update),
    delete("/plans/{code}/charges/{charge_code}", destroy),
]
