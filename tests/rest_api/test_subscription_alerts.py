"""/api/v1/subscriptions/{external_id}/alerts, lifetime_usage, and usage thresholds of subscriptions."""

from __future__ import annotations

from typing import Any

import pytest

from domain.billing.look_at_usage import look_at_usage
from domain.invoicing.events import UsageThresholdsReached
from domain.kernel import clock
from domain.kernel.ids import parse_id
from domain.kernel.unit_of_work import tenant_work
from domain.messaging.announce import ANNOUNCEMENTS
from domain.metering.events import AlertsTriggered
from tests.domain.billing.world import World
from tests.rest_api.conftest import Api, Recorded
from tests.rest_api.test_plans import made, standard
from tests.rest_api.test_subscription_overrides import on


async def sold(api: Api, **fields: Any) -> str:
    """A subscription `sub` to a plan that charges 1.00 for every unit of `calls`; its id."""
    metric = {"name": "Calls", "code": "calls", "aggregation_type": "sum_agg", "field_name": "units"}
    metric_id = (await api.post("/billable_metrics", {"billable_metric": metric})).json()["billable_metric"]["lago_id"]
    await made(api, charges=[standard(metric_id, "1")], **fields)
    return str((await on(api))["lago_id"])


async def used(api: Api, units: int) -> None:
    with World(clock.now(), adopted=True, organization_id=api.tenant.organization_id) as world:
        world.event("sub", "calls", clock.now().isoformat(), str(units))


async def look(api: Api, subscription_id: str) -> None:
    async with tenant_work(api.tenant) as work:
        await look_at_usage(work, [parse_id(subscription_id)])  # type: ignore[list-item]


async def told(api: Api, webhook_type: str, ids: Any) -> list[Any]:
    async with tenant_work(api.tenant) as work:
        return list((await ANNOUNCEMENTS[webhook_type].load(work, ids)).values())


ALERT = {
    "alert_type": "current_usage_amount",
    "code": "spend",
    "name": "Spend",
    "thresholds": [{"value": "15.5", "code": "warn"}, {"value": 3000}, {"value": 1000, "recurring": True}],
}
ALERTS = "/subscriptions/sub/alerts"


async def test_an_alert_tells_once_when_usage_reaches_its_thresholds(api: Api, recorded: Recorded) -> None:
    subscription_id = await sold(api)
    answer = (await api.post(ALERTS, {"alert": ALERT})).json()["alert"]
    assert answer["thresholds"] == [
        {"code": "warn", "value": "15.5", "recurring": False},
        {"code": None, "value": "3000.0", "recurring": False},
        {"code": None, "value": "1000.0", "recurring": True},
    ]
    assert (answer["external_subscription_id"], answer["direction"]) == ("sub", "increasing")
    assert (answer["previous_value"], answer["last_processed_at"], answer["billable_metric"]) == (0, None, None)
    of_metric = {"alert_type": "billable_metric_current_usage_units", "code": "units", "billable_metric_code": "calls",
                 "thresholds": [{"value": 40}]}  # fmt: skip
    answer = (await api.post(ALERTS, {"alert": of_metric})).json()["alert"]
    assert answer["billable_metric"]["code"] == "calls"

    await used(api, 42)
    await look(api, subscription_id)
    await look(api, subscription_id)
    ids = [each for event in recorded.of(AlertsTriggered) for each in event.triggered_alert_ids]
    spend, units = sorted(await told(api, "alert.triggered", ids), key=lambda each: str(each["alert_code"]))
    assert spend["crossed_thresholds"] == [
        {"code": "warn", "value": "15.5", "recurring": False},
        {"code": None, "value": "3000.0", "recurring": False},
        {"code": None, "value": "4000.0", "recurring": True},
    ]
    assert (spend["current_value"], spend["previous_value"], spend["external_customer_id"]) == (4200, 0, "sub")
    assert (units["billable_metric_code"], units["current_value"]) == ("calls", 42)
    shown = (await api.get(f"{ALERTS}/spend")).json()["alert"]
    assert shown["previous_value"] == 4200
    assert shown["last_processed_at"] is not None


