"""The document of a credit note: made, stored, announced and opened through its link."""

from __future__ import annotations

import io
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import facturx
import pytest
from lxml import etree
from pypdf import PdfReader

from domain.credits.note_documents import DOCUMENTS, generate
from domain.credits.note_events import CreditNoteDocumentGenerated, CreditNotesIssued
from domain.kernel.unit_of_work import Reactions, install_reactions, tenant_work
from domain.messaging.announce import ANNOUNCEMENTS
from infrastructure.settings import settings
from tasks.reactions import requests
from tests.rest_api.conftest import Api, Recorded
from tests.rest_api.test_credit_notes import noted, one_off


@pytest.fixture(autouse=True)
def storage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("TARN_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


@pytest.mark.parametrize(("locale", "title"), [("en", "Credit note"), ("fr", "Avoir")])
async def test_a_note_is_read_through_its_link_in_the_language_of_the_customer(
    api: Api, stranger: Api, recorded: Recorded, locale: str, title: str
) -> None:
    invoice, fee = await one_off(api)
    await api.post(
        "/customers",
        {"customer": {"external_id": "ada", "currency": "EUR", "billing_configuration": {"document_locale": locale}}},
    )
    note = await noted(api, invoice, (fee, 2_500), credit_amount_cents=3_000, description="Delivered late")
    assert note["file_url"] is None
    path = f"/credit_notes/{note['lago_id']}"
    asked = []

    async def dispatch(rows: object) -> None:
        asked.append(rows)

    install_reactions(Reactions(requests, dispatch, {DOCUMENTS: "invoices"}))
    waiting = await api.post(f"{path}/download", {})
    assert (waiting.status_code, waiting.content) == (200, b"")
    assert asked[0][0]["actor"] == DOCUMENTS  # type: ignore[index]
    assert (await stranger.post(f"{path}/download", {})).json()["code"] == "credit_note_not_found"

    async def record(work: object, happened: object) -> list[object]:
        recorded.extend(happened)  # type: ignore[arg-type]
        return []

    install_reactions(Reactions(record, dispatch, {}))  # type: ignore[arg-type]
    async with tenant_work(api.tenant) as work:
        assert await generate(work, [UUID(note["lago_id"])]) == [UUID(note["lago_id"])]
    assert recorded.of(CreditNoteDocumentGenerated) == [CreditNoteDocumentGenerated((UUID(note["lago_id"]),))]
    async with tenant_work(api.tenant) as work:
        assert await generate(work, [UUID(note["lago_id"])]) == []
        told = await ANNOUNCEMENTS["credit_note.generated"].load(work, [UUID(note["lago_id"])])
    assert told[UUID(note["lago_id"])]["file_url"] is not None

    shown = (await api.post(f"{path}/download_pdf", {})).json()["credit_note"]
    file = await api.client.get("/download/" + shown["file_url"].partition("/download/")[2])
    assert file.headers["content-type"] == "application/pdf"
    (page,) = PdfReader(io.BytesIO(file.content)).pages
    text = page.extract_text().replace("\u00a0", " ")
    assert text.startswith(title)
    for expected in (note["number"], note["invoice_number"], "Setup", "Delivered late", "Ada"):
        assert expected in text


async def test_an_issued_note_asks_for_its_document(api: Api) -> None:
    async with tenant_work(api.tenant) as work:
        made = await requests(work, [CreditNotesIssued((UUID(int=1),))])
    assert [(each.actor, each.arguments) for each in made] == [(DOCUMENTS, {"credit_note_ids": [UUID(int=1)]})]


async def _issuing_in(api: Api, country: str) -> None:
    """The billing entity issues electronic documents by that country's rules."""
    (entity,) = (await api.get("/billing_entities")).json()["billing_entities"]
    body = {"billing_entity": {"country": country, "einvoicing": True}}
    assert (await api.put(f"/billing_entities/{entity['code']}", body)).status_code == 200


async def _file(api: Api, url: str) -> Any:
    return await api.client.get("/download/" + url.partition("/download/")[2])


@pytest.mark.parametrize("country", ["FR", "DE"])
async def test_an_electronic_note_stands_beside_the_pdf_and_inside_it(
    api: Api, recorded: Recorded, country: str
) -> None:
    await _issuing_in(api, country)
    customer = {"external_id": "ada", "name": "Ada", "currency": "EUR", "country": "FR"}
    await api.post("/customers", {"customer": customer})
    invoice, fee = await one_off(api)
    note = await noted(api, invoice, (fee, 2_501), credit_amount_cents=3_001)
    assert note["xml_url"] is None
    async with tenant_work(api.tenant) as work:
        await generate(work, [UUID(note["lago_id"])])
    shown = (await api.get(f"/credit_notes/{note['lago_id']}")).json()["credit_note"]

    file = await _file(api, shown["xml_url"])
    assert file.headers["content-type"] == "application/xml"
    xml = etree.fromstring(file.content)
    assert facturx.xml_check_xsd(xml)
    assert etree.QName(xml).localname == "CreditNote"
    assert ("xrechnung" in (xml.findtext("{*}CustomizationID") or "")) is (country == "DE")
    assert xml.findtext("{*}ID") == shown["number"]
    assert xml.findtext("{*}CreditNoteTypeCode") == "381"
    assert xml.findtext("{*}BillingReference/{*}InvoiceDocumentReference/{*}ID") == shown["invoice_number"]
    assert [line.findtext("{*}LineExtensionAmount") for line in xml.findall("{*}CreditNoteLine")] == ["25.01"]
    told = {
        "LegalMonetaryTotal/{*}TaxExclusiveAmount": "sub_total_excluding_taxes_amount_cents",
        "TaxTotal/{*}TaxAmount": "taxes_amount_cents",
        "LegalMonetaryTotal/{*}PayableAmount": "total_amount_cents",
    }
    for path, name in told.items():
        assert Decimal(xml.findtext("{*}" + path) or "") * 100 == shown[name] > 0, name

    pdf = (await _file(api, shown["file_url"])).content
    name, inside = facturx.get_xml_from_pdf(pdf, check_xsd=True)
    assert name == "factur-x.xml"
    cii = etree.fromstring(inside)
    assert cii.findtext(".//{*}ExchangedDocument/{*}TypeCode") == "381"
    assert cii.findtext(".//{*}InvoiceReferencedDocument/{*}IssuerAssignedID") == shown["invoice_number"]
    assert Decimal(cii.findtext(".//{*}DuePayableAmount") or "") * 100 == shown["total_amount_cents"]


async def test_without_the_buyers_country_a_note_has_a_pdf_alone(api: Api, recorded: Recorded) -> None:
    await _issuing_in(api, "FR")
    invoice, fee = await one_off(api)
    note = await noted(api, invoice, (fee, 2_500), credit_amount_cents=3_000)
    async with tenant_work(api.tenant) as work:
        await generate(work, [UUID(note["lago_id"])])
    shown = (await api.get(f"/credit_notes/{note['lago_id']}")).json()["credit_note"]
    assert (shown["xml_url"], shown["file_url"] is not None) == (None, True)
