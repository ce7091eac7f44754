"""Prices of one subscription's own, and what a plan's changes do to them."""

from __future__ import annotations

from typing import Any

import pytest

from domain.catalog.cascade_to_overrides import cascade_to_overrides
from domain.catalog.events import PlanPricesChanged
from domain.kernel.unit_of_work import tenant_work
from tests.rest_api.conftest import Api, Recorded
from tests.rest_api.test_plan_parts import filter_of, regional, seats, vat
from tests.rest_api.test_plans import made, standard


async def sold(api: Api, **fields: Any) -> dict[str, Any]:
    """A plan with a charge that has a filter, and a fixed charge."""
    metric_id, add_on_id = await regional(api), await seats(api)
    return await made(
        api,
        charges=[standard(metric_id, "1", filters=[filter_of({"region": ["eu"]})])],
        fixed_charges=[
            {"add_on_id": add_on_id, "charge_model": "standard", "units": 3, "properties": {"amount": "10"}}
        ],
        **fields,
    )


async def on(api: Api, external_id: str = "sub", **fields: Any) -> dict[str, Any]:
    """A new subscription to the plan `basic`."""
    body = {"external_customer_id": external_id, "external_id": external_id, "plan_code": "basic", **fields}
    answer = await api.post("/subscriptions", {"subscription": body})
    assert answer.status_code == 200, answer.text
    return answer.json()["subscription"]  # type: ignore[no-any-return]


async def plan_of(api: Api, external_id: str = "sub") -> dict[str, Any]:
    return (await api.get(f"/subscriptions/{external_id}")).json()["subscription"]["plan"]  # type: ignore[no-any-return]


async def cascaded(api: Api, recorded: Recorded) -> int:
    """Does what the recorded changes ask for; how many there were."""
    events = recorded.of(PlanPricesChanged)
    for event in events:
        async with tenant_work(api.tenant) as work:
            await cascade_to_overrides(work, event.plan_id, event.before, at_once=event.at_once)
    recorded.clear()
    return len(events)


async def test_overrides_make_a_copy_of_the_plan_with_other_prices(api: Api) -> None:
    parent = await sold(api, tax_codes=[], usage_thresholds=[{"amount_cents": 7}], metadata={"a": "b"})
    await vat(api)
    overrides = {
        "amount_cents": 77,
        "name": "Mine",
        "charges": [{"id": parent["charges"][0]["lago_id"], "properties": {"amount": "5"}, "min_amount_cents": 9}],
        "fixed_charges": [{"id": parent["fixed_charges"][0]["lago_id"], "units": "8", "tax_codes": ["vat"]}],
        "minimum_commitment": {"amount_cents": 100},
        "tax_codes": ["vat"],
    }
    plan = (await on(api, plan_overrides=overrides))["plan"]
    assert (plan["parent_id"], plan["code"]) == (parent["lago_id"], "basic")
    assert (plan["amount_cents"], plan["name"], plan["interval"]) == (77, "Mine", parent["interval"])
    [charge], [fixed] = plan["charges"], plan["fixed_charges"]
    assert charge["lago_parent_id"] == parent["charges"][0]["lago_id"]
    assert (charge["properties"], charge["min_amount_cents"]) == ({"amount": "5"}, 9)
    assert [one["values"] for one in charge["filters"]] == [{"region": ["eu"]}]
    assert charge["filters"][0]["lago_id"] != parent["charges"][0]["filters"][0]["lago_id"]
    assert (fixed["units"], fixed["properties"]) == ("8.0", {"amount": "10"})
    assert [tax["code"] for tax in (*plan["taxes"], *fixed["taxes"])] == ["vat", "vat"]
    assert plan["minimum_commitment"]["amount_cents"] == 100
    assert (plan["usage_thresholds"], plan["applicable_usage_thresholds"][0]["amount_cents"]) == ([], 7)
    assert "metadata" not in plan
    assert (await api.get("/plans/basic")).json()["plan"] == parent
    assert (await api.get("/plans")).json()["meta"]["total_count"] == 1


@pytest.mark.parametrize(
    ("overrides", "details"),
    [
        ("x", {"plan_overrides": ["value_is_invalid"]}),
        ({"charges": 1}, {"charges": ["value_is_invalid"]}),
        ({"amount_cents": "much"}, {"amount_cents": ["value_is_invalid"]}),
        ({"amount_currency": "XXX"}, {"amount_currency": ["value_is_invalid"]}),
        ({"minimum_commitment": {"amount_cents": -1}}, {"amount_cents": ["value_is_out_of_range"]}),
    ],
)
async def test_wrong_overrides_are_422_and_leave_nothing(
    api: Api, overrides: object, details: dict[str, list[str]]
) -> None:
    await sold(api)
    body = {"external_customer_id": "c", "external_id": "sub", "plan_code": "basic", "plan_overrides": overrides}
    answer = await api.post("/subscriptions", {"subscription": body})
    assert (answer.status_code, answer.json().get("error_details")) == (422, details), answer.text
    assert (await api.get("/subscriptions/sub")).status_code == 404


