"""Mails to customers: who gets one, what it says in which language, and once more by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock
from uuid import UUID, uuid4

import pytest

from domain.invoicing.documents import generate
from domain.invoicing.events import InvoiceDocumentGenerated, OneOffInvoicesCreated
from domain.kernel.unit_of_work import Reactions, install_reactions, tenant_work
from domain.messaging.emails.compose import FilesNotReady, compose
from domain.messaging.emails.recipients import wanted_mails
from domain.payments.receipt_documents import generate_receipts
from domain.payments.receipts import make_receipts
from infrastructure.mail import Mail
from infrastructure.settings import settings
from tasks.emails import MAIL
from tasks.runner import run
from tests.domain.billing.world import World, instant
from tests.rest_api.conftest import Api
from tests.rest_api.test_payments import one_off, pay


@pytest.fixture(autouse=True)
def jobs(api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[Any]]:
    """What is asked for in the background; nothing is done."""
    monkeypatch.setenv("TARN_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    asked: list[Any] = []

    async def requests(*_: object) -> list[Any]:
        return []

    async def dispatch(rows: Sequence[Mapping[str, Any]]) -> None:
        asked.extend(rows)

    install_reactions(Reactions(requests, dispatch, {MAIL: "mailers"}))
    yield asked
    install_reactions(None)
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def world(api: Api) -> Iterator[World]:
    with World(instant("2024-03-01"), organization_id=api.tenant.organization_id, adopted=True) as world:
        everything = ["invoice.finalized", "credit_note.created", "payment_receipt.created"]
        world.execute(
            "UPDATE billing_entities SET email = 'billing@hooli.com', legal_name = 'Hooli <Ltd>', email_settings = %s",
            everything,
        )
        yield world


async def invoiced(api: Api, world: World, locale: str = "en") -> str:
    invoice = await one_off(api)
    world.execute("UPDATE customers SET email = 'ada@example.com, bea@example.com', document_locale = %s", locale)
    world.execute("UPDATE invoices SET issuing_date = '2024-03-01', payment_due_date = '2024-03-31'")
    return invoice


async def wanted(api: Api, kind: str, object_id: object) -> list[UUID]:
    async with tenant_work(api.tenant) as work:
        return await wanted_mails(work, kind, [UUID(str(object_id))])


async def written(api: Api, kind: str, object_id: object) -> Mail:
    async with tenant_work(api.tenant) as work:
        mail = await compose(work, kind, UUID(str(object_id)), "key")
    assert mail is not None
    return mail


@pytest.mark.parametrize(
    ("locale", "subject", "words"),
    [
        ("en", "Your invoice from Hooli <Ltd> #", ("€100.00", "Mar 31, 2024", "Download", "billing@hooli.com")),
        ("fr", "Votre facture n°\u00a0", ("100,00 €", "31 mars 2024", "Télécharger")),
    ],
)
async def test_an_invoice_in_the_customers_language(
    api: Api, world: World, locale: str, subject: str, words: tuple[str, ...]
) -> None:
    invoice = await invoiced(api, world, locale)
    with pytest.raises(FilesNotReady):
        await written(api, "invoice", invoice)
    async with tenant_work(api.tenant) as work:
        await generate(work, [UUID(invoice)])
    assert await wanted(api, "invoice", invoice) == [UUID(invoice)]
    mail = await written(api, "invoice", invoice)
    assert (mail.to, mail.sender, mail.reply_to) == (
        ["ada@example.com", "bea@example.com"], ("Hooli <Ltd>", "billing@hooli.com"), "billing@hooli.com",
    )  # fmt: skip
    assert mail.subject.startswith(subject)
    for word in words:
        assert word in mail.text.replace("\xa0", " ").replace("\u202f", " "), mail.text
    assert "/download/" in mail.text
    assert "Hooli &lt;Ltd&gt;" in mail.html
    (file,) = mail.attachments
    assert file.name.endswith(".pdf")
    assert file.content.startswith(b"%PDF")


async def test_who_gets_no_mail(api: Api, stranger: Api, world: World) -> None:
    invoice = await invoiced(api, world)
    assert await wanted(stranger, "invoice", invoice) == []
    for statement, back in (
        ("UPDATE billing_entities SET email_settings = '{}'",
         "UPDATE billing_entities SET email_settings = '{invoice.finalized}'"),
        ("UPDATE billing_entities SET email = NULL", "UPDATE billing_entities SET email = 'billing@hooli.com'"),
        ("UPDATE customers SET email = NULL", "UPDATE customers SET email = 'ada@example.com'"),
        ("UPDATE invoices SET fees_amount_cents = 0", "UPDATE invoices SET fees_amount_cents = 1"),
    ):  # fmt: skip
        world.execute(statement)
        assert await wanted(api, "invoice", invoice) == [], statement
        world.execute(back)
        assert await wanted(api, "invoice", invoice) == [UUID(invoice)], back
    async with tenant_work(api.tenant) as work:
        assert await compose(work, "invoice", uuid4(), "key") is None


async def test_a_receipt_brings_the_invoice_along(api: Api, world: World) -> None:
    invoice = await invoiced(api, world)
    payment = (await pay(api, invoice, 4_000, paid_at="2024-03-02")).json()["payment"]["lago_id"]
    async with tenant_work(api.tenant) as work:
        (receipt,) = await make_receipts(work, [UUID(payment)])
        await generate_receipts(work, [receipt])
    with pytest.raises(FilesNotReady):
        await written(api, "payment_receipt", receipt)
    async with tenant_work(api.tenant) as work:
        await generate(work, [UUID(invoice)])
    assert await wanted(api, "payment_receipt", receipt) == [receipt]
    mail = await written(api, "payment_receipt", receipt)
    assert len(mail.attachments) == 2
    assert "€40.00" in mail.text
    assert "Mar 2, 2024" in mail.text


async def test_a_payment_request_lists_what_is_overdue(api: Api, world: World) -> None:
    first, second = await invoiced(api, world), await one_off(api, 50)
    world.execute("UPDATE invoices SET payment_overdue = true")
    body = {"external_customer_id": "ada", "lago_invoice_ids": [first, second], "email": "pay@example.com"}
    request = (await api.post("/payment_requests", {"payment_request": body})).json()["payment_request"]["lago_id"]
    campaign = world.insert(
        "dunning_campaigns", organization_id=world.organization_id, code="late", name="Late", days_between_attempts=1,
        max_attempts=1, bcc_emails=["books@hooli.com"],
    )  # fmt: skip
    world.execute("UPDATE payment_requests SET dunning_campaign_id = %s", campaign)
    assert await wanted(api, "payment_request", request) == [UUID(request)]
    mail = await written(api, "payment_request", request)
    assert (mail.to, mail.bcc, mail.attachments) == (["pay@example.com"], ("books@hooli.com",), [])
    for row in world.rows("invoices"):
        assert row.number in mail.text
    for amount in ("€100.50", "€100.00", "€0.50"):
        assert amount in mail.text
    world.execute("UPDATE billing_entities SET email = NULL")
    assert await wanted(api, "payment_request", request) == []


async def test_a_mail_is_asked_for_once_the_document_is_there(api: Api, world: World) -> None:
    from tasks.reactions import requests

    invoice = await invoiced(api, world)
    async with tenant_work(api.tenant) as work:
        at_first = await requests(work, [OneOffInvoicesCreated((UUID(invoice),))])
        later = await requests(work, [InvoiceDocumentGenerated((UUID(invoice),))])
    assert MAIL not in {request.actor for request in at_first}
    assert [(request.actor, request.arguments["id"]) for request in later] == [(MAIL, invoice)]


async def test_once_more_by_hand(api: Api, stranger: Api, world: World, jobs: list[Any]) -> None:
    invoice = await invoiced(api, world)
    path = f"/invoices/{invoice}/resend_email"
    sent = await api.post(path, {"to": ["new@example.com"], "cc": ["cc@example.com"]})
    assert (sent.status_code, sent.content) == (200, b"")
    (job,) = [row["arguments"] for row in jobs if row["actor"] == MAIL]
    assert (job["kind"], job["id"], job["recipients"]) == (
        "invoice", invoice, {"to": ["new@example.com"], "cc": ["cc@example.com"], "bcc": []},
    )  # fmt: skip
    await api.post(path, {})
    assert jobs[-1]["arguments"]["recipients"]["to"] == ["ada@example.com", "bea@example.com"]
    assert jobs[-1]["arguments"]["key"] != job["key"]
    assert (await stranger.post(path, {})).json()["code"] == "invoice_not_found"
    wrong = await api.post(path, {"to": ["nobody"], "bcc": 7})
    assert wrong.json()["error_details"] == {"to": ["invalid_email_format"], "bcc": ["value_is_invalid"]}
    world.execute("UPDATE customers SET email = NULL")
    world.execute("UPDATE billing_entities SET email = NULL")
    assert (await api.post(path, {})).json()["error_details"] == {
        "to": ["value_is_mandatory"], "billing_entity": ["must_have_email"],
    }  # fmt: skip
    world.execute("UPDATE billing_entities SET email_settings = '{}'")
    refused = await api.post(path, {})
    assert (refused.status_code, refused.json()["code"]) == (405, "email_settings_disabled")
    world.execute("UPDATE invoices SET status = 'draft'")
    assert (await api.post(path, {})).json()["code"] == "invoice_not_finalized"
    for kind in ("payment_receipt", "credit_note"):
        answer = await api.post(f"/{kind}s/{uuid4()}/resend_email", {})
        assert (answer.status_code, answer.json()["code"]) == (404, f"{kind}_not_found")


async def test_the_activity_log_tells_of_mails_that_went_and_that_did_not(
    api: Api, world: World, jobs: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = await invoiced(api, world)
    async with tenant_work(api.tenant) as work:
        await generate(work, [UUID(invoice)])
    await api.post(f"/invoices/{invoice}/resend_email", {"to": ["new@example.com"], "bcc": ["books@hooli.com"]})
    job = next(row["id"] for row in jobs if row["actor"] == MAIL)
    with monkeypatch.context() as patched:
        patched.setattr("tasks.emails.mail.send", AsyncMock(side_effect=OSError("no route")))
        await run(job)
    world.execute("UPDATE jobs SET due_at = due_at - interval '1 minute'")
    await run(job)
    logged = (await api.get("/activity_logs?activity_types[]=email.sent")).json()["activity_logs"]
    sent, failed = sorted((row["activity_object"] for row in logged), key=lambda each: "error" in each)
    number = world.rows("invoices")[0].number
    assert (sent["status"], failed["status"], failed["error"]) == ("resent", "failed", "no route")
    assert json.loads(sent["document"]) == {"type": "invoice", "number": number, "lago_id": invoice}
    mail = json.loads(sent["email"])
    assert (mail["to"], mail["cc"], mail["bcc"]) == (["new@example.com"], [], ["books@hooli.com"])
    assert number in mail["subject"]
    assert 0 < len(mail["body_preview"]) <= 500
    assert {(row["resource_type"], row["resource_id"], row["activity_source"]) for row in logged} == {
        ("invoice", invoice, "api")
    }
