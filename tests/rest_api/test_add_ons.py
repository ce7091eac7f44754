"""/api/v1/add_ons"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from domain.catalog.events import PlanComponentsChanged
from tests.rest_api.conftest import Api, Recorded

SETUP: dict[str, Any] = {"name": "Setup", "code": "setup", "amount_cents": 50_000, "amount_currency": "EUR"}


async def made(api: Api, **changes: Any) -> dict[str, Any]:
    answer = await api.post("/add_ons", {"add_on": {**SETUP, **changes}})
    assert answer.status_code == 200, answer.text
    return answer.json()["add_on"]  # type: ignore[no-any-return]


async def tax(api: Api, code: str, **fields: Any) -> dict[str, Any]:
    answer = await api.post("/taxes", {"tax": {"name": code, "code": code, "rate": 20, **fields}})
    assert answer.status_code == 200, answer.text
    return answer.json()["tax"]  # type: ignore[no-any-return]


async def test_an_add_on_is_made_shown_listed_and_deleted(api: Api) -> None:
    add_on = await made(api, description="once", invoice_display_name="Set-up")
    assert add_on.pop("lago_id")
    assert add_on.pop("created_at").endswith("Z")
    assert add_on == {**SETUP, "description": "once", "invoice_display_name": "Set-up", "taxes": []}
    found = (await api.get("/add_ons/setup")).json()["add_on"]
    assert found.items() >= add_on.items()
    await made(api, code="other")
    listed = (await api.get("/add_ons?per_page=1")).json()
    assert [one["code"] for one in listed["add_ons"]] == ["other"]
    assert (listed["meta"]["total_count"], listed["meta"]["total_pages"]) == (2, 2)
    assert (await api.delete("/add_ons/setup")).json()["add_on"]["lago_id"] == found["lago_id"]
    for answer in (await api.get("/add_ons/setup"), await api.delete("/add_ons/setup")):
        assert (answer.status_code, answer.json()["code"]) == (404, "add_on_not_found")
    await made(api)


async def test_every_field_can_be_changed(api: Api) -> None:
    await made(api)
    change = {
        "name": "New", "code": "new", "description": "d", "invoice_display_name": "i", "amount_cents": 1,
        "amount_currency": "USD",
    }  # fmt: skip
    answer = await api.put("/add_ons/setup", {"add_on": change})
    assert answer.json()["add_on"].items() >= change.items()
    answer = await api.put("/add_ons/new", {"add_on": {"description": None}})
    assert answer.json()["add_on"].items() >= {**change, "description": None}.items()


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("name", " ", "value_is_mandatory"),
        ("code", None, "value_is_mandatory"),
        ("amount_cents", None, "value_is_mandatory"),
        ("amount_cents", 0, "value_is_out_of_range"),
        ("amount_cents", -1, "value_is_out_of_range"),
        ("amount_cents", 10**30, "value_is_out_of_range"),
        ("amount_cents", 1.5, "value_is_invalid"),
        ("amount_currency", "EURO", "value_is_invalid"),
        ("amount_currency", None, "value_is_invalid"),
        ("name", "x" * 300, "value_is_too_long"),
        ("tax_codes", "vat", "value_is_invalid"),
        ("tax_codes", [1], "value_is_invalid"),
    ],
)
async def test_wrong_values_are_422_on_creation_and_change(api: Api, field: str, value: object, code: str) -> None:
    answer = await api.post("/add_ons", {"add_on": {**SETUP, field: value}})
    assert (answer.status_code, answer.json()["error_details"]) == (422, {field: [code]})
    await made(api)
    answer = await api.put("/add_ons/setup", {"add_on": {field: value}})
    assert (answer.status_code, answer.json()["error_details"]) == (422, {field: [code]})


async def test_a_body_without_its_root_is_400(api: Api) -> None:
    assert (await api.post("/add_ons", SETUP)).status_code == 400


async def test_codes_are_unique_while_kept_also_in_a_race(api: Api) -> None:
    answers = await asyncio.gather(*(api.post("/add_ons", {"add_on": SETUP}) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [422] * 5
    await made(api, code="other")
    answer = await api.put("/add_ons/other", {"add_on": {"code": "setup"}})
    assert answer.json()["error_details"] == {"code": ["value_already_exist"]}


async def test_another_organization_sees_nothing(api: Api, stranger: Api) -> None:
    await made(api)
    for answer in (
        await stranger.get("/add_ons/setup"),
        await stranger.put("/add_ons/setup", {"add_on": {"name": "x"}}),
        await stranger.delete("/add_ons/setup"),
    ):
        assert answer.status_code == 404
    assert (await stranger.get("/add_ons")).json()["add_ons"] == []
    await made(stranger)


async def test_taxes_are_put_on_and_replaced_by_their_codes(api: Api, stranger: Api) -> None:
    vat, eco = await tax(api, "vat", applied_to_organization=True), await tax(api, "eco")
    await tax(stranger, "theirs")
    assert (await made(api, tax_codes=["eco", "vat", "eco"]))["taxes"] == [eco, vat]
    answer = await api.put("/add_ons/setup", {"add_on": {"tax_codes": ["vat"]}})
    assert answer.json()["add_on"]["taxes"] == [vat]
    for codes in (["theirs"], ["vat", "nothing"]):
        answer = await api.put("/add_ons/setup", {"add_on": {"name": "New", "tax_codes": codes}})
        assert (answer.status_code, answer.json()["code"]) == (404, "tax_not_found")
    found = (await api.get("/add_ons/setup")).json()["add_on"]
    assert (found["name"], found["taxes"]) == ("Setup", [vat])
    await api.put("/add_ons/setup", {"add_on": {"tax_codes": []}})
    assert (await api.get("/add_ons")).json()["add_ons"][0]["taxes"] == []


async def test_a_tax_that_is_deleted_is_taken_off_everything(api: Api) -> None:
    await tax(api, "vat", applied_to_organization=True)
    eco = await tax(api, "eco")
    await made(api, tax_codes=["vat", "eco"])
    customer = {"external_id": "c", "tax_codes": ["vat", "eco"]}
    assert (await api.post("/customers", {"customer": customer})).status_code == 200
    await api.delete("/taxes/vat")
    assert (await api.get("/add_ons/setup")).json()["add_on"]["taxes"] == [eco]
    assert (await api.get("/customers/c")).json()["customer"]["taxes"] == [eco]
    await tax(api, "vat")
    assert (await api.get("/add_ons/setup")).json()["add_on"]["taxes"] == [eco]


async def test_the_deletion_of_an_add_on_takes_fixed_charges_along(api: Api, recorded: Recorded) -> None:
    add_on = await made(api)
    plan = {
        "name": "Basic", "code": "basic", "interval": "monthly", "amount_cents": 0, "amount_currency": "EUR",
        "pay_in_advance": False,
        "fixed_charges": [
            {"add_on_id": add_on["lago_id"], "charge_model": "standard", "units": 2, "properties": {"amount": "5"}}
        ],
    }  # fmt: skip
    answer = await api.post("/plans", {"plan": plan})
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["plan"]["fixed_charges"]) == 1
    await api.delete("/add_ons/setup")
    assert (await api.get("/plans/basic")).json()["plan"]["fixed_charges"] == []
    [event] = recorded.of(PlanComponentsChanged)
    assert [str(one) for one in event.plan_ids] == [answer.json()["plan"]["lago_id"]]


async def test_a_list_of_add_ons_costs_a_fixed_number_of_statements(api: Api, statements: list[str]) -> None:
    await tax(api, "vat")
    counts = []
    for some in (range(2), range(2, 12)):
        for number in some:
            await made(api, code=f"add-on-{number}", tax_codes=["vat"])
        statements.clear()
        assert len((await api.get("/add_ons")).json()["add_ons"]) == some.stop
        counts.append(len(statements))
    assert counts[0] == counts[1]


async def test_taxes_of_customers_are_replaced_left_alone_and_refused(api: Api, stranger: Api) -> None:
    vat, eco = await tax(api, "vat"), await tax(api, "eco")
    await tax(stranger, "theirs")

    async def put(**fields: Any) -> Any:
        return await api.post("/customers", {"customer": {"external_id": "c", **fields}})

    assert (await put(tax_codes=["eco", "vat"])).json()["customer"]["taxes"] == [eco, vat]
    assert (await put(name="New")).json()["customer"]["taxes"] == [eco, vat]
    assert (await put(tax_codes=["vat"])).json()["customer"]["taxes"] == [vat]
    refused = await put(name="Newer", tax_codes=["theirs"])
    assert (refused.status_code, refused.json()["code"]) == (404, "tax_not_found")
    assert (await put(tax_codes={"a": 1})).json()["error_details"] == {"tax_codes": ["value_is_invalid"]}
    found = (await api.get("/customers")).json()["customers"][0]
    assert (found["name"], found["taxes"]) == ("New", [vat])
    assert (await put(tax_codes=[])).json()["customer"]["taxes"] == []
