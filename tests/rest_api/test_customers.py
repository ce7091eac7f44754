"""/api/v1/customers"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from domain.customers.events import CustomerCreated, CustomerDeleted, CustomerInvoiceTermsChanged, CustomerUpdated
from domain.customers.find_or_create import find_or_create
from domain.customers.models import Customer
from domain.customers.portal import PORTAL_PURPOSE
from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import tenant_work
from domain.subscriptions.models import Subscription
from infrastructure import signing
from tests.rest_api.conftest import Api, Recorded


async def sent(api: Api, external_id: str = "cust", **fields: Any) -> dict[str, Any]:
    answer = await api.post("/customers", {"customer": {"external_id": external_id, **fields}})
    assert answer.status_code == 200, answer.text
    return answer.json()["customer"]  # type: ignore[no-any-return]


async def errors(api: Api, **fields: Any) -> dict[str, list[str]]:
    answer = await api.post("/customers", {"customer": {"external_id": "cust", **fields}})
    assert answer.status_code == 422, answer.text
    return answer.json()["error_details"]  # type: ignore[no-any-return]


async def subscribe(api: Api, external_id: str = "cust", **plan: Any) -> None:
    """Puts a row in, as a subscription of any status locks currency and external id."""
    body = {
        "name": "P", "code": "plan", "interval": "monthly", "amount_cents": 0, "amount_currency": "EUR",
        "pay_in_advance": False, **plan,
    }  # fmt: skip
    plan_id = (await api.post("/plans", {"plan": body})).json()["plan"]["lago_id"]
    async with tenant_work(api.tenant) as work:
        customers = table(Customer)
        customer_id = (
            await work.session.execute(sa.select(customers.c.id).where(customers.c.external_id == external_id))
        ).scalar_one()
        work.session.add(
            Subscription(
                organization_id=work.organization_id,
                customer_id=customer_id,
                plan_id=plan_id,
                external_id="sub",
                subscription_at=clock.now(),
                status="active",
            )
        )


async def test_a_new_customer_has_a_number_a_slug_and_all_its_fields(api: Api, recorded: Recorded) -> None:
    fields: dict[str, Any] = {
        "name": "Hooli", "firstname": "Gavin", "lastname": "Belson", "customer_type": "company", "country": "FR",
        "address_line1": "1 rue", "address_line2": "b", "city": "Paris", "state": "IdF", "zipcode": "75001",
        "email": "a@b.co,c@d.org", "phone": "+33", "url": "https://hooli.com", "logo_url": "http://hooli.com/logo.png",
        "legal_name": "Hooli SA", "legal_number": "1", "tax_identification_number": "FR1", "currency": "EUR",
        "timezone": "Europe/Paris", "net_payment_term": 30, "finalize_zero_amount_invoice": "skip",
    }  # fmt: skip
    nested: dict[str, Any] = {
        "shipping_address": {"city": "Lyon", "country": "DE"},
        "billing_configuration": {
            "invoice_grace_period": 3, "document_locale": "fr",
            "subscription_invoice_issuing_date_anchor": "current_period_end",
            "subscription_invoice_issuing_date_adjustment": "keep_anchor",
        },
        "metadata": [{"key": "crm", "value": "42", "display_in_invoice": True}],
    }  # fmt: skip
    customer = await sent(api, **fields, **nested)
    assert {name: customer[name] for name in fields} == fields
    assert customer["sequential_id"] == 1
    assert customer["slug"].endswith("-001")
    assert customer["account_type"] == "customer"
    assert customer["applicable_timezone"] == "Europe/Paris"
    assert customer["shipping_address"]["city"] == "Lyon"
    assert customer["shipping_address"]["country"] == "DE"
    assert customer["shipping_address"]["zipcode"] is None
    assert nested["billing_configuration"].items() <= customer["billing_configuration"].items()
    assert [(m["key"], m["value"], m["display_in_invoice"]) for m in customer["metadata"]] == [("crm", "42", True)]
    assert (await api.get("/customers/cust")).json()["customer"] == customer
    assert len(recorded.of(CustomerCreated)) == 1
    assert (await sent(api, "second"))["sequential_id"] == 2


async def test_the_time_zone_of_the_billing_entity_applies_without_an_own_one(api: Api) -> None:
    customer = await sent(api)
    assert (customer["timezone"], customer["applicable_timezone"]) == (None, "UTC")


async def test_a_second_post_changes_what_is_given_and_null_clears(api: Api, recorded: Recorded) -> None:
    first = await sent(api, name="A", city="Paris", currency="EUR")
    second = await sent(api, city=None, email="a@b.co")
    assert second["lago_id"] == first["lago_id"]
    assert (second["name"], second["city"], second["email"], second["currency"]) == ("A", None, "a@b.co", "EUR")
    assert len(recorded.of(CustomerUpdated)) == 1


@pytest.mark.parametrize("external_id", [None, "", "  "])
async def test_an_external_id_is_mandatory(api: Api, external_id: str | None) -> None:
    answer = await api.post("/customers", {"customer": {"external_id": external_id, "name": "A"}})
    assert answer.status_code == 422
    assert answer.json()["error_details"] == {"external_id": ["value_is_mandatory"]}


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("external_id", "x" * 256, "value_is_too_long"),
        ("external_id", ["a"], "value_is_invalid"),
        ("name", {"a": 1}, "value_is_invalid"),
        ("name", "x" * 256, "value_is_too_long"),
        ("currency", "XXX", "value_is_invalid"),
        ("currency", 12, "value_is_invalid"),
        ("timezone", "Mars/Base", "invalid_timezone"),
        ("timezone", ["UTC"], "invalid_timezone"),
        ("country", "ZZ", "not_a_valid_country_code"),
        ("country", 3, "not_a_valid_country_code"),
        ("email", "nobody", "invalid_email_format"),
        ("email", "a@b.co,,c@d.org", "invalid_email_format"),
        ("url", "javascript:alert(1)", "url_is_invalid"),
        ("url", "javascript:1", "url_is_invalid"),
        ("url", "ftp://hooli.com", "url_is_invalid"),
        ("logo_url", "https://a b", "url_is_invalid"),
        ("customer_type", "robot", "value_is_invalid"),
        ("account_type", "robot", "value_is_invalid"),
        ("finalize_zero_amount_invoice", "perhaps", "value_is_invalid"),
        ("net_payment_term", -1, "value_is_out_of_range"),
        ("net_payment_term", 10**12, "value_is_out_of_range"),
        ("net_payment_term", "soon", "value_is_invalid"),
        ("billing_configuration", "x", "value_is_invalid"),
        ("shipping_address", [], "value_is_invalid"),
        ("metadata", {"a": "b"}, "value_is_invalid"),
        ("metadata", [{"key": str(i), "value": "v"} for i in range(6)], "invalid_count"),
        ("tax_codes", "vat", "value_is_invalid"),
        ("integration_customers", [{"integration_type": "xero"}], "unsupported_value"),
        ("invoice_custom_section_codes", "a", "value_is_invalid"),
        ("skip_invoice_custom_sections", "x", "value_is_invalid"),
    ],
)
async def test_wrong_values_are_422_on_their_field(api: Api, field: str, value: object, code: str) -> None:
    assert await errors(api, **{field: value}) == {field: [code]}


@pytest.mark.parametrize(
    ("part", "field", "value", "code"),
    [
        ("billing_configuration", "invoice_grace_period", -1, "value_is_out_of_range"),
        ("billing_configuration", "document_locale", "xx", "not_a_valid_language_code"),
        ("billing_configuration", "subscription_invoice_issuing_date_anchor", "never", "value_is_invalid"),
        ("billing_configuration", "payment_provider", "paypal", "value_is_invalid"),
        ("billing_configuration", "sync_with_provider", 7, "value_is_invalid"),
        ("shipping_address", "country", "ZZ", "not_a_valid_country_code"),
        ("shipping_address", "city", [], "value_is_invalid"),
    ],
)
async def test_wrong_values_inside_are_422_on_their_field(
    api: Api, part: str, field: str, value: object, code: str
) -> None:
    assert await errors(api, **{part: {field: value}}) == {field: [code]}


async def test_fields_that_are_not_acted_on_may_ask_for_nothing(api: Api) -> None:
    await sent(
        api, tax_codes=[], integration_customers=[], skip_invoice_custom_sections=False,
        billing_configuration={"payment_provider": None, "sync": False, "provider_payment_methods": []},
    )  # fmt: skip


async def test_lower_case_countries_and_bare_hosts_are_taken(api: Api) -> None:
    customer = await sent(api, country="us", url="hooli.com:8080/about")
    assert (customer["country"], customer["url"]) == ("US", "hooli.com:8080/about")


async def test_nothing_is_half_done(api: Api) -> None:
    await errors(api, name="A", metadata=[{"key": "k", "value": ""}])
    assert (await api.get("/customers/cust")).status_code == 404


async def test_metadata_that_is_sent_replaces_what_was_there(api: Api) -> None:
    first = (await sent(api, metadata=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]))["metadata"]
    kept = first[0]
    change = [{"id": kept["lago_id"], "key": "b", "value": "3"}, {"key": "a", "value": "4"}]
    after = (await sent(api, metadata=change))["metadata"]
    assert {(m["key"], m["value"]) for m in after} == {("b", "3"), ("a", "4")}
    assert next(m["lago_id"] for m in after if m["key"] == "b") == kept["lago_id"]
    assert len((await sent(api, name="x"))["metadata"]) == 2
    assert (await sent(api, metadata=[]))["metadata"] == []


async def test_metadata_keys_are_short_and_come_once(api: Api) -> None:
    twice = [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]
    assert await errors(api, metadata=twice) == {"key": ["value_already_exist"]}
    assert await errors(api, metadata=[{"key": "k" * 21, "value": "v" * 101}]) == {
        "key": ["value_is_too_long"],
        "value": ["value_is_too_long"],
    }


async def test_the_same_customer_from_many_requests_at_once_is_one(api: Api, recorded: Recorded) -> None:
    bodies = [{"customer": {"external_id": "cust", "name": f"n{number}"}} for number in range(10)]
    answers = await asyncio.gather(*(api.post("/customers", body) for body in bodies))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["customer"]["lago_id"] for answer in answers}) == 1
    assert len(recorded.of(CustomerCreated)) == 1


async def test_customers_made_at_once_have_numbers_of_their_own(api: Api) -> None:
    answers = await asyncio.gather(*(sent(api, f"cust{number}") for number in range(10)))
    assert sorted(answer["sequential_id"] for answer in answers) == list(range(1, 11))


async def test_the_currency_stays_once_there_is_a_subscription(api: Api) -> None:
    await sent(api, currency="EUR")
    assert (await sent(api, currency="USD"))["currency"] == "USD"
    await subscribe(api)
    assert await errors(api, currency="EUR") == {"currency": ["currencies_does_not_match"]}
    assert (await sent(api, currency="USD", name="A"))["name"] == "A"
    assert (await sent(api, account_type="partner"))["account_type"] == "customer"


async def test_changed_terms_of_invoices_are_told_with_their_effective_values(api: Api, recorded: Recorded) -> None:
    customer = await sent(api)
    await sent(api, name="A")
    assert recorded.of(CustomerInvoiceTermsChanged) == []
    await sent(api, net_payment_term=10, billing_configuration={"invoice_grace_period": 3})
    [event] = recorded.of(CustomerInvoiceTermsChanged)
    assert str(event.customer_id) == customer["lago_id"]
    assert (event.grace_period_before, event.grace_period_after) == (0, 3)
    assert (event.payment_term_before, event.payment_term_after) == (0, 10)


async def test_deletion_keeps_the_row_and_frees_the_external_id(api: Api, recorded: Recorded) -> None:
    first = await sent(api)
    answer = await api.delete("/customers/cust")
    assert answer.json()["customer"]["lago_id"] == first["lago_id"]
    assert len(recorded.of(CustomerDeleted)) == 1
    for again in (await api.get("/customers/cust"), await api.delete("/customers/cust")):
        assert again.status_code == 404
        assert again.json()["code"] == "customer_not_found"
    second = await sent(api)
    assert second["lago_id"] != first["lago_id"]
    assert second["sequential_id"] == 2


async def test_an_unknown_billing_entity_is_404(api: Api) -> None:
    answer = await api.post("/customers", {"customer": {"external_id": "c", "billing_entity_code": "nowhere"}})
    assert answer.status_code == 404
    assert answer.json()["code"] == "billing_entity_not_found"


async def test_another_organization_sees_nothing_and_may_use_the_same_id(api: Api, stranger: Api) -> None:
    mine = await sent(api, name="A")
    assert (await stranger.get("/customers/cust")).status_code == 404
    assert (await stranger.delete("/customers/cust")).status_code == 404
    theirs = await sent(stranger, name="B")
    assert theirs["lago_id"] != mine["lago_id"]
    assert theirs["sequential_id"] == 1
    entity = mine["billing_entity_code"]
    answer = await stranger.post("/customers", {"customer": {"external_id": "x", "billing_entity_code": entity}})
    assert answer.status_code == 404
    assert (await api.get("/customers/cust")).json()["customer"]["name"] == "A"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "ab"),
        ("search_term=HOOL", "a"),
        ("search_term=100%25", ""),
        ("countries[]=FR&countries[]=DE", "a"),
        ("currencies[]=USD", "b"),
        ("states[]=CA", "b"),
        ("zipcodes[]=75001", "a"),
        ("account_type[]=partner", "b"),
        ("account_type[]=customer", "a"),
        ("customer_type=company", "a"),
        ("has_customer_type=true", "a"),
        ("has_customer_type=false", "b"),
        ("has_tax_identification_number=true", "a"),
        ("has_tax_identification_number=false", "b"),
        ("metadata[crm]=42", "a"),
        ("metadata[crm]=43", ""),
        ("metadata[crm]=", "b"),
        ("billing_entity_codes[]=nowhere", ""),
    ],
)
async def test_lists_are_filtered(api: Api, query: str, found: str) -> None:
    await sent(
        api, "a", name="Hooli", country="FR", currency="EUR", zipcode="75001", customer_type="company",
        tax_identification_number="1", metadata=[{"key": "crm", "value": "42"}],
    )  # fmt: skip
    await sent(api, "b", name="Raviga", country="US", currency="USD", state="CA", account_type="partner")
    answer = (await api.get(f"/customers?{query}")).json()
    assert sorted(customer["external_id"] for customer in answer["customers"]) == sorted(found)
    assert answer["meta"]["total_count"] == len(found)


async def test_a_list_costs_the_same_number_of_statements_at_any_length(api: Api, statements: list[str]) -> None:
    costs = []
    for number in range(3):
        for index in range(number * 4):
            await sent(api, f"c{number}-{index}", metadata=[{"key": "k", "value": "v"}])
        statements.clear()
        assert (await api.get("/customers")).status_code == 200
        costs.append(len(statements))
    assert costs[1] == costs[2]


async def test_external_ids_are_found_by_their_encoded_path(api: Api) -> None:
    await sent(api, "a/b c.d")
    assert (await api.get(f"/customers/{quote('a/b c.d', safe='')}")).json()["customer"]["external_id"] == "a/b c.d"


async def test_a_subscription_finds_its_customer_or_makes_it(api: Api, recorded: Recorded) -> None:
    async with tenant_work(api.tenant) as work:
        made = await find_or_create(work, "new", "EUR")
    async with tenant_work(api.tenant) as work:
        found = await find_or_create(work, "new", "USD")
    assert (found.id, found.currency) == (made.id, "EUR")
    await sent(api, "blank")
    async with tenant_work(api.tenant) as work:
        assert (await find_or_create(work, "blank", "GBP")).currency == "GBP"
    assert (await api.get("/customers/blank")).json()["customer"]["currency"] == "GBP"
    assert len(recorded.of(CustomerCreated)) == 2


async def test_the_portal_url_is_signed_for_the_customer_and_its_organization(api: Api, stranger: Api) -> None:
    shown = (await api.post("/customers", {"customer": {"external_id": "visitor"}})).json()["customer"]
    url = (await api.get("/customers/visitor/portal_url")).json()["customer"]["portal_url"]
    head, token = url.rsplit("/", 1)
    assert head.endswith("/customer-portal")
    assert signing.read(PORTAL_PURPOSE, token) == [str(api.tenant.organization_id), shown["lago_id"]]
    assert (await stranger.get("/customers/visitor/portal_url")).status_code == 404
