"""/api/v1/subscriptions/{external_id}/alerts and lifetime_usage"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from domain.billing.lifetime_usage import lifetime_payload
from domain.kernel.errors import NotFound
from domain.kernel.validation import clean_json
from domain.metering.activities import note_activity
from domain.metering.alert_payloads import alert_payloads
from domain.metering.alert_queries import Watched, alert_of, alerts_of, alerts_page
from domain.metering.alerts import create_alerts, destroy_alerts, update_alert
from domain.metering.lifetime_usages import open_lifetime_usages, set_historical_usage
from domain.metering.models import UsageAlert
from domain.subscriptions import queries
from domain.subscriptions.models import Subscription
from rest_api.frame import Call, answer, empty_answer, endpoint, page_answer
from rest_api.routing import delete, get, post, put

__all__ = ["routes", "sent_alerts"]


async def _find(call: Call) -> Subscription:
    """The subscription of the path, active unless `subscription_status` says otherwise. Raises NotFound."""
    status = call.query.get("subscription_status") or "active"
    row = None
    if status in queries.STATUSES:
        row = await queries.find(call.work.session, call.path["external_id"], status)
    if row is None:
        raise NotFound("subscription")
    return row


def sent_alerts(call: Call) -> tuple[Sequence[Mapping[str, Any]], bool]:
    """What a POST asks for: one `alert`, or several `alerts` that are made together."""
    body = call.body if isinstance(call.body, dict) else {}
    if "alerts" not in body:
        return [call.root("alert")], False
    sent = body["alerts"]
    if not isinstance(sent, list):
        return [], True
    return [each if isinstance(each, dict) and clean_json(each) else {} for each in sent], True


@endpoint(resource="alert")
async def create(call: Call) -> Response:
    """One alert, or a batch."""
    row = await _find(call)
    sent, batch = sent_alerts(call)
    made = await create_alerts(call.work, Watched(row.external_id), sent, batch=batch)
    await note_activity(call.work, [row.id])
    shown = await alert_payloads(call.work, made)
    return answer({"alerts": shown} if batch else {"alert": shown[0]})


@endpoint(resource="alert")
async def index(call: Call) -> Response:
    """A page of the alerts of a subscription."""
    row = await _find(call)
    page = await alerts_page(call.work.session, Watched(row.external_id), call.page())
    return page_answer("alerts", await alert_payloads(call.work, page.rows), page)


@endpoint(resource="alert")
async def show(call: Call) -> Response:
    return await _answer(call, await _alert(call, await _find(call)))


@endpoint(resource="alert")
async def update(call: Call) -> Response:
    """Changes what was given."""
    row = await _find(call)
    alert = await update_alert(call.work, await _alert(call, row, locked=True), call.root("alert"))
    await note_activity(call.work, [row.id])
    return await _answer(call, alert)


@endpoint(resource="alert")
async def destroy(call: Call) -> Response:
    """One alert, with its thresholds; answered as it was."""
    alert = await _alert(call, await _find(call), locked=True)
    shown = await _answer(call, alert)
    await destroy_alerts(call.work, [alert])
    return shown


@endpoint(resource="alert")
async def destroy_all(call: Call) -> Response:
    """All alerts of a subscription."""
    row = await _find(call)
    await destroy_alerts(call.work, await alerts_of(call.work.session, Watched(row.external_id)))
    return empty_answer()


async def _alert(call: Call, row: Subscription, *, locked: bool = False) -> UsageAlert:
    watched = Watched(row.external_id)
    return await alert_of(call.work.session, watched=watched, code=call.path["code"], locked=locked)


async def _answer(call: Call, alert: UsageAlert) -> Response:
    return answer({"alert": (await alert_payloads(call.work, [alert]))[0]})


@endpoint(resource="lifetime_usage")
async def show_lifetime(call: Call) -> Response:
    """What the subscription has used since its chain began."""
    row = await _find(call)
    return answer({"lifetime_usage": await lifetime_payload(call.work, row.id)})


@endpoint(resource="lifetime_usage")
async def update_lifetime(call: Call) -> Response:
    """Sets what was used before Tarn counted it."""
    row = await _find(call)
    params = call.root("lifetime_usage")
    await open_lifetime_usages(call.work, [row.id])
    await set_historical_usage(call.work, row.id, params)
    await note_activity(call.work, [row.id])
    return answer({"lifetime_usage": await lifetime_payload(call.work, row.id)})


routes = [
    get("/subscriptions/{external_id}/lifetime_usage", show_lifetime),
    put("/subscriptions/{external_id}/lifetime_usage", update_lifetime),
    get("/subscriptions/{external_id}/alerts", index),
    post("/subscriptions/{external_id}/alerts", create),
    delete("/subscriptions/{external_id}/alerts", destroy_all),
    get("/subscriptions/{external_id}/alerts/{code}", show),
    put("/subscriptions/{external_id}/alerts/{code}", update),
    delete("/subscriptions/{external_id}/alerts/{code}", destroy),
]
