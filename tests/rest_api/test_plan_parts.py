"""Filters, fixed charges, commitments, thresholds, taxes and metadata of /api/v1/plans."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rest_api.conftest import Api
from tests.rest_api.test_plans import made, standard


async def regional(api: Api, code: str = "calls", **fields: Any) -> str:
    """The id of a metric with the dimensions region and cloud."""
    filters = [{"key": "region", "values": ["eu", "us"]}, {"key": "cloud", "values": ["aws", "gcp"]}]
    answer = await api.post(
        "/billable_metrics",
        {
            "billable_metric": {
                "name": code, "code": code, "aggregation_type": "sum_agg", "field_name": "n", "filters": filters,
                **fields,
            }
        },
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    return str(answer.json()["billable_metric"]["lago_id"])


async def seats(api: Api, code: str = "seats") -> str:
    answer = await api.post(
        "/add_ons", {"add_on": {"name": code, "code": code, "amount_cents": 100, "amount_currency": "EUR"}}
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["add_on"]["lago_id"])


async def vat(api: Api, code: str = "vat") -> None:
    answer = await api.post("/taxes", {"tax": {"name": code, "code": code, "rate": "20"}})
    assert answer.status_code == 200, answer.text


def filter_of(values: dict[str, list[str]], amount: str = "2", **fields: Any) -> dict[str, Any]:
    return {"values": values, "properties": {"amount": amount}, **fields}


async def with_all(api: Api) -> dict[str, Any]:
    """A plan with one of everything."""
    await vat(api)
    metric_id = await regional(api)
    add_on_id = await seats(api)
    return await made(
        api,
        interval="yearly",
        bill_fixed_charges_monthly=True,
        tax_codes=["vat"],
        minimum_commitment={"amount_cents": 5000, "invoice_display_name": "Least", "tax_codes": ["vat"]},
        usage_thresholds=[
            {"amount_cents": 1000, "threshold_display_name": "First"},
            {"amount_cents": 500, "recurring": True},
        ],
        metadata={"tier": "gold", "n": 1},
        charges=[
            standard(
                metric_id,
                "1",
                tax_codes=["vat"],
                filters=[filter_of({"region": ["eu"]}), filter_of({"cloud": ["__ALL_FILTER_VALUES__"]}, "3")],
            )
        ],
        fixed_charges=[
            {
                "add_on_id": add_on_id, "charge_model": "standard", "units": "2.5", "properties": {"amount": "10"},
                "prorated": True, "tax_codes": ["vat"],
            }
        ],
    )  # fmt: skip


async def test_a_plan_shows_all_that_was_sent_with_it(api: Api) -> None:
    plan = await with_all(api)
    assert (await api.get("/plans/basic")).json()["plan"] == plan
    assert plan["bill_fixed_charges_monthly"] is True
    assert [tax["code"] for tax in plan["taxes"]] == ["vat"]
    assert plan["metadata"] == {"tier": "gold", "n": "1"}
    commitment = plan["minimum_commitment"]
    assert (commitment["amount_cents"], commitment["invoice_display_name"]) == (5000, "Least")
    assert [tax["code"] for tax in commitment["taxes"]] == ["vat"]
    thresholds = [(one["amount_cents"], one["recurring"]) for one in plan["usage_thresholds"]]
    assert thresholds == [(1000, False), (500, True)]
    assert set(plan["applicable_usage_thresholds"][0]) == {"threshold_display_name", "amount_cents", "recurring"}
    [charge] = plan["charges"]
    assert [tax["code"] for tax in charge["taxes"]] == ["vat"]
    assert [(one["values"], one["properties"]) for one in charge["filters"]] == [
        ({"region": ["eu"]}, {"amount": "2"}),
        ({"cloud": ["__ALL_FILTER_VALUES__"]}, {"amount": "3"}),
    ]
    [fixed] = plan["fixed_charges"]
    assert (fixed["code"], fixed["units"], fixed["prorated"], fixed["add_on_code"]) == ("seats", "2.5", True, "seats")
    assert [tax["code"] for tax in fixed["taxes"]] == ["vat"]


async def test_lists_cost_the_same_for_one_plan_and_for_many(api: Api, statements: list[str]) -> None:
    await with_all(api)
    statements.clear()
    await api.get("/plans")
    one = len(statements)
    metric_id = await regional(api, "other")
    for number in range(3):
        charges = [standard(metric_id, "1", filters=[filter_of({"region": ["eu"]})]) for _ in range(3)]
        await made(api, code=f"plan_{number}", charges=charges)
    statements.clear()
    listed = (await api.get("/plans")).json()["plans"]
    assert len(listed) == 4
    assert len(statements) == one
    assert "fixed_charges" not in listed[0]


@pytest.mark.parametrize(
    ("fields", "details"),
    [
        ({"minimum_commitment": {"amount_cents": 0}}, {"amount_cents": ["value_is_out_of_range"]}),
        ({"minimum_commitment": {"invoice_display_name": "x"}}, {"amount_cents": ["value_is_out_of_range"]}),
        ({"minimum_commitment": [1]}, {"minimum_commitment": ["value_is_invalid"]}),
        ({"usage_thresholds": [{"recurring": True}]}, {"usage_thresholds": ["missing_amount_cents"]}),
        ({"usage_thresholds": [{"amount_cents": -1}]}, {"amount_cents": ["value_is_out_of_range"]}),
        ({"usage_thresholds": [{"amount_cents": 1}] * 2}, {"usage_thresholds": ["duplicated_values"]}),
        (
            {"usage_thresholds": [{"amount_cents": n, "recurring": True} for n in (1, 2)]},
            {"usage_thresholds": ["multiple_recurring_thresholds"]},
        ),
        ({"usage_thresholds": "x"}, {"usage_thresholds": ["value_is_invalid"]}),
        ({"tax_codes": "vat"}, {"tax_codes": ["value_is_invalid"]}),
        ({"metadata": [1]}, {"metadata": ["invalid_type"]}),
        ({"metadata": {"a": {"b": 1}}}, {"metadata": ["nested_structure_not_allowed"]}),
        ({"metadata": {"a" * 41: 1}}, {"metadata": ["key_too_long"]}),
        ({"metadata": {"a": "b" * 256}}, {"metadata": ["value_too_long"]}),
        ({"metadata": {str(n): "b" for n in range(51)}}, {"metadata": ["too_many_keys"]}),
        ({"fixed_charges": [1]}, {"fixed_charges": ["value_is_invalid"]}),
    ],
)
async def test_wrong_parts_of_a_plan_are_422(api: Api, fields: dict[str, Any], details: dict[str, list[str]]) -> None:
    body = {"name": "Basic", "code": "basic", "interval": "monthly", "amount_cents": 1, "amount_currency": "EUR",
            "pay_in_advance": False, **fields}  # fmt: skip
    answer = await api.post("/plans", {"plan": body})
    assert (answer.status_code, answer.json().get("error_details")) == (422, details), answer.text
    assert (await api.get("/plans/basic")).status_code == 404


@pytest.mark.parametrize(
    ("fields", "details"),
    [
        ({"charge_model": "package"}, {"charge_model": ["value_is_invalid"]}),
        ({"units": -1}, {"units": ["value_is_out_of_range"]}),
        ({"units": "0.00000000001"}, {"units": ["value_is_out_of_range"]}),
        ({"units": "many"}, {"units": ["value_is_invalid"]}),
        ({"properties": {"amount": 5}}, {"properties": ["invalid_amount"]}),
        (
            {"charge_model": "volume", "properties": {}, "pay_in_advance": True},
            {"pay_in_advance": ["invalid_charge_model"]},
        ),
        (
            {"charge_model": "graduated", "properties": {}, "pay_in_advance": True, "prorated": True},
            {"prorated": ["invalid_charge_model"]},
        ),
    ],
)
async def test_wrong_fixed_charges_are_422(api: Api, fields: dict[str, Any], details: dict[str, list[str]]) -> None:
    await made(api)
    await seats(api)
    sent = {"add_on_code": "seats", "code": "s", "charge_model": "standard", "units": 1,
            "properties": {"amount": "1"}, **fields}  # fmt: skip
    answer = await api.post("/plans/basic/fixed_charges", {"fixed_charge": sent})
    assert (answer.status_code, answer.json().get("error_details")) == (422, details), answer.text
    assert (await api.get("/plans/basic")).json()["plan"]["fixed_charges"] == []


async def test_what_is_not_there_is_404(api: Api, stranger: Api) -> None:
    await with_all(api)
    foreign = await seats(stranger)
    for fields, code in (
        ({"tax_codes": ["nope"]}, "tax_not_found"),
        ({"fixed_charges": [{"add_on_id": foreign, "charge_model": "standard"}]}, "add_ons_not_found"),
        ({"fixed_charges": [{"add_on_code": "nope", "charge_model": "standard"}]}, "add_ons_not_found"),
    ):
        answer = await api.put("/plans/basic", {"plan": fields})
        assert (answer.status_code, answer.json()["code"]) == (404, code)
    one = await api.post("/plans/basic/fixed_charges", {"fixed_charge": {"add_on_code": "nope", "code": "x"}})
    assert one.json()["code"] == "add_on_not_found"
    assert (await api.get("/plans/basic/fixed_charges/nope")).json()["code"] == "fixed_charge_not_found"
    assert (await api.get("/plans/basic/charges/calls/filters/1")).json()["code"] == "charge_filter_not_found"
    assert (await stranger.get("/plans/basic/fixed_charges")).json()["code"] == "plan_not_found"


async def test_lists_that_are_sent_replace_what_was_there(api: Api) -> None:
    plan = await with_all(api)
    [charge], [fixed] = plan["charges"], plan["fixed_charges"]
    europe, cloud = charge["filters"]
    change = {
        "charges": [
            {
                "id": charge["lago_id"], "charge_model": "standard", "properties": {"amount": "1"}, "tax_codes": [],
                "filters": [filter_of({"region": ["us"]}), filter_of({"region": ["eu"]}, "9")],
            }
        ],
        "fixed_charges": [],
        "usage_thresholds": [],
        "minimum_commitment": {},
        "tax_codes": [],
        "metadata": {},
    }  # fmt: skip
    answer = await api.put("/plans/basic", {"plan": change})
    assert answer.status_code == 200, answer.text
    edited = answer.json()["plan"]
    filters = edited["charges"][0]["filters"]
    assert [one["values"] for one in filters] == [{"region": ["us"]}, {"region": ["eu"]}]
    assert (filters[1]["lago_id"], filters[1]["properties"]) == (europe["lago_id"], {"amount": "9"})
    assert cloud["lago_id"] not in [one["lago_id"] for one in filters]
    assert "minimum_commitment" not in edited
    assert "metadata" not in edited
    empty = ("fixed_charges", "usage_thresholds", "taxes")
    assert [edited[name] for name in empty] == [[], [], []]
    assert edited["charges"][0]["taxes"] == []
    assert (await api.get(f"/plans/basic/fixed_charges/{fixed['code']}")).status_code == 404


async def test_a_commitment_keeps_what_is_not_sent(api: Api) -> None:
    await with_all(api)
    changes: list[dict[str, Any]] = [{"invoice_display_name": "At least"}, {"tax_codes": []}]
    for change in changes:
        answer = await api.put("/plans/basic", {"plan": {"minimum_commitment": change}})
        assert answer.status_code == 200, answer.text
    commitment = answer.json()["plan"]["minimum_commitment"]
    assert (commitment["amount_cents"], commitment["invoice_display_name"]) == (5000, "At least")
    assert commitment["taxes"] == []
    refused = await api.put("/plans/basic", {"plan": {"minimum_commitment": {"amount_cents": None}}})
    assert refused.json()["error_details"] == {"amount_cents": ["value_is_out_of_range"]}


async def test_what_is_not_sent_stays(api: Api) -> None:
    plan = await with_all(api)
    edited = (await api.put("/plans/basic", {"plan": {"name": "Other"}})).json()["plan"]
    changed = {"name", "bill_charges_monthly", "bill_fixed_charges_monthly"}
    assert {key for key in plan if plan[key] != edited[key]} <= changed


@pytest.mark.parametrize(
    ("values", "details"),
    [
        ({}, {"values": ["value_is_mandatory"]}),
        (None, {"values": ["value_is_mandatory"]}),
        ({"region": []}, {"values": ["value_is_mandatory"]}),
        ({"region": ["mars"]}, {"values": ["value_is_invalid"]}),
        ({"region": ["__ALL_FILTER_VALUES__", "eu"]}, {"values": ["value_is_invalid"]}),
        ({"region": "eu"}, {"values": ["value_is_invalid"]}),
        ({"region": [1]}, {"values": ["value_is_invalid"]}),
        ({"x": ["eu"]}, {"billable_metric_filter": ["relation_must_exist"], "values": ["value_is_invalid"]}),
        ("x", {"values": ["value_is_invalid"]}),
    ],
)
async def test_wrong_filters_are_422(api: Api, values: object, details: dict[str, list[str]]) -> None:
    await made(api, charges=[standard(await regional(api), "1")])
    answer = await api.post(
        "/plans/basic/charges/calls/filters", {"filter": {"values": values, "properties": {"amount": "1"}}}
    )
    assert (answer.status_code, answer.json().get("error_details")) == (422, details), answer.text


async def test_a_filter_is_added_edited_and_removed(api: Api) -> None:
    await made(api, charges=[standard(await regional(api), "1")])
    path = "/plans/basic/charges/calls/filters"
    sent = filter_of({"region": ["eu", "us"]}, invoice_display_name="West")
    one = (await api.post(path, {"filter": sent})).json()["filter"]
    assert (one["values"], one["charge_code"]) == ({"region": ["eu", "us"]}, "calls")
    change = {"properties": {"amount": "7"}, "values": {"region": ["us"]}}
    edited = (await api.put(f"{path}/{one['lago_id']}", {"filter": change})).json()["filter"]
    assert edited == {**one, "properties": {"amount": "7"}}
    listed = (await api.get(path)).json()
    assert (listed["filters"], listed["meta"]["total_count"]) == ([edited], 1)
    assert (await api.get(f"{path}/{one['lago_id']}")).json()["filter"] == edited
    assert (await api.delete(f"{path}/{one['lago_id']}")).json()["filter"] == edited
    assert (await api.get(path)).json()["filters"] == []


async def test_a_fixed_charge_is_added_edited_and_removed(api: Api) -> None:
    await made(api)
    await seats(api)
    path = "/plans/basic/fixed_charges"
    sent = {"add_on_code": "seats", "charge_model": "standard", "units": 1, "properties": {"amount": "1"}}
    missing = await api.post(path, {"fixed_charge": sent})
    assert missing.json()["error_details"] == {"code": ["value_is_mandatory"]}
    one = (await api.post(path, {"fixed_charge": {**sent, "code": "s", "pay_in_advance": True}})).json()
    assert one["fixed_charge"]["units"] == "1.0"
    again = await api.post(path, {"fixed_charge": {**sent, "code": "s"}})
    assert again.json()["error_details"] == {"code": ["value_already_exist"]}
    change = {"charge_model": "standard", "properties": {"amount": "3"}, "units": 4, "pay_in_advance": False}
    edited = (await api.put(f"{path}/s", {"fixed_charge": change})).json()["fixed_charge"]
    assert edited == {**one["fixed_charge"], "properties": {"amount": "3"}, "units": "4.0"}
    change.pop("units")
    without = await api.put(f"{path}/s", {"fixed_charge": change})
    assert without.json()["error_details"] == {"units": ["value_is_invalid"]}
    assert (await api.get(path)).json()["fixed_charges"] == [edited]
    assert (await api.delete(f"{path}/s")).json()["fixed_charge"] == edited
    assert (await api.get(path)).json()["fixed_charges"] == []


async def test_metadata_is_replaced_merged_and_cleared(api: Api) -> None:
    await made(api)
    path = "/plans/basic/metadata"
    assert (await api.post(path, {"metadata": {"a": "1", "b": None}})).json() == {"metadata": {"a": "1", "b": None}}
    assert (await api.call("PATCH", path, {"metadata": {"c": "3"}})).json()["metadata"].keys() == {"a", "b", "c"}
    assert (await api.delete(f"{path}/b")).json() == {"metadata": {"a": "1", "c": "3"}}
    assert (await api.delete(f"{path}/b")).status_code == 404
    assert (await api.delete(path)).json() == {"metadata": None}
    assert "metadata" not in (await api.get("/plans/basic")).json()["plan"]
