"""/api/v1/taxes"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from domain.catalog.events import TaxChanged
from tests.rest_api.conftest import Api, Recorded

VAT: dict[str, Any] = {"name": "VAT", "code": "vat", "rate": "20.0"}


async def made(api: Api, **changes: Any) -> dict[str, Any]:
    answer = await api.post("/taxes", {"tax": {**VAT, **changes}})
    assert answer.status_code == 200, answer.text
    return answer.json()["tax"]  # type: ignore[no-any-return]


async def test_a_tax_is_made_and_shown_with_all_its_fields(api: Api) -> None:
    tax = await made(api, description="French VAT")
    assert tax.pop("lago_id")
    assert tax.pop("created_at").endswith("Z")
    assert tax == {
        "name": "VAT", "code": "vat", "rate": 20.0, "description": "French VAT", "applied_to_organization": False,
    }  # fmt: skip
    assert (await api.get("/taxes/vat")).json()["tax"]["rate"] == 20.0


@pytest.mark.parametrize(("rate", "shown"), [(20, 20.0), ("5.5", 5.5), (0, 0.0), (-3, -3.0), (8.1234, 8.1234)])
async def test_a_rate_is_any_percentage(api: Api, rate: object, shown: float) -> None:
    assert (await made(api, rate=rate))["rate"] == shown


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("name", "", "value_is_mandatory"),
        ("code", None, "value_is_mandatory"),
        ("rate", None, "value_is_mandatory"),
        ("rate", "many", "value_is_invalid"),
        ("rate", True, "value_is_invalid"),
        ("rate", [20], "value_is_invalid"),
        ("rate", "1e400", "value_is_out_of_range"),
        ("rate", "NaN", "value_is_out_of_range"),
        ("rate", "0.000000001", "value_is_out_of_range"),
        ("applied_to_organization", "maybe", "value_is_invalid"),
        ("code", "x" * 300, "value_is_too_long"),
    ],
)
async def test_wrong_values_are_422(api: Api, field: str, value: object, code: str) -> None:
    answer = await api.post("/taxes", {"tax": {**VAT, field: value}})
    assert answer.status_code == 422
    assert answer.json()["error_details"] == {field: [code]}


async def test_a_tax_is_put_on_and_off_the_default_billing_entity(api: Api, recorded: Recorded) -> None:
    assert (await made(api, applied_to_organization=True))["applied_to_organization"] is True
    assert len(recorded.of(TaxChanged)) == 1
    off = await api.put("/taxes/vat", {"tax": {"applied_to_organization": False}})
    assert off.json()["tax"]["applied_to_organization"] is False
    for _ in range(2):
        on = await api.put("/taxes/vat", {"tax": {"applied_to_organization": True}})
        assert on.json()["tax"]["applied_to_organization"] is True
    same = await api.put("/taxes/vat", {"tax": {"name": "New"}})
    assert same.json()["tax"]["applied_to_organization"] is True


async def test_an_update_changes_what_is_given(api: Api, recorded: Recorded) -> None:
    await made(api, description="d")
    answer = await api.put("/taxes/vat", {"tax": {"rate": 19, "code": "mwst"}})
    tax = answer.json()["tax"]
    assert (tax["rate"], tax["code"], tax["name"], tax["description"]) == (19.0, "mwst", "VAT", "d")
    assert len(recorded.of(TaxChanged)) == 1
    wrong = await api.put("/taxes/mwst", {"tax": {"rate": None, "name": ""}})
    assert wrong.json()["error_details"] == {"name": ["value_is_mandatory"], "rate": ["value_is_mandatory"]}


async def test_codes_are_unique_while_kept(api: Api) -> None:
    await made(api)
    await made(api, code="other")
    taken = {"code": ["value_already_exist"]}
    assert (await api.post("/taxes", {"tax": VAT})).json()["error_details"] == taken
    assert (await api.put("/taxes/other", {"tax": {"code": "vat"}})).json()["error_details"] == taken
    assert (await api.put("/taxes/vat", {"tax": {"code": "vat"}})).status_code == 200
    await api.delete("/taxes/vat")
    await made(api)


async def test_of_many_at_once_one_gets_the_code(api: Api) -> None:
    answers = await asyncio.gather(*(api.post("/taxes", {"tax": VAT}) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [422] * 5


async def test_deletion_takes_the_tax_off_everything(api: Api, recorded: Recorded) -> None:
    await made(api, applied_to_organization=True)
    recorded.clear()
    answer = await api.delete("/taxes/vat")
    assert answer.json()["tax"]["applied_to_organization"] is False
    assert len(recorded.of(TaxChanged)) == 1
    assert (await api.get("/taxes")).json()["taxes"] == []
    for again in (
        await api.delete("/taxes/vat"),
        await api.get("/taxes/vat"),
        await api.put("/taxes/vat", {"tax": VAT}),
    ):
        assert again.status_code == 404
        assert again.json()["code"] == "tax_not_found"


async def test_another_organization_sees_nothing(api: Api, stranger: Api) -> None:
    await made(api)
    assert (await stranger.get("/taxes/vat")).status_code == 404
    assert (await stranger.get("/taxes")).json()["taxes"] == []
    await made(stranger)
