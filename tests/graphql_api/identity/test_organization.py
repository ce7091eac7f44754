"""The settings of an organization, read and changed."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable
from uuid import uuid4

import psycopg
import pytest

from infrastructure import signing, storage
from tests.graphql_api.conftest import Caller

UPDATE = """mutation($input: UpdateOrganizationInput!) { updateOrganization(input: $input) {
    slug email legalName legalNumber taxIdentificationNumber addressLine1 addressLine2 city state zipcode country
    defaultCurrency timezone netPaymentTerm documentNumberPrefix documentNumbering finalizeZeroAmountInvoice
    euTaxManagement authenticationMethods emailSettings webhookUrl logoUrl
    billingConfiguration { id documentLocale invoiceFooter invoiceGracePeriod } } }"""
PNG = b"\x89PNG\r\n\x1a\n" + b"picture"


@pytest.fixture
async def owner(sign_up: Callable[..., Awaitable[Caller]]) -> Caller:
    return await sign_up()


async def _change(owner: Caller, **changes: object) -> dict[str, object]:
    return dict((await owner.data(UPDATE, {"input": changes}))["updateOrganization"])


async def _refusal(owner: Caller, **changes: object) -> object:
    error = await owner.error(UPDATE, {"input": changes})
    assert (error["status"], error["code"]) == (422, "unprocessable_entity")
    return error["details"]


async def test_what_the_dashboard_reads_at_boot_is_answered(admin: Caller) -> None:
    query = """{ organization { id name slug logoUrl timezone defaultCurrency featureFlags premiumIntegrations
        canCreateBillingEntity authenticationMethods authenticatedMethod accessibleByCurrentSession eventsStore
        createdAt updatedAt } }"""
    organization = (await admin.data(query))["organization"]

    assert organization["id"] == admin.organization_id
    assert (organization["logoUrl"], organization["featureFlags"]) == (None, [])
    assert len(organization["premiumIntegrations"]) == 30
    assert organization["authenticationMethods"] == ["email_password", "google_oauth"]
    assert organization["authenticatedMethod"] == "email_password"
    assert organization["accessibleByCurrentSession"] is True
    assert organization["eventsStore"] == "postgres"


async def test_every_setting_is_stored_and_shown(owner: Caller) -> None:
    settings = {
        "email": "billing@example.com",
        "legalName": "Acme GmbH",
        "legalNumber": "HRB 1",
        "taxIdentificationNumber": "DE1",
        "addressLine1": "Street 1",
        "addressLine2": "Back",
        "city": "Berlin",
        "state": "BE",
        "zipcode": "10115",
        "country": "DE",
        "defaultCurrency": "EUR",
        "timezone": "TZ_EUROPE_BERLIN",
        "netPaymentTerm": 30,
        "documentNumberPrefix": "ACME-1",
        "documentNumbering": "per_customer",
        "finalizeZeroAmountInvoice": False,
        "euTaxManagement": True,
        "authenticationMethods": ["email_password"],
        "emailSettings": ["invoice_finalized", "credit_note_created"],
        "webhookUrl": "https://hooks.example.com/tarn",
        "slug": f"acme-{uuid4().hex[:8]}",
    }
    billing = {"documentLocale": "de", "invoiceFooter": "Thanks", "invoiceGracePeriod": 3}
    changed = await _change(owner, **settings, billingConfiguration=billing)

    billing_id = f"{owner.organization_id}-c0nf"
    assert changed == {**settings, "logoUrl": None, "billingConfiguration": {**billing, "id": billing_id}}
    again = await _change(owner)
    assert again == changed


async def test_an_absent_field_stays_and_a_null_empties_it(owner: Caller) -> None:
    await _change(owner, legalName="Acme", city="Paris", country="FR")

    changed = await _change(owner, legalName=None, country=None)
    assert (changed["legalName"], changed["city"], changed["country"]) == (None, "Paris", None)


@pytest.mark.parametrize(
    ("changes", "details"),
    [
        ({"email": "nobody"}, {"email": ["invalid_email_format"]}),
        ({"legalName": "x" * 300}, {"legalName": ["value_is_too_long"]}),
        ({"netPaymentTerm": -1}, {"netPaymentTerm": ["value_is_out_of_range"]}),
        ({"netPaymentTerm": 2**31 - 1}, {"netPaymentTerm": ["value_is_out_of_range"]}),
        ({"netPaymentTerm": None}, {"netPaymentTerm": ["value_is_mandatory"]}),
        ({"documentNumberPrefix": ""}, {"documentNumberPrefix": ["value_is_mandatory"]}),
        ({"documentNumberPrefix": "x" * 11}, {"documentNumberPrefix": ["value_is_too_long"]}),
        ({"documentNumberPrefix": "ß" * 10}, {"documentNumberPrefix": ["value_is_too_long"]}),
        ({"defaultCurrency": None}, {"defaultCurrency": ["value_is_invalid"]}),
        ({"timezone": None}, {"timezone": ["invalid_timezone"]}),
        ({"documentNumbering": None}, {"documentNumbering": ["value_is_invalid"]}),
        ({"finalizeZeroAmountInvoice": None}, {"finalizeZeroAmountInvoice": ["value_is_invalid"]}),
        ({"euTaxManagement": True}, {"euTaxManagement": ["org_must_be_in_eu"]}),
        ({"euTaxManagement": True, "country": "US"}, {"euTaxManagement": ["org_must_be_in_eu"]}),
        ({"authenticationMethods": []}, {"authenticationMethods": ["value_is_mandatory"]}),
        ({"billingConfiguration": {"invoiceFooter": "x" * 601}}, {"invoiceFooter": ["value_is_too_long"]}),
        ({"billingConfiguration": {"invoiceGracePeriod": -1}}, {"invoiceGracePeriod": ["value_is_out_of_range"]}),
        ({"billingConfiguration": {"documentLocale": "xx"}}, {"documentLocale": ["not_a_valid_language_code"]}),
        ({"webhookUrl": "nonsense"}, {"webhookUrl": ["url_is_invalid"]}),
        ({"slug": "ab"}, {"slug": ["value_is_too_short"]}),
        ({"slug": "x" * 41}, {"slug": ["value_is_too_long"]}),
        ({"slug": "Acme"}, {"slug": ["value_is_invalid"]}),
        ({"slug": "-acme"}, {"slug": ["value_is_invalid"]}),
        ({"slug": "settings"}, {"slug": ["value_is_reserved"]}),
        ({"logo": "nonsense"}, {"logo": ["invalid_content_type"]}),
        ({"logo": "data:image/svg+xml;base64,AAAA"}, {"logo": ["invalid_content_type"]}),
        ({"logo": "data:image/png;base64,AAAA"}, {"logo": ["invalid_content_type"]}),
        ({"logo": "data:image/png;base64,!!"}, {"logo": ["invalid_content_type"]}),
        ({"logo": "data:image/png;base64," + "A" * 1_200_000}, {"logo": ["file_too_large"]}),
        (
            {"email": "x", "slug": "a", "billingConfiguration": {"documentLocale": ""}},
            {
                "email": ["invalid_email_format"],
                "slug": ["value_is_too_short"],
                "documentLocale": ["not_a_valid_language_code"],
            },
        ),
    ],
)
async def test_a_wrong_setting_is_named_and_nothing_changes(
    admin: Caller, changes: dict[str, object], details: object
) -> None:
    before = await _change(admin)

    assert await _refusal(admin, **{"city": "Elsewhere", **changes}) == details
    assert await _change(admin) == before


async def test_an_organization_with_eu_taxes_cannot_leave_the_union(owner: Caller) -> None:
    await _change(owner, country="FR", euTaxManagement=True)

    assert await _refusal(owner, country="CH") == {"euTaxManagement": ["org_must_be_in_eu"]}
    assert (await _change(owner, country="CH", euTaxManagement=False))["country"] == "CH"


async def test_a_slug_of_another_organization_is_taken_also_in_a_race(
    owner: Caller, sign_up: Callable[..., Awaitable[Caller]]
) -> None:
    rival, slug = await sign_up(), f"wanted-{uuid4().hex[:8]}"
    answers = await asyncio.gather(*(who.ask(UPDATE, {"input": {"slug": slug}}) for who in (owner, rival)))

    refused = [answer["errors"][0]["extensions"]["details"] for answer in answers if "errors" in answer]
    assert refused == [{"slug": ["value_already_exist"]}]


async def test_a_logo_is_stored_and_shown_by_a_signed_link(owner: Caller) -> None:
    changed = await _change(owner, logo="data:image/png;base64," + b64encode(PNG).decode())

    url = str(changed["logoUrl"])
    target = signing.read("logo", url.rpartition("/")[2])
    assert url.startswith("http://localhost:3000/logos/")
    assert target["type"] == "image/png"
    assert await storage.get(target["key"]) == PNG


async def test_the_webhook_address_is_that_of_the_first_endpoint(owner: Caller, migrated: str) -> None:
    await _change(owner, webhookUrl="https://one.example.com")
    changed = await _change(owner, webhookUrl="https://two.example.com")

    assert changed["webhookUrl"] == "https://two.example.com"
    with psycopg.connect(migrated) as connection:
        query = "SELECT count(*) FROM webhook_endpoints WHERE organization_id = %s"
        assert connection.execute(query, [owner.organization_id]).fetchone() == (1,)


async def test_fields_and_inputs_of_others_duties_are_null_and_dropped(owner: Caller, migrated: str) -> None:
    await _change(owner, webhookUrl="https://one.example.com", emailSettings=["invoice_finalized"])
    with psycopg.connect(migrated) as connection:
        connection.execute(
            "UPDATE membership_roles SET role_id = (SELECT id FROM roles WHERE code = 'manager')"
            " WHERE organization_id = %s",
            [owner.organization_id],
        )

    changed = await _change(
        owner,
        city="Paris",
        webhookUrl="https://evil.example.com",
        emailSettings=[],
        billingConfiguration={"invoiceGracePeriod": 9},
    )
    assert changed["city"] == "Paris"
    assert (changed["webhookUrl"], changed["emailSettings"], changed["billingConfiguration"]) == (None, None, None)
    query = "{ organization { apiKey hmacKey } }"
    assert (await owner.data(query))["organization"] == {"apiKey": None, "hmacKey": None}
    with psycopg.connect(migrated) as connection:
        stored = connection.execute(
            "SELECT w.webhook_url, b.email_settings, b.invoice_grace_period FROM webhook_endpoints w"
            " JOIN billing_entities b USING (organization_id) WHERE organization_id = %s",
            [owner.organization_id],
        ).fetchone()
    assert stored == ("https://one.example.com", ["invoice.finalized"], 0)


@pytest.mark.parametrize("value", ["TZ_NOWHERE", "Europe/Paris", 5, ""])
async def test_a_time_zone_that_is_none_is_a_wrong_variable(admin: Caller, value: object) -> None:
    error = await admin.error(UPDATE, {"input": {"timezone": value}})

    assert error["code"] == "variable_is_invalid"
    assert error["problems"][0]["path"] == ["timezone"]
