"""/api/v1/plans/{code}/entitlements"""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response

from domain.catalog.entitlements.holdings import holdings
from domain.catalog.entitlements.payloads import plan_entitlement_payload
from domain.catalog.entitlements.plan_entitlements import (
    change_plan_entitlements,
    entitlement_of_plan,
    remove_plan_entitlement,
    remove_plan_privilege,
)
from domain.catalog.entitlements.sent import Sent, read_sent
from domain.catalog.queries import plan_row
from domain.kernel.errors import BadRequest
from rest_api.frame import Call, answer, endpoint
from rest_api.routing import delete, get, patch, post

__all__ = ["routes", "sent_entitlements"]


def sent_entitlements(call: Call) -> Sent:
    """The body's {"entitlements": {feature: {privilege: value}}}; {} asks for none. Raises BadRequest without it."""
    sent = call.content().get("entitlements")
    if not isinstance(sent, dict):
        raise BadRequest("param is missing or the value is empty or invalid: entitlements")
    return read_sent(sent) or {}


@endpoint(resource="plan")
async def index(call: Call) -> Response:
    return await _shown(call, (await plan_row(call.work.session, code=call.path["code"])).id)


@endpoint(resource="plan")
async def replace(call: Call) -> Response:
    """Afterwards the plan has these features and no others."""
    return await _change(call, full=True)


@endpoint(resource="plan")
async def merge(call: Call) -> Response:
    """What is not sent stays."""
    return await _change(call, full=False)


@endpoint(resource="plan")
async def show(call: Call) -> Response:
    plan = await plan_row(call.work.session, code=call.path["code"])
    holding = await entitlement_of_plan(call.work, plan.id, call.path["feature_code"])
    return answer({"entitlement": plan_entitlement_payload(holding)})


@endpoint(resource="plan")
async def destroy(call: Call) -> Response:
    """Answered as it was."""
    holding = await remove_plan_entitlement(call.work, call.path["code"], call.path["feature_code"])
    return answer({"entitlement": plan_entitlement_payload(holding)})


@endpoint(resource="plan")
async def destroy_privilege(call: Call) -> Response:
    path = call.path
    holding = await remove_plan_privilege(call.work, path["code"], path["feature_code"], path["privilege_code"])
    return answer({"entitlement": plan_entitlement_payload(holding)})


async def _change(call: Call, *, full: bool) -> Response:
    plan = await change_plan_entitlements(call.work, call.path["code"], sent_entitlements(call), full=full)
    return await _shown(call, plan.id)


async def _shown(call: Call, plan_id: UUID) -> Response:
    held = (await holdings(call.work.session, plan_ids=[plan_id])).get(plan_id, ())
    return answer({"entitlements": [plan_entitlement_payload(each) for each in held]})


routes = [
    get("/plans/{code}/entitlements", index),
    post("/plans/{code}/entitlements", replace),
    patch("/plans/{code}/entitlements", merge),
    get("/plans/{code}/entitlements/{feature_code}", show),
    delete("/plans/{code}/entitlements/{feature_code}", destroy),
    delete("/plans/{code}/entitlements/{feature_code}/privileges/{privilege_code}", destroy_privilege),
]
