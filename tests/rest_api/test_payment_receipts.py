"""/api/v1/payment_receipts: made once for each payment, with a PDF behind a signed link."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
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