async def test_alerts_are_listed_changed_and_taken_away(api: Api, stranger: Api) -> None:
    await sold(api)
    assert await api.post(ALERTS, {"alerts": [ALERT, {**ALERT, "alert_type": "lifetime_usage_amount", "code": "b"}]})
    listed = (await api.get(ALERTS)).json()
    assert [each["code"] for each in listed["alerts"]] == ["b", "spend"]
    assert listed["meta"]["total_count"] == 2
    changed = await api.put(f"{ALERTS}/spend", {"alert": {"name": "New", "thresholds": [{"value": 7}]}})
    assert changed.json()["alert"]["name"] == "New"
    assert [each["value"] for each in changed.json()["alert"]["thresholds"]] == ["7.0"]
    assert (await api.put(f"{ALERTS}/spend", {"alert": {"code": "b"}})).json()["error_details"] == {
        "code": ["value_already_exist"]
    }
    assert (await stranger.get(f"{ALERTS}/spend")).status_code == 404
    assert (await api.delete(f"{ALERTS}/spend")).json()["alert"]["thresholds"]
    assert (await api.get(f"{ALERTS}/spend")).json()["code"] == "alert_not_found"
    emptied = await api.delete(ALERTS)
    assert (emptied.status_code, emptied.content) == (200, b"")
    assert (await api.get(ALERTS)).json()["alerts"] == []
    # What was taken away may be made anew.
    assert (await api.post(ALERTS, {"alert": ALERT})).status_code == 200
    assert (await api.get("/subscriptions/unknown/alerts")).json()["code"] == "subscription_not_found"
    assert (await api.get(f"{ALERTS}?subscription_status=terminated")).json()["code"] == "subscription_not_found"


@pytest.mark.parametrize(
    ("change", "details"),
    [
        ({"alert_type": ""}, {"alert_type": ["value_is_mandatory", "value_is_invalid"]}),
        ({"alert_type": "wallet_balance_amount"}, {"alert_type": ["invalid_type"]}),
        ({"alert_type": ["x"], "code": None}, {"alert_type": ["invalid_type"], "code": ["value_is_mandatory"]}),
        ({"thresholds": []}, {"thresholds": ["value_is_mandatory"]}),
        ({"thresholds": "x"}, {"thresholds": ["value_is_invalid"]}),
        ({"thresholds": [{"value": n} for n in range(21)]}, {"thresholds": ["too_many_thresholds"]}),
        ({"thresholds": [{"value": 1}, {"value": "1.0"}]}, {"thresholds": ["duplicate_threshold_values"]}),
        ({"thresholds": [{"code": "a"}]}, {"thresholds:value": ["value_is_mandatory"]}),
        ({"thresholds": [{"value": "a"}]}, {"thresholds:value": ["value_is_invalid"]}),
        ({"thresholds": [{"value": "1e30"}]}, {"thresholds:value": ["value_is_invalid"]}),
        ({"thresholds": [{"value": 0, "recurring": True}]}, {"thresholds:value": ["recurring_value_is_negative"]}),
        (
            {"thresholds": [{"value": n, "recurring": True} for n in (1, 2)]},
            {"thresholds": ["multiple_recurring_thresholds"]},
        ),
        ({"billable_metric_code": "calls"}, {"billable_metric": ["value_must_be_blank"]}),
        ({"alert_type": "billable_metric_current_usage_amount"}, {"billable_metric": ["value_is_mandatory"]}),
    ],
)
async def test_what_is_wrong_with_an_alert_is_told(api: Api, change: dict[str, Any], details: dict[str, Any]) -> None:
    await sold(api)
    answer = await api.post(ALERTS, {"alert": {**ALERT, **change}})
    assert (answer.status_code, answer.json()["error_details"]) == (422, details)


async def test_a_second_alert_of_a_kind_and_an_unknown_metric_are_refused(api: Api) -> None:
    await sold(api)
    assert (await api.post(ALERTS, {"alert": ALERT})).status_code == 200
    answer = await api.post(ALERTS, {"alert": ALERT})
    assert answer.json()["error_details"] == {"code": ["value_already_exist"], "base": ["alert_already_exists"]}
    unknown = {**ALERT, "alert_type": "billable_metric_current_usage_amount", "billable_metric_code": "x"}
    assert (await api.post(ALERTS, {"alert": unknown})).json()["code"] == "billable_metric_not_found"
    assert (await api.post(ALERTS, {"alerts": []})).json()["error_details"] == {"alerts": ["no_alerts"]}
    answer = await api.post(ALERTS, {"alerts": [{**ALERT, "alert_type": "lifetime_usage_amount", "code": "ok"}, ALERT]})
    [(index, wrong)] = answer.json()["error_details"].items()
    assert (index, wrong["params"]["code"]) == ("1", "spend")
    assert wrong["errors"].startswith("Validation errors: {")
    assert [each["code"] for each in (await api.get(ALERTS)).json()["alerts"]] == ["spend"]


