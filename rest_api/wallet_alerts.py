"""/api/v1/customers/{external_customer_id}/wallets/{wallet_code}/alerts"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from starlette.responses import Response

from domain.credits.wallets.events import WalletAlertsSet
from domain.credits.wallets.queries import wallet_id_by_code
from domain.metering.alert_payloads import alert_payloads
from domain.metering.alert_queries import Watched, alert_of, alerts_of, alerts_page
from domain.metering.alerts import create_alerts, destroy_alerts, update_alert
from domain.metering.models import UsageAlert
from rest_api.frame import Call, answer, empty_answer, endpoint, page_answer
from rest_api.routing import delete, get, post, put
from rest_api.subscription_alerts import sent_alerts

__all__ = ["routes"]


async def _find(call: Call) -> UUID:
    """The wallet of the path. Raises NotFound."""
    return await wallet_id_by_code(call.work.session, call.path["external_customer_id"], call.path["wallet_code"])


@endpoint(resource="alert")
async def create(call: Call) -> Response:
    """One alert, or a batch."""
    wallet_id = await _find(call)
    sent, batch = sent_alerts(call)
    made = await create_alerts(call.work, Watched(wallet_id=wallet_id), sent, batch=batch)
    call.work.record(WalletAlertsSet((wallet_id,)))
    shown = await _payloads(call, made)
    return answer({"alerts": shown} if batch else {"alert": shown[0]})


@endpoint(resource="alert")
async def index(call: Call) -> Response:
    """A page of the alerts of a wallet."""
    page = await alerts_page(call.work.session, Watched(wallet_id=await _find(call)), call.page())
    return page_answer("alerts", await _payloads(call, page.rows), page)


@endpoint(resource="alert")
async def show(call: Call) -> Response:
    return await _answer(call, await _alert(call))


@endpoint(resource="alert")
async def update(call: Call) -> Response:
    """Changes what was given."""
    alert = await update_alert(call.work, await _alert(call, locked=True), call.root("alert"))
    assert alert.wallet_id is not None
    call.work.record(WalletAlertsSet((alert.wallet_id,)))
    return await _answer(call, alert)


@endpoint(resource="alert")
async def destroy(call: Call) -> Response:
    """One alert, with its thresholds; answered as it was."""
    alert = await _alert(call, locked=True)
    shown = await _answer(call, alert)
    await destroy_alerts(call.work, [alert])
    return shown


@endpoint(resource="alert")
async def destroy_all(call: Call) -> Response:
    """All alerts of a wallet."""
    watched = Watched(wallet_id=await _find(call))
    await destroy_alerts(call.work, await alerts_of(call.work.session, watched))
    return empty_answer()


async def _alert(call: Call, *, locked: bool = False) -> UsageAlert:
    watched = Watched(wallet_id=await _find(call))
    return await alert_of(call.work.session, watched=watched, code=call.path["code"], locked=locked)


async def _answer(call: Call, alert: UsageAlert) -> Response:
    return answer({"alert": (await _payloads(call, [alert]))[0]})


async def _payloads(call: Call, alerts: Sequence[UsageAlert]) -> list[dict[str, Any]]:
    codes = {alert.wallet_id: call.path["wallet_code"] for alert in alerts if alert.wallet_id}
    return await alert_payloads(call.work, alerts, wallet_codes=codes)


PATH = "/customers/{external_customer_id}/wallets/{wallet_code}/alerts"

routes = [
    get(PATH, index),
    post(PATH, create),
    delete(PATH, destroy_all),
    get(f"{PATH}/{{code}}", show),
    put(f"{PATH}/{{code}}", update),
    delete(f"{PATH}/{{code}}", destroy),
]
