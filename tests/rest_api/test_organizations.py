"""/api/v1/organizations, and the links to logos."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from domain.identity.events import BillingTermsChanged
from domain.identity.logo import logo_url
from domain.identity.queries import organization_row
from domain.kernel.unit_of_work import tenant_work
from infrastructure import signing
from tests.rest_api.conftest import Api, Recorded

PNG = b"\x89PNG\r\n\x1a\n" + b"picture"


async def _update(api: Api, settings: dict[str, Any]) -> dict[str, Any]:
    response = await api.put("/organizations", {"organization": settings})
    assert response.status_code == 200, response.text
    return dict(response.json()["organization"])


async def test_the_organization_of_the_key_is_shown(api: Api) -> None:
    organization = (await api.get("/organizations")).json()["organization"]

    founded = api.registered.founded
    assert organization["lago_id"] == str(founded.organization.id)
    assert organization["slug"] == founded.organization.slug
    assert organization["created_at"].endswith("Z")
    assert (organization["webhook_url"], organization["webhook_urls"]) == (None, [])
    assert organization["document_numbering"] == "per_organization"
    assert organization["billing_configuration"] == {
        "invoice_footer": None,
        "invoice_grace_period": 0,
        "document_locale": "en",
    }


async def test_what_a_client_library_sends_is_stored(api: Api) -> None:
    settings = {
        "webhook_url": "https://one.example.com",
        "country": "FR",
        "default_currency": "EUR",
        "address_line1": "1 rue",
        "address_line2": None,
        "state": "IDF",
        "zipcode": "75001",
        "email": "a@example.com",
        "city": "Paris",
        "legal_name": "Acme SAS",
        "legal_number": "1",
        "net_payment_term": 30,
        "tax_identification_number": "FR1",
        "timezone": "Europe/Paris",
        "email_settings": ["invoice.finalized"],
        "document_numbering": "per_customer",
        "document_number_prefix": "acme-1",
        "finalize_zero_amount_invoice": False,
    }
    billing = {"invoice_footer": "Merci", "invoice_grace_period": 3, "document_locale": "fr"}
    changed = await _update(api, {**settings, "billing_configuration": billing})

    assert {key: changed[key] for key in settings} == {**settings, "document_number_prefix": "ACME-1"}
    assert changed["billing_configuration"] == billing
    assert changed["taxes"] == []
    shown = (await api.get("/organizations")).json()["organization"]
    assert {**shown, "taxes": []} == changed


async def test_taxes_of_the_organization_are_told(api: Api) -> None:
    tax = {"name": "VAT", "code": "vat", "rate": "20", "applied_to_organization": True}
    assert (await api.post("/taxes", {"tax": tax})).status_code == 200

    assert [tax["code"] for tax in (await _update(api, {"city": "Paris"}))["taxes"]] == ["vat"]


async def test_changed_terms_are_told_and_others_not(api: Api, recorded: Recorded) -> None:
    await _update(api, {"city": "Paris", "net_payment_term": 0})
    assert recorded.of(BillingTermsChanged) == []

    await _update(api, {"billing_configuration": {"invoice_grace_period": 5}})
    assert recorded.of(BillingTermsChanged) == [BillingTermsChanged((api.tenant.organization_id,))]


@pytest.mark.parametrize(
    ("settings", "details"),
    [
        ({"timezone": "Mars/Base"}, {"timezone": ["invalid_timezone"]}),
        ({"timezone": 5}, {"timezone": ["invalid_timezone"]}),
        ({"country": "XX"}, {"country": ["not_a_valid_country_code"]}),
        ({"default_currency": "EURO"}, {"default_currency": ["value_is_invalid"]}),
        ({"default_currency": []}, {"default_currency": ["value_is_invalid"]}),
        ({"document_numbering": "per_billing_entity"}, {"document_numbering": ["value_is_invalid"]}),
        ({"net_payment_term": "soon"}, {"net_payment_term": ["value_is_invalid"]}),
        ({"net_payment_term": 10**30}, {"net_payment_term": ["value_is_out_of_range"]}),
        ({"net_payment_term": 1.5}, {"net_payment_term": ["value_is_invalid"]}),
        ({"email_settings": ["everything"]}, {"email_settings": ["unsupported_value"]}),
        ({"email_settings": "invoice.finalized"}, {"email_settings": ["value_is_invalid"]}),
        ({"billing_configuration": "none"}, {"billing_configuration": ["value_is_invalid"]}),
        ({"finalize_zero_amount_invoice": "maybe"}, {"finalize_zero_amount_invoice": ["value_is_invalid"]}),
        ({"legal_name": {"a": 1}}, {"legal_name": ["value_is_invalid"]}),
        ({"legal_name": "a\x00b"}, {"legal_name": ["value_is_invalid"]}),
        ({"webhook_url": "ftp://example.com"}, {"webhook_url": ["url_is_invalid"]}),
        ({"slug": []}, {"slug": ["value_is_invalid"]}),
        ({"logo": 5}, {"logo": ["invalid_content_type"]}),
        ({"authentication_methods": ["magic"]}, {"authentication_methods": ["value_is_invalid"]}),
    ],
)
async def test_a_wrong_setting_is_named(api: Api, settings: dict[str, Any], details: object) -> None:
    response = await api.put("/organizations", {"organization": {"city": "Elsewhere", **settings}})

    assert (response.status_code, response.json()["error_details"]) == (422, details)
    assert (await api.get("/organizations")).json()["organization"]["city"] is None


@pytest.mark.parametrize("body", [{}, {"organization": None}, {"organization": []}, {"organization": {}}])
async def test_a_body_without_its_root_is_refused(api: Api, body: object) -> None:
    assert (await api.put("/organizations", body)).status_code == 400


async def test_without_a_key_nothing_is_shown(api: Api) -> None:
    for value in ("", "Bearer", f"Bearer {uuid4()}"):
        assert (await api.get("/organizations", headers={"authorization": value})).status_code == 401


async def test_a_logo_is_opened_by_its_signed_link_alone(api: Api, client: httpx.AsyncClient) -> None:
    await _update(api, {"logo": "data:image/png;base64," + b64encode(PNG).decode()})
    async with tenant_work(api.tenant) as work:
        row = await organization_row(work)
    link = logo_url(row.logo_key, row.logo_content_type)
    assert link is not None
    image = await client.get(link.removeprefix("http://localhost:3000"))
    assert (image.status_code, image.content, image.headers["content-type"]) == (200, PNG, "image/png")

    tokens = [
        signing.sign("logo", {"key": f"logos/{uuid4()}/{uuid4()}", "type": "image/png"}, timedelta(days=1)),
        signing.sign("other", {"key": "logos/a/b", "type": "image/png"}, timedelta(days=1)),
        "nonsense",
        "x" * 9_000,
    ]

    for token in tokens:
        assert (await client.get(f"/logos/{token}")).status_code == 404