async def test_lifetime_usage_is_historical_and_current_usage_with_the_way_to_the_thresholds(api: Api) -> None:
    subscription_id = await sold(api, usage_thresholds=[{"amount_cents": 1000}, {"amount_cents": 9000}])
    await used(api, 10)
    path = "/subscriptions/sub/lifetime_usage"
    shown = (await api.get(path)).json()["lifetime_usage"]
    assert shown["lago_subscription_id"] == subscription_id
    assert (shown["external_historical_usage_amount_cents"], shown["invoiced_usage_amount_cents"]) == (0, 0)
    assert shown["current_usage_amount_cents"] == 1000
    assert [(each["amount_cents"], each["completion_ratio"]) for each in shown["usage_thresholds"]] == [
        (1000, 1), (9000, 0),
    ]  # fmt: skip
    body = {"lifetime_usage": {"external_historical_usage_amount_cents": 2000}}
    shown = (await api.put(path, body)).json()["lifetime_usage"]
    assert shown["external_historical_usage_amount_cents"] == 2000
    assert shown["usage_thresholds"][1]["completion_ratio"] == 0.25
    assert shown["usage_thresholds"][1]["reached_at"] is None
    body = {"lifetime_usage": {"external_historical_usage_amount_cents": -1}}
    assert (await api.put(path, body)).json()["error_details"] == {
        "historical_usage_amount_cents": ["value_is_out_of_range"]
    }
    assert (await api.get("/subscriptions/x/lifetime_usage")).json()["code"] == "subscription_not_found"


async def test_own_thresholds_of_a_subscription_are_set_replaced_and_cleared(api: Api, recorded: Recorded) -> None:
    subscription_id = await sold(api, usage_thresholds=[{"amount_cents": 900_000}])
    shown = (await api.get("/subscriptions/sub")).json()["subscription"]["applicable_usage_thresholds"]
    assert shown == [{"amount_cents": 900_000, "recurring": False, "threshold_display_name": None}]

    async def put(thresholds: Any, **more: Any) -> Any:
        return (await api.put("/subscriptions/sub", {"subscription": {"usage_thresholds": thresholds, **more}})).json()

    own = [{"amount_cents": 500, "threshold_display_name": "First"}, {"amount_cents": 700, "recurring": True}]
    answer = await put(own)
    assert [each["amount_cents"] for each in answer["subscription"]["applicable_usage_thresholds"]] == [500, 700]
    assert (await put([{"amount_cents": 1}] * 2))["error_details"] == {"usage_thresholds": ["duplicated_values"]}
    both: dict[str, Any] = {"plan_overrides": {"usage_thresholds": []}}
    assert set((await put([], **both))["error_details"]) == {"usage_thresholds", "plan_overrides.usage_thresholds"}

    await used(api, 6)
    await look(api, subscription_id)
    invoice = (await api.get("/invoices")).json()["invoices"][0]
    assert (invoice["invoice_type"], invoice["total_amount_cents"]) == ("progressive_billing", 600)
    detail = (await api.get(f"/invoices/{invoice['lago_id']}")).json()["invoice"]
    (applied,) = detail["applied_usage_thresholds"]
    assert applied["lifetime_usage_amount_cents"] == 600
    assert (applied["usage_threshold"]["amount_cents"], applied["usage_threshold"]["threshold_display_name"]) == (
        500, "First",
    )  # fmt: skip
    (event,) = recorded.of(UsageThresholdsReached)
    (webhook,) = await told(api, "subscription.usage_threshold_reached", event.applied_threshold_ids)
    assert (webhook["external_id"], webhook["usage_threshold"]["amount_cents"]) == ("sub", 500)

    assert [each["amount_cents"] for each in (await put([]))["subscription"]["applicable_usage_thresholds"]] == [
        900_000
    ]
    disabled = await api.put("/subscriptions/sub", {"subscription": {"progressive_billing_disabled": True}})
    assert disabled.json()["subscription"]["applicable_usage_thresholds"] == []
