"""/api/v1/payment_receipts: made once for each payment, with a PDF behind a signed link."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from lxml import etree
from pypdf import PdfReader

from domain.kernel.unit_of_work import tenant_work
from domain.payments.events import PaymentReceiptsCreated, PaymentReceiptsGenerated, PaymentsSucceeded
from domain.payments.receipt_documents import generate_receipts
from domain.payments.receipts import make_receipts
from infrastructure.settings import settings
from tests.domain.billing.world import World, instant
from tests.rest_api.conftest import Api, Recorded
from tests.rest_api.test_payments import one_off, pay


@pytest.fixture
def world(api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[World]:
    monkeypatch.setenv("TARN_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    with World(instant("2024-03-01"), organization_id=api.tenant.organization_id, adopted=True) as world:
        yield world
    monkeypatch.undo()
    settings.cache_clear()


async def receipts_of(api: Api, *payments: str) -> list[str]:
    async with tenant_work(api.tenant) as work:
        return [str(each) for each in await make_receipts(work, [UUID(each) for each in payments])]


async def test_each_payment_has_one_receipt_in_the_customers_count(
    api: Api, stranger: Api, world: World, recorded: Recorded
) -> None:
    invoice = await one_off(api)
    paid = [(await pay(api, invoice, cents)).json()["payment"]["lago_id"] for cents in (4_000, 6_000)]
    assert [event.payment_ids for event in recorded.of(PaymentsSucceeded)] == [(UUID(each),) for each in paid]
    made = await receipts_of(api, *paid)
    assert await receipts_of(api, *paid) == []
    assert [event.receipt_ids for event in recorded.of(PaymentReceiptsCreated)] == [tuple(map(UUID, made))]
    slug = world.rows("customers")[0].slug
    listed = (await api.get(f"/payment_receipts?invoice_id={invoice}")).json()["payment_receipts"]
    assert sorted(each["number"] for each in listed) == [f"{slug}-RCPT-000001", f"{slug}-RCPT-000002"]
    shown = (await api.get(f"/payment_receipts/{made[0]}")).json()["payment_receipt"]
    assert (shown["payment"]["lago_id"], shown["payment"]["amount_cents"], shown["file_url"], shown["xml_url"]) == (
        paid[0], 4_000, None, None,
    )  # fmt: skip
    assert (await api.get("/payment_receipts?invoice_id=none")).json()["payment_receipts"] == []
    assert (await stranger.get("/payment_receipts")).json()["payment_receipts"] == []
    assert (await stranger.get(f"/payment_receipts/{made[0]}")).json()["code"] == "invoice_not_found"


async def test_a_partner_gets_no_receipt(api: Api, world: World) -> None:
    payment = (await pay(api, await one_off(api), 1)).json()["payment"]["lago_id"]
    world.execute("UPDATE customers SET account_type = 'partner'")
    assert await receipts_of(api, payment) == []


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en", ("Receipt number", "Manual payment (transfer 7)", "Amount paid", "€60.00 is still due")),
        ("de", ("Zahlungsbeleg", "Manuelle Zahlung (transfer 7)", "Offen sind noch 60,00")),
    ],
)
async def test_the_document_says_what_was_paid_and_what_is_left(
    api: Api, world: World, recorded: Recorded, locale: str, words: tuple[str, ...]
) -> None:
    invoice = await one_off(api)
    world.execute("UPDATE customers SET document_locale = %s", locale)
    payment = (await pay(api, invoice, 4_000)).json()["payment"]["lago_id"]
    (receipt,) = await receipts_of(api, payment)
    async with tenant_work(api.tenant) as work:
        assert await generate_receipts(work, [UUID(receipt)]) == [UUID(receipt)]
        assert await generate_receipts(work, [UUID(receipt)]) == []
    assert recorded.of(PaymentReceiptsGenerated) == [PaymentReceiptsGenerated((UUID(receipt),))]
    shown = (await api.get(f"/payment_receipts/{receipt}")).json()["payment_receipt"]
    answer = await api.client.get("/download/" + shown["file_url"].rpartition("/")[2])
    assert answer.headers["content-disposition"] == f'inline; filename="{shown["number"]}.pdf"'
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages)
    for word in (*words, shown["number"]):
        assert word in text.replace("\xa0", " "), text


async def test_where_invoices_are_electronic_receipts_are_too(api: Api, world: World) -> None:
    world.execute("UPDATE billing_entities SET einvoicing = true, country = 'FR' WHERE id = %s", world.organization_id)
    invoice = await one_off(api)
    world.execute("UPDATE customers SET country = 'DE', name = 'Harbour'")
    payment = (await pay(api, invoice, 4_000)).json()["payment"]["lago_id"]
    (receipt,) = await receipts_of(api, payment)
    async with tenant_work(api.tenant) as work:
        await generate_receipts(work, [UUID(receipt)])
    shown = (await api.get(f"/payment_receipts/{receipt}")).json()["payment_receipt"]
    answer = await api.client.get("/download/" + shown["xml_url"].rpartition("/")[2])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/xml")
    root = etree.fromstring(answer.content)
    number = (await api.get(f"/invoices/{invoice}")).json()["invoice"]["number"]
    assert root.findtext("{*}DocumentResponse/{*}DocumentReference/{*}ID") == number
    assert root.findtext("{*}DocumentResponse/{*}Response/{*}Description") == "Paid: 40.00 EUR"
    pdf = await api.client.get("/download/" + shown["file_url"].rpartition("/")[2])
    assert list(PdfReader(io.BytesIO(pdf.content)).attachments) == ["factur-x.xml"]


async def test_the_receipt_of_a_payment_request_lists_its_invoices(api: Api, world: World) -> None:
    invoices = [await one_off(api), await one_off(api)]
    world.execute("UPDATE invoices SET payment_overdue = true")
    asked = {"external_customer_id": "ada", "lago_invoice_ids": invoices}
    answer = await api.post("/payment_requests", {"payment_request": asked})
    request = answer.json()["payment_request"]
    numbers = [each["number"] for each in request["invoices"]]
    payment = world.insert(
        "payments", organization_id=world.organization_id, customer_id=world.rows("customers")[0].id,
        payment_request_id=request["lago_id"], payment_type="provider", amount_cents=request["amount_cents"],
        amount_currency="EUR", status="paid", payable_payment_status="succeeded",
        method='{"type": "card", "brand": "visa", "last4": "4242"}',
    )  # fmt: skip
    (receipt,) = await receipts_of(api, str(payment))
    async with tenant_work(api.tenant) as work:
        assert await generate_receipts(work, [UUID(receipt)]) == [UUID(receipt)]
    for invoice in invoices:
        listed = (await api.get(f"/payment_receipts?invoice_id={invoice}")).json()["payment_receipts"]
        assert [(each["lago_id"], each["payment"]["invoice_numbers"]) for each in listed] == [(receipt, numbers)]
    shown = (await api.get(f"/payment_receipts/{receipt}")).json()["payment_receipt"]
    answer = await api.client.get("/download/" + shown["file_url"].rpartition("/")[2])
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages)
    for word in (*numbers, "€100.00", "€200.00", "Amount paid", "Visa **** 4242"):
        assert word in text, text
