"""/api/v1/subscriptions/{external_id}/entitlements"""

from __future__ import annotations

from starlette.responses import Response

from domain.kernel.errors import NotFound
from domain.subscriptions import queries
from domain.subscriptions.entitlements.change import (
    current_entitlements,
    entitlement_of_subscription,
    merge_entitlements,
    remove_entitlement,
    remove_privilege,
)
from domain.subscriptions.entitlements.payloads import subscription_entitlement_payload
from domain.subscriptions.models import Subscription
from rest_api.frame import Call, answer, endpoint
from rest_api.plan_entitlements import sent_entitlements
from rest_api.routing import delete, get, patch

__all__ = ["routes"]


async def _find(call: Call, *, locked: bool = True) -> Subscription:
    """The subscription of the path, active unless `subscription_status` says otherwise. Raises NotFound."""
    status = call.query.get("subscription_status") or "active"
    row = None
    if status in queries.STATUSES:
        row = await queries.find(call.work.session, call.path["external_id"], status)
    if row is None:
        raise NotFound("subscription")
    if locked:
        await call.work.session.refresh(row, with_for_update=True)
    return row


@endpoint(resource="subscription")
async def index(call: Call) -> Response:
    """All that the subscription is entitled to."""
    return await _shown(call, await _find(call, locked=False))


@endpoint(resource="subscription")
async def merge(call: Call) -> Response:
    """What is not sent stays."""
    row = await _find(call)
    await merge_entitlements(call.work, row, sent_entitlements(call))
    return await _shown(call, row)


@endpoint(resource="subscription")
async def destroy(call: Call) -> Response:
    """Answered as it was."""
    entitlement = await remove_entitlement(call.work, await _find(call), call.path["feature_code"])
    return answer({"entitlement": subscription_entitlement_payload(entitlement)})


@endpoint(resource="subscription")
async def destroy_privilege(call: Call) -> Response:
    """Answered with what is left."""
    row, feature_code = await _find(call), call.path["feature_code"]
    await remove_privilege(call.work, row, feature_code, call.path["privilege_code"])
    left = await entitlement_of_subscription(call.work, row, feature_code)
    return answer({"entitlement": subscription_entitlement_payload(left)})


async def _shown(call: Call, row: Subscription) -> Response:
    held = await current_entitlements(call.work, row)
    return answer({"entitlements": [subscription_entitlement_payload(each) for each in held]})


routes = [
    get("/subscriptions/{external_id}/entitlements", index),
    patch("/subscriptions/{external_id}/entitlements", merge),
    delete("/subscriptions/{external_id}/entitlements/{feature_code}", destroy),
    delete("/subscriptions/{external_id}/entitlements/{feature_code}/privileges/{privilege_code}", destroy_privilege),
]
