"""/api/v1/plans/{code}/charges"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from domain.catalog.events import PlanUpdated
from domain.catalog.models import PricingUnit
from domain.kernel.unit_of_work import tenant_work
from tests.rest_api.conftest import Api, Recorded
from tests.rest_api.test_customers import sent as customer_sent
from tests.rest_api.test_customers import subscribe
from tests.rest_api.test_plans import made, metric, standard


async def added(api: Api, **charge: Any) -> dict[str, Any]:
    answer = await api.post("/plans/basic/charges", {"charge": charge})
    assert answer.status_code == 200, answer.text
    return answer.json()["charge"]  # type: ignore[no-any-return]


async def test_a_charge_is_added_shown_edited_and_removed(api: Api, recorded: Recorded) -> None:
    calls = await metric(api)
    await made(api)
    first = await added(api, **standard(calls, "1", code="a/b"))
    second = await added(api, **standard(calls, "2", code="second"))
    assert first["properties"] == {"amount": "1"}
    listed = (await api.get("/plans/basic/charges")).json()
    assert [charge["code"] for charge in listed["charges"]] == ["second", "a/b"]
    assert listed["meta"]["total_count"] == 2
    assert (await api.get("/plans/basic/charges/a%2Fb")).json()["charge"] == first
    change = {"charge_model": "package", "properties": {"amount": "3", "free_units": 0, "package_size": 5}, "code": "c"}
    edited = (await api.put("/plans/basic/charges/second", {"charge": change})).json()["charge"]
    assert edited["lago_id"] == second["lago_id"]
    assert (edited["charge_model"], edited["code"], edited["billable_metric_code"]) == ("package", "c", "calls")
    assert (await api.delete("/plans/basic/charges/c")).json()["charge"] == edited
    plan = (await api.get("/plans/basic")).json()["plan"]
    assert [charge["code"] for charge in plan["charges"]] == ["a/b"]
    assert len(recorded.of(PlanUpdated)) == 4


async def test_what_an_update_leaves_out_becomes_its_default(api: Api) -> None:
    calls = await metric(api)
    await made(api, charges=[standard(calls, "7", code="a", invoice_display_name="Shown")])
    without = await api.put("/plans/basic/charges/a", {"charge": {"properties": {"amount": "1"}}})
    assert without.json()["error_details"] == {"charge_model": ["value_is_invalid", "value_is_mandatory"]}
    edited = (await api.put("/plans/basic/charges/a", {"charge": {"charge_model": "standard"}})).json()["charge"]
    assert (edited["properties"], edited["invoice_display_name"], edited["code"]) == ({"amount": "0"}, None, "a")


@pytest.mark.parametrize(
    ("changes", "details"),
    [
        ({"code": None}, {"code": ["value_is_mandatory"]}),
        ({"code": "taken"}, {"code": ["value_already_exist"]}),
        ({"charge_model": "volume"}, {"properties": ["missing_volume_ranges"]}),
        ({"properties": {"amount": 1}}, {"properties": ["invalid_amount"]}),
        ({"prorated": True}, {"prorated": ["invalid_billable_metric_or_charge_model"]}),
    ],
)
async def test_wrong_charges_are_422(api: Api, changes: dict[str, Any], details: dict[str, list[str]]) -> None:
    calls = await metric(api)
    await made(api, charges=[standard(calls, code="taken")])
    body = {"charge": {**standard(calls, code="new"), **changes}}
    answer = await api.post("/plans/basic/charges", body)
    assert answer.status_code == 422
    assert answer.json()["error_details"] == details


async def test_what_is_not_there_is_404(api: Api, stranger: Api) -> None:
    calls = await metric(api)
    await made(api, charges=[standard(calls, code="a")])
    body = {"charge": standard(calls, code="b")}
    unknown = {"charge": standard("0190c1a0-0000-7000-8000-000000000000", code="b")}
    for answer, code in (
        (await api.post("/plans/nothing/charges", body), "plan_not_found"),
        (await api.post("/plans/basic/charges", unknown), "billable_metric_not_found"),
        (await api.get("/plans/nothing/charges"), "plan_not_found"),
        (await api.get("/plans/basic/charges/nothing"), "charge_not_found"),
        (await api.put("/plans/basic/charges/nothing", body), "charge_not_found"),
        (await api.delete("/plans/basic/charges/nothing"), "charge_not_found"),
        (await stranger.get("/plans/basic/charges/a"), "plan_not_found"),
        (await stranger.delete("/plans/basic/charges/a"), "plan_not_found"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, code)


async def test_of_many_at_once_one_gets_the_code(api: Api) -> None:
    calls = await metric(api)
    await made(api)
    body = {"charge": standard(calls, code="a")}
    answers = await asyncio.gather(*(api.post("/plans/basic/charges", body) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [422] * 5


async def test_with_a_subscription_only_prices_and_names_change(api: Api) -> None:
    calls, storage = await metric(api), await metric(api, "storage")
    await customer_sent(api)
    await subscribe(api, code="basic", charges=[standard(calls, code="a")])
    change = {
        "billable_metric_id": storage, "charge_model": "package", "code": "b", "invoice_display_name": "New",
        "properties": {"amount": "9"},
    }  # fmt: skip
    edited = (await api.put("/plans/basic/charges/a", {"charge": change})).json()["charge"]
    assert (edited["charge_model"], edited["code"], edited["billable_metric_code"]) == ("standard", "a", "calls")
    assert (edited["properties"], edited["invoice_display_name"]) == ({"amount": "9"}, "New")
    await added(api, **standard(storage, code="c"))


async def test_with_a_subscription_only_price_name_filters_and_taxes_of_a_charge_change(api: Api) -> None:
    calls = await metric(api)
    await customer_sent(api)
    charge = standard(calls, "1", code="a", pay_in_advance=True, invoiceable=False, regroup_paid_fees="invoice")
    await subscribe(api, code="basic", charges=[charge])
    [before] = (await api.get("/plans/basic")).json()["plan"]["charges"]
    change = {
        "charge_model": "package", "code": "b", "pay_in_advance": False, "invoiceable": True, "min_amount_cents": 7,
        "regroup_paid_fees": None, "prorated": True, "properties": {"amount": "3"}, "invoice_display_name": "Shown",
    }  # fmt: skip
    answer = await api.put("/plans/basic/charges/a", {"charge": change})
    assert answer.status_code == 200, answer.text
    assert answer.json()["charge"] == {**before, "properties": {"amount": "3"}, "invoice_display_name": "Shown"}


async def test_a_rate_of_a_pricing_unit_can_be_changed_and_the_unit_can_not(api: Api) -> None:
    calls = await metric(api)
    async with tenant_work(api.tenant) as work:
        work.session.add_all(
            PricingUnit(organization_id=work.organization_id, code=code, name=code, short_name="CR")
            for code in ("credits", "points")
        )
    unit = {"code": "credits", "conversion_rate": "0.25"}
    await made(api, charges=[standard(calls, "1", code="a", applied_pricing_unit=unit)])
    change = standard(calls, "1", applied_pricing_unit={"code": "points", "conversion_rate": "2"})
    edited = (await api.put("/plans/basic/charges/a", {"charge": change})).json()["charge"]
    assert edited["applied_pricing_unit"] == {"code": "credits", "conversion_rate": "2.0"}
