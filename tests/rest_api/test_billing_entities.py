"""/api/v1/billing_entities, and who issues what."""

from __future__ import annotations

from typing import Any

import pytest

from domain.identity.events import BillingTermsChanged
from tests.rest_api.conftest import Api, Recorded

pytestmark = pytest.mark.usefixtures("recorded")

FULL = {
    "code": "emea", "name": "Northwind EMEA", "default_currency": "EUR", "document_numbering": "per_billing_entity",
    "document_number_prefix": "nw-eu", "finalize_zero_amount_invoice": False, "net_payment_term": 30,
    "address_line1": "1 rue du Bac", "city": "Paris", "zipcode": "75007", "country": "fr", "email": "billing@nw.test",
    "phone": "+33 1", "legal_name": "Northwind SAS", "legal_number": "552",
    "tax_identification_number": "FR40303265045",
    "timezone": "Europe/Paris", "email_settings": ["invoice.finalized"], "einvoicing": True,
    "billing_configuration": {
        "invoice_footer": "Merci", "document_locale": "fr", "invoice_grace_period": 3,
        "subscription_invoice_issuing_date_anchor": "current_period_end",
        "subscription_invoice_issuing_date_adjustment": "keep_anchor",
    },
}  # fmt: skip


async def create(api: Api, **fields: Any) -> dict[str, Any]:
    answer = await api.post("/billing_entities", {"billing_entity": {"code": "second", "name": "Second", **fields}})
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()["billing_entity"]
    return shown


async def test_an_entity_is_made_with_all_its_settings_and_listed_after_the_default_one(api: Api) -> None:
    shown = await create(api, **FULL)
    configuration = FULL["billing_configuration"]
    assert isinstance(configuration, dict)
    wanted = {**FULL, **configuration, "country": "FR", "document_number_prefix": "NW-EU", "is_default": False}
    del wanted["billing_configuration"]
    assert {name: shown[name] for name in wanted} == wanted
    assert (shown["eu_tax_management"], shown["logo_url"], shown["taxes"]) == (False, None, [])
    listed = (await api.get("/billing_entities")).json()["billing_entities"]
    assert [(each["code"], each["is_default"]) for each in listed][1:] == [("emea", False)]
    assert listed[0]["is_default"] is True
    assert (await api.get("/billing_entities/emea")).json()["billing_entity"] == shown


async def test_a_bare_entity_has_defaults_and_a_prefix_of_its_name_and_id(api: Api) -> None:
    shown = await create(api, name="acme two")
    assert shown["document_number_prefix"] == f"ACM-{shown['lago_id'][-4:].upper()}"
    named = ("default_currency", "timezone", "document_locale", "document_numbering", "net_payment_term")
    assert [shown[name] for name in named] == ["USD", "UTC", "en", "per_customer", 0]
    assert shown["subscription_invoice_issuing_date_anchor"] == "next_period_start"


async def test_changing_terms_moves_drafts_and_tax_codes_replace_those_before(api: Api, recorded: Recorded) -> None:
    shown = await create(api)
    for code in ("a", "b"):
        await api.post("/taxes", {"tax": {"code": code, "name": code, "rate": 10}})
    del recorded[:]
    body = {
        "code": "other",
        "name": "New name",
        "tax_codes": ["a"],
        "billing_configuration": {"invoice_grace_period": 2},
    }
    changed = (await api.put("/billing_entities/second", {"billing_entity": body})).json()["billing_entity"]
    assert (changed["code"], changed["name"], changed["invoice_grace_period"]) == ("second", "New name", 2)
    assert [tax["code"] for tax in changed["taxes"]] == ["a"]
    assert [str(each) for event in recorded.of(BillingTermsChanged) for each in event.billing_entity_ids] == [
        shown["lago_id"]
    ]
    del recorded[:]
    body = {"tax_codes": ["b"], "billing_configuration": {"invoice_grace_period": 2}}
    changed = (await api.put("/billing_entities/second", {"billing_entity": body})).json()["billing_entity"]
    assert [tax["code"] for tax in changed["taxes"]] == ["b"]
    assert recorded.of(BillingTermsChanged) == []


