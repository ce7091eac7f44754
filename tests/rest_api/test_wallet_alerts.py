"""/api/v1/customers/{external_customer_id}/wallets/{code}/alerts"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from domain.credits.wallets.events import WalletAlertsSet
from domain.credits.wallets.ongoing_balance import refresh_wallets
from domain.kernel import clock
from domain.kernel.unit_of_work import tenant_work
from domain.messaging.announce import ANNOUNCEMENTS
from domain.metering.events import AlertsTriggered
from tests.domain.billing.world import World
from tests.rest_api.conftest import Api, Recorded

PATH = "/customers/cust/wallets/main/alerts"
ALERT: dict[str, Any] = {
    "alert_type": "wallet_balance_amount",
    "code": "low",
    "thresholds": [{"value": 500, "code": "warn"}, {"value": -100}, {"value": 200, "recurring": True}],
}


async def wallet(api: Api) -> UUID:
    await api.post("/customers", {"customer": {"external_id": "cust", "currency": "EUR"}})
    body = {"external_customer_id": "cust", "rate_amount": "1", "currency": "EUR", "name": "Main", "code": "main"}
    answer = await api.post("/wallets", {"wallet": body})
    assert answer.status_code == 200, answer.text
    return UUID(answer.json()["wallet"]["lago_id"])


async def holds(api: Api, wallet_id: UUID, cents: int) -> None:
    """The wallet holds so much, and its figures are computed anew."""
    with World(clock.now(), adopted=True, organization_id=api.tenant.organization_id) as world:
        world.execute(
            "UPDATE wallets SET balance_cents = %s, credits_balance = %s WHERE id = %s", cents, cents / 100, wallet_id
        )
    async with tenant_work(api.tenant) as work:
        await refresh_wallets(work, [wallet_id])


async def test_an_alert_on_a_wallet_tells_when_it_falls(api: Api, recorded: Recorded) -> None:
    wallet_id = await wallet(api)
    answer = (await api.post(PATH, {"alert": ALERT})).json()["alert"]
    assert (answer["lago_wallet_id"], answer["wallet_code"], answer["direction"]) == (
        str(wallet_id), "main", "decreasing",
    )  # fmt: skip
    assert (answer["external_subscription_id"], answer["previous_value"]) == (None, 0)
    assert [each["value"] for each in answer["thresholds"]] == ["-100.0", "500.0", "200.0"]
    assert recorded.of(WalletAlertsSet) == [WalletAlertsSet((wallet_id,))]
    of_credits = {**ALERT, "alert_type": "wallet_credits_ongoing_balance", "code": "credits",
                  "thresholds": [{"value": 3}]}  # fmt: skip
    assert (await api.post(PATH, {"alert": of_credits})).status_code == 200

    await holds(api, wallet_id, 1000)
    assert recorded.of(AlertsTriggered) == []
    assert (await api.get(f"{PATH}/low")).json()["alert"]["previous_value"] == 1000
    await holds(api, wallet_id, 250)
    await holds(api, wallet_id, 200)
    ids = [each for event in recorded.of(AlertsTriggered) for each in event.triggered_alert_ids]
    async with tenant_work(api.tenant) as work:
        told = list((await ANNOUNCEMENTS["alert.triggered"].load(work, ids)).values())
    assert sorted((each["alert_code"], each["current_value"], each["previous_value"]) for each in told) == [
        ("credits", 2.5, 10), ("low", 250, 1000),
    ]  # fmt: skip
    assert {each["external_customer_id"] for each in told} == {"cust"}
    assert {each["lago_wallet_id"] for each in told} == {wallet_id}


async def test_what_is_wrong_with_an_alert_on_a_wallet_is_told(api: Api) -> None:
    assert (await api.post(PATH, {"alert": ALERT})).json()["code"] == "customer_not_found"
    await wallet(api)
    wrong = {**ALERT, "alert_type": "current_usage_amount"}
    answer = await api.post(PATH, {"alert": wrong})
    assert (answer.status_code, answer.json()["error_details"]) == (422, {"alert_type": ["invalid_type"]})
    assert (await api.post(PATH, {"alerts": [ALERT, {**ALERT, "code": "b"}]})).json()["error_details"]["1"]
    assert (await api.post(PATH, {"alerts": [ALERT]})).status_code == 200
    assert (await api.post(PATH, {"alert": {**ALERT, "code": "b"}})).json()["error_details"] == {
        "base": ["alert_already_exists"]
    }
    assert (await api.get("/customers/cust/wallets/other/alerts")).json()["code"] == "wallet_not_found"
    assert len((await api.get(PATH)).json()["alerts"]) == 1
    assert (await api.put(f"{PATH}/low", {"alert": {"code": "lower"}})).json()["alert"]["code"] == "lower"
    assert (await api.delete(f"{PATH}/lower")).status_code == 200
    assert (await api.delete(PATH)).content == b""
    assert (await api.get(f"{PATH}/lower")).json()["code"] == "alert_not_found"