async def test_overrides_of_what_is_not_there_are_404(api: Api, stranger: Api) -> None:
    await sold(api)
    foreign = (await sold(stranger))["charges"][0]["lago_id"]
    for overrides, code in (
        ({"charges": [{"id": foreign}]}, "charge_not_found"),
        ({"fixed_charges": [{"id": foreign, "units": 1}]}, "fixed_charge_not_found"),
        ({"tax_codes": ["nope"]}, "tax_not_found"),
    ):
        body = {"external_customer_id": "c", "external_id": "sub", "plan_code": "basic", "plan_overrides": overrides}
        assert (await api.post("/subscriptions", {"subscription": body})).json()["code"] == code


async def test_units_alone_need_no_override(api: Api) -> None:
    parent = await sold(api)
    units = {"fixed_charges": [{"id": parent["fixed_charges"][0]["lago_id"], "units": "5"}]}
    assert (await on(api, plan_overrides=units))["plan"]["lago_id"] == parent["lago_id"]
    path = "/subscriptions/sub/fixed_charges"
    assert [one["units"] for one in (await api.get(path)).json()["fixed_charges"]] == ["5.0"]
    answer = await api.put(f"{path}/seats", {"fixed_charge": {"units": 6, "apply_units_immediately": True}})
    assert answer.json()["fixed_charge"]["units"] == "6.0"
    assert (await plan_of(api))["lago_id"] == parent["lago_id"]
    assert (await api.get("/plans/basic")).json()["plan"]["fixed_charges"][0]["units"] == "3.0"
    priced = await api.put(f"{path}/seats", {"fixed_charge": {"properties": {"amount": "1"}}})
    assert (priced.json()["fixed_charge"]["units"], priced.json()["fixed_charge"]["properties"]["amount"]) == (
        "6.0", "1",
    )  # fmt: skip
    assert (await plan_of(api))["parent_id"] == parent["lago_id"]


async def test_a_charge_gets_a_price_of_the_subscriptions_own(api: Api) -> None:
    parent = await sold(api)
    await on(api)
    path = "/subscriptions/sub/charges"
    assert (await api.get(path)).json()["charges"] == parent["charges"]
    edited = (await api.put(f"{path}/calls", {"charge": {"properties": {"amount": "4"}}})).json()["charge"]
    assert edited["lago_parent_id"] == parent["charges"][0]["lago_id"]
    assert (edited["properties"], len(edited["filters"])) == ({"amount": "4"}, 1)
    assert (await api.get(f"{path}/calls")).json()["charge"] == edited
    named = (await api.put(f"{path}/calls", {"charge": {"invoice_display_name": "Calls"}})).json()["charge"]
    assert named == {**edited, "invoice_display_name": "Calls"}
    assert (await api.get("/plans/basic")).json()["plan"] == parent
    assert (await api.put(f"{path}/nope", {"charge": {"properties": {}}})).json()["code"] == "charge_not_found"
    assert (await api.get("/subscriptions/nope/charges")).json()["code"] == "subscription_not_found"


async def test_filters_of_the_subscriptions_own(api: Api) -> None:
    parent = await sold(api)
    await on(api)
    path = "/subscriptions/sub/charges/calls/filters"
    [shown] = (await api.get(path)).json()["filters"]
    again = await api.post(path, {"filter": filter_of({"region": ["eu"]})})
    assert again.json()["error_details"] == {"values": ["value_already_exists"]}
    blank = await api.post(path, {"filter": filter_of({})})
    assert blank.json()["error_details"] == {"values": ["value_is_mandatory"]}
    edited = (await api.put(f"{path}/{shown['lago_id']}", {"filter": {"properties": {"amount": "8"}}})).json()["filter"]
    assert (edited["properties"], edited["values"]) == ({"amount": "8"}, {"region": ["eu"]})
    assert edited["lago_id"] != shown["lago_id"]
    made_here = (await api.post(path, {"filter": filter_of({"region": ["us"]})})).json()["filter"]
    assert [one["lago_id"] for one in (await api.get(path)).json()["filters"]] == [
        edited["lago_id"], made_here["lago_id"],
    ]  # fmt: skip
    assert (await api.delete(f"{path}/{edited['lago_id']}")).json()["filter"] == edited
    assert (await api.get(path)).json()["filters"] == [made_here]
    assert (await api.get("/plans/basic")).json()["plan"] == parent
    assert (await api.get(f"{path}/{edited['lago_id']}")).json()["code"] == "charge_filter_not_found"


async def test_later_overrides_edit_the_override(api: Api) -> None:
    parent = await sold(api)
    await on(api)
    first = await api.put("/subscriptions/sub", {"subscription": {"plan_overrides": {"amount_cents": 5}}})
    assert first.status_code == 200, first.text
    child = await plan_of(api)
    assert (child["parent_id"], child["amount_cents"]) == (parent["lago_id"], 5)
    change = {"amount_cents": 6, "charges": [], "interval": "yearly"}
    await api.put("/subscriptions/sub", {"subscription": {"plan_overrides": change}})
    edited = await plan_of(api)
    assert (edited["lago_id"], edited["amount_cents"], edited["interval"]) == (child["lago_id"], 6, child["interval"])
    assert (edited["charges"], len(edited["fixed_charges"])) == ([], 1)