@pytest.mark.parametrize(
    ("fields", "details"),
    [
        ({"code": "", "name": None}, {"code": ["value_is_mandatory"], "name": ["value_is_mandatory"]}),
        ({"country": "XX", "timezone": "Mars"}, {"country": ["not_a_valid_country_code"],
                                                 "timezone": ["invalid_timezone"]}),
        ({"eu_tax_management": True, "country": "US"}, {"eu_tax_management": ["billing_entity_must_be_in_eu"]}),
        ({"eu_tax_management": True}, {"eu_tax_management": ["billing_entity_must_be_in_eu"]}),
        ({"einvoicing": True}, {"einvoicing": ["country_must_be_present"]}),
        ({"einvoicing": True, "country": "ES"}, {"einvoicing": ["country_not_supported"]}),
        ({"document_number_prefix": "x" * 11}, {"document_number_prefix": ["value_is_too_long"]}),
        ({"document_numbering": "per_organization"}, {"document_numbering": ["value_is_invalid"]}),
        ({"email_settings": ["nothing"]}, {"email_settings": ["unsupported_value"]}),
        ({"net_payment_term": -1}, {"net_payment_term": ["value_is_out_of_range"]}),
        ({"billing_configuration": {"subscription_invoice_issuing_date_anchor": "noon", "document_locale": "xx"}},
         {"subscription_invoice_issuing_date_anchor": ["value_is_invalid"],
          "document_locale": ["not_a_valid_language_code"]}),
        ({"logo": "data:text/plain;base64,AAAA"}, {"logo": ["invalid_content_type"]}),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_named_and_nothing_is_made(api: Api, fields: dict[str, Any], details: object) -> None:
    answer = await api.post("/billing_entities", {"billing_entity": {"code": "x", "name": "X", **fields}})
    assert (answer.status_code, answer.json()["error_details"]) == (422, details)
    assert len((await api.get("/billing_entities")).json()["billing_entities"]) == 1


async def test_a_code_is_taken_once_and_other_organizations_entities_are_not_found(api: Api, stranger: Api) -> None:
    await create(api)
    again = await api.post("/billing_entities", {"billing_entity": {"code": "second", "name": "Again"}})
    assert again.json()["error_details"] == {"code": ["value_already_exist"]}
    for answer in (
        await stranger.get("/billing_entities/second"),
        await stranger.put("/billing_entities/second", {"billing_entity": {"name": "Mine"}}),
        await stranger.post("/customers", {"customer": {"external_id": "c", "billing_entity_code": "second"}}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "billing_entity_not_found")
    await create(stranger)


async def test_a_subscription_has_the_entity_it_names_else_its_customers(api: Api) -> None:
    entity = await create(api)
    body = {"code": "p", "name": "P", "interval": "monthly", "amount_cents": 100, "amount_currency": "EUR",
            "pay_in_advance": False}  # fmt: skip
    await api.post("/plans", {"plan": body})
    await api.post("/customers", {"customer": {"external_id": "theirs", "billing_entity_code": "second"}})
    codes = {}
    for external_id, fields in {
        "default": {}, "named": {"billing_entity_code": "second"}, "by-id": {"billing_entity_id": entity["lago_id"]},
        "customer": {"external_customer_id": "theirs"},
    }.items():  # fmt: skip
        body = {"external_customer_id": "c", "external_id": external_id, "plan_code": "p", **fields}
        answer = await api.post("/subscriptions", {"subscription": body})
        codes[external_id] = answer.json()["subscription"]["billing_entity_code"]
    assert {name: code == "second" for name, code in codes.items()} == {
        "default": False, "named": True, "by-id": True, "customer": True,
    }  # fmt: skip
    found = await api.get("/subscriptions?billing_entity_codes[]=second")
    assert {each["external_id"] for each in found.json()["subscriptions"]} == {"named", "by-id", "customer"}
    changed = await api.put("/subscriptions/default", {"subscription": {"billing_entity_code": "second"}})
    assert changed.json()["subscription"]["billing_entity_code"] == "second"