async def test_what_an_upgrade_costs_is_what_the_overrides_say(api: Api) -> None:
    await made(api, amount_cents=100)
    await made(api, code="dear", amount_cents=1000)
    await on(api)
    cheap = await on(api, plan_code="dear", plan_overrides={"amount_cents": 50})
    assert (cheap["plan_code"], cheap["next_plan_code"]) == ("basic", "dear")
    dear = await on(api, "other")
    assert dear["plan_amount_cents"] == 100
    upgraded = await on(api, "other", plan_code="dear", plan_overrides={"amount_cents": 200})
    assert (upgraded["plan"]["amount_cents"], upgraded["previous_plan_code"]) == (200, "basic")


async def test_a_change_is_handed_on_where_the_price_was_the_plans(api: Api, recorded: Recorded) -> None:
    parent = await sold(api)
    charge, fixed = parent["charges"][0], parent["fixed_charges"][0]
    await on(api, "same", plan_overrides={"name": "Same"})
    own = {"charges": [{"id": charge["lago_id"], "properties": {"amount": "6"}}], "amount_cents": 1}
    await on(api, "own", plan_overrides=own)
    recorded.clear()
    change = {
        "cascade_updates": True,
        "amount_cents": 4321,
        "charges": [
            {
                "id": charge["lago_id"],
                "charge_model": "standard",
                "properties": {"amount": "9", "pricing_group_keys": ["team"]},
                "filters": [filter_of({"region": ["eu"]}, "11"), filter_of({"region": ["us"]}, "12")],
            },
            standard(charge["lago_billable_metric_id"], "2", code="second"),
        ],
        "fixed_charges": [{"id": fixed["lago_id"], "units": 4, "charge_model": "standard",
                           "properties": {"amount": "10"}}],
    }  # fmt: skip
    assert (await api.put("/plans/basic", {"plan": change})).status_code == 200
    assert await cascaded(api, recorded) == 1
    same, other = await plan_of(api, "same"), await plan_of(api, "own")
    assert (same["amount_cents"], other["amount_cents"]) == (4321, 1)
    team = {"pricing_group_keys": ["team"], "grouped_by": ["team"]}
    assert same["charges"][0]["properties"] == {"amount": "9", **team}
    assert other["charges"][0]["properties"] == {"amount": "6", **team}
    for plan in (same, other):
        prices = [(one["values"]["region"], one["properties"]["amount"]) for one in plan["charges"][0]["filters"]]
        assert prices == [(["eu"], "11"), (["us"], "12")]
        assert plan["charges"][1]["code"] == "second"
        assert plan["fixed_charges"][0]["units"] == "4.0"
    assert (await api.delete("/plans/basic/charges/second")).status_code == 200
    assert await cascaded(api, recorded) == 0
    assert len((await plan_of(api, "same"))["charges"]) == 2


async def test_removals_and_single_changes_are_handed_on(api: Api, recorded: Recorded) -> None:
    parent = await sold(api)
    await on(api, "same", plan_overrides={"name": "Same"})
    recorded.clear()
    first = parent["charges"][0]["filters"][0]["lago_id"]
    path = "/plans/basic/charges/calls"
    cascade = {"cascade_updates": True}
    await api.put(f"{path}/filters/{first}", {"filter": {"properties": {"amount": "3"}, **cascade}})
    assert await cascaded(api, recorded) == 1
    child = await plan_of(api, "same")
    assert child["charges"][0]["filters"][0]["properties"] == {"amount": "3"}
    await api.post(f"{path}/filters", {"filter": {**filter_of({"cloud": ["aws"]}), **cascade}})
    await api.call("DELETE", f"{path}/filters/{first}", {"filter": cascade})
    assert await cascaded(api, recorded) == 2
    filters = (await plan_of(api, "same"))["charges"][0]["filters"]
    assert [one["values"] for one in filters] == [{"cloud": ["aws"]}]
    await api.call("DELETE", path, {"charge": cascade})
    await api.call("DELETE", "/plans/basic/fixed_charges/seats", {"fixed_charge": cascade})
    assert await cascaded(api, recorded) == 2
    child = await plan_of(api, "same")
    assert (child["charges"], child["fixed_charges"]) == ([], [])


async def test_a_repeated_cascade_changes_nothing(api: Api, recorded: Recorded) -> None:
    await sold(api)
    await on(api, "same", plan_overrides={"name": "Same"})
    recorded.clear()
    sent = {"add_on_code": "seats", "code": "more", "charge_model": "standard", "units": 1, "cascade_updates": True}
    await api.post("/plans/basic/fixed_charges", {"fixed_charge": sent})
    [event] = recorded.of(PlanPricesChanged)
    for _ in range(2):
        async with tenant_work(api.tenant) as work:
            await cascade_to_overrides(work, event.plan_id, event.before)
    assert [one["code"] for one in (await plan_of(api, "same"))["fixed_charges"]] == ["seats", "more"]
