"""What a customer does in its portal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.catalog.eu_taxes import make_eu_taxes
from domain.kernel.unit_of_work import tenant_work
from infrastructure.settings import settings
from rest_api.downloads import routes as downloads
from tests.background import Background, background
from tests.domain.billing.world import World
from tests.graphql_api.portal.conftest import Visitor

UPDATE = """
    mutation Update($input: UpdateCustomerPortalCustomerInput!) {
        updateCustomerPortalCustomer(input: $input) {
            id name firstname lastname legalName email customerType taxIdentificationNumber addressLine1 addressLine2
            city state zipcode country shippingAddress { city zipcode country } billingConfiguration { documentLocale }
        }
    }
"""
BUY = """
    mutation Buy($input: CreateCustomerPortalWalletTransactionInput!) {
        createCustomerPortalWalletTransaction(input: $input) {
            collection {
                id amount creditAmount status transactionStatus transactionType createdAt updatedAt settledAt
                wallet { id name rateAmount }
            }
            metadata { totalCount }
        }
    }
"""
DOWNLOAD = """
    mutation Download($id: ID!) {
        downloadCustomerPortalInvoice(input: {id: $id}) { id number fileUrl metadata { key } }
    }
"""


@pytest.fixture(autouse=True)
def jobs(me: Visitor) -> Iterator[Background]:
    with background() as kept:
        yield kept


async def test_a_customer_changes_its_details_and_that_is_logged_and_told(
    me: Visitor, world: World, jobs: Background
) -> None:
    world.execute(
        "INSERT INTO webhook_endpoints (id, organization_id, webhook_url, signature_algo, created_at, updated_at)"
        " VALUES (gen_random_uuid(), %s, 'https://example.com/hook', 'hmac', now(), now())", world.organization_id,
    )  # fmt: skip
    sent = {
        "name": "Grand", "firstname": "Ann", "lastname": "Lee", "legalName": "Grand SA", "email": "a@x.fr,b@x.fr",
        "customerType": "individual", "taxIdentificationNumber": "T-1", "addressLine1": "2 Rue", "addressLine2": "B",
        "city": "Nice", "state": "PACA", "zipcode": "06000", "country": "FR",
    }  # fmt: skip
    more = {"shippingAddress": {"city": "Oslo", "country": "NO", "zipcode": "1"}, "documentLocale": "de"}
    shown = (await me.data(UPDATE, {"input": {**sent, **more}}))["updateCustomerPortalCustomer"]
    assert {name: shown[name] for name in sent} == sent
    assert (shown["shippingAddress"], shown["id"]) == ({"city": "Oslo", "country": "NO", "zipcode": "1"}, me.customer)
    assert shown["billingConfiguration"] == {"documentLocale": "de"}
    (line,) = world.rows("activity_logs", resource_id=me.customer, activity_type="customer.updated")
    assert (line.activity_source, line.user_id, line.api_key_id) == ("front", None, None)
    assert line.external_customer_id == "me"
    assert (line.activity_object_changes["city"], line.activity_object["city"]) == (["Lyon", "Nice"], "Nice")
    await jobs.run(world.tenant)
    told = world.rows("webhooks", webhook_type="customer.updated")
    assert [json.loads(each.payload)["customer"]["legal_name"] for each in told] == ["Grand SA"]
    again = (await me.data(UPDATE, {"input": {"addressLine2": None, "email": None}}))["updateCustomerPortalCustomer"]
    assert again == {**shown, "addressLine2": None, "email": None}


async def test_wrong_details_are_named_and_nothing_is_changed(me: Visitor, world: World) -> None:
    before = world.rows("customers", id=me.customer)
    wrong = {"email": "none", "documentLocale": "xx", "name": "a" * 300, "city": "Rome"}
    error = await me.error(UPDATE, {"input": wrong})
    assert (error["status"], error["code"], error["details"]) == (
        422,
        "unprocessable_entity",
        {
            "email": ["invalid_email_format"],
            "documentLocale": ["not_a_valid_language_code"],
            "name": ["value_is_too_long"],
        },
    )
    for field, value in (("externalId", "x"), ("currency", "EUR"), ("netPaymentTerm", 90), ("taxCodes", [])):
        assert (await me.error(UPDATE, {"input": {field: value}}))["code"] == "variable_is_invalid"
    assert world.rows("customers", id=me.customer) == before


async def test_another_country_is_another_tax(me: Visitor, world: World) -> None:
    world.execute(
        "UPDATE billing_entities SET country = 'FR', eu_tax_management = true WHERE id = %s", world.organization_id
    )
    async with tenant_work(world.tenant) as work:
        await make_eu_taxes(work)
    query = "SELECT t.code FROM customer_taxes l JOIN taxes t ON t.id = l.tax_id WHERE l.customer_id = %s"
    for country, code in (("DE", "lago_eu_de_standard"), ("US", "lago_eu_tax_exempt")):
        await me.data(UPDATE, {"input": {"country": country, "zipcode": None, "taxIdentificationNumber": None}})
        assert world.execute(query, me.customer) == [(code,)]
    world.execute("UPDATE billing_entities SET eu_tax_management = false WHERE id = %s", world.organization_id)
    world.execute("DELETE FROM customer_taxes WHERE customer_id = %s", me.customer)


def bought(wallet: str, paid: object) -> dict[str, Any]:
    return {"input": {"walletId": wallet, "paidCredits": paid}}


async def test_credits_are_bought_with_an_invoice_that_is_to_be_paid(
    me: Visitor, world: World, jobs: Background
) -> None:
    made = (await me.data(BUY, bought(me.wallet, "10.5")))["createCustomerPortalWalletTransaction"]
    (movement,) = made["collection"]
    assert made["metadata"] == {"totalCount": 1}
    assert movement["wallet"] == {"id": me.wallet, "name": "Wallet me", "rateAmount": 2}
    assert (movement["amount"], movement["creditAmount"], movement["settledAt"]) == ("21.0", "10.5", None)
    assert (movement["status"], movement["transactionStatus"]) == ("pending", "purchased")
    assert (movement["transactionType"], movement["createdAt"]) == ("inbound", "2024-03-11T00:00:00Z")
    await jobs.run(world.tenant)
    (invoice,) = world.rows("invoices", invoice_type="credit")
    assert (str(invoice.customer_id), invoice.status, invoice.payment_status) == (me.customer, "finalized", "pending")
    assert invoice.total_amount_cents == 2_100
    (row,) = world.rows("wallet_transactions", id=movement["id"])
    assert (row.invoice_id, row.status, row.source) == (invoice.id, "pending", "manual")
    assert world.rows("wallets", id=me.wallet)[0].balance_cents == 0
    listed = await me.data("{ customerPortalInvoices { collection { id invoiceType } } }")
    assert {"id": str(invoice.id), "invoiceType": "credit"} in listed["customerPortalInvoices"]["collection"]


async def test_the_limits_of_the_wallet_hold(me: Visitor, world: World) -> None:
    before = world.rows("wallet_transactions")
    invalid = ["invalid_paid_credits", "invalid_amount"]
    for paid, codes in (
        ("4.99", ["amount_below_minimum"]), ("500.5", ["amount_above_maximum"]), ("0.001", ["amount_rounds_to_zero"]),
        ("-10", invalid), ("ten", invalid), ("NaN", invalid), ("0", invalid), ("", invalid), (None, invalid),
    ):  # fmt: skip
        error = await me.error(BUY, bought(me.wallet, paid))
        assert (error["code"], error["details"]) == ("unprocessable_entity", {"paidCredits": codes})
    wallet = world.rows("wallets", id=me.wallet)[0]._asdict()
    ended = world.insert("wallets", **{**wallet, "id": me.wallet[:-4] + "dead", "status": "terminated", "code": "e"})
    error = await me.error(BUY, bought(str(ended), "10"))
    assert error["details"] == {"walletId": ["wallet_is_terminated"]}
    assert world.rows("wallet_transactions") == before


async def test_a_purchase_that_is_asked_for_again_with_its_key_happens_once(
    me: Visitor, others: list[Visitor], world: World
) -> None:
    before = len(world.rows("wallet_transactions"))
    key = {"idempotency-key": "portal"}
    answers = await asyncio.gather(*(me.send(BUY, bought(me.wallet, "10"), **key) for _ in range(3)))
    assert len({answer.text for answer in answers}) == 1
    assert sorted(answer.headers.get("idempotent-replayed", "") for answer in answers) == ["", "true", "true"]
    assert (await me.error(BUY, bought(me.wallet, "11"), **key))["code"] == "idempotency_key_reused"
    theirs = await others[0].data(BUY, bought(others[0].wallet, "10"), **key)
    assert theirs["createCustomerPortalWalletTransaction"]["collection"][0]["wallet"]["id"] == others[0].wallet
    assert len(world.rows("wallet_transactions")) == before + 2


async def test_a_download_makes_the_document_once_and_links_it(
    me: Visitor, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TARN_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    found = await asyncio.gather(*(me.data(DOWNLOAD, {"id": me.invoice}) for _ in range(2)))
    first = found[0]["downloadCustomerPortalInvoice"]
    assert (first["id"], first["metadata"]) == (me.invoice, None)
    assert first["fileUrl"].startswith(f"{settings().api_url}/download/")
    opened = await open_file(first["fileUrl"])
    assert (opened.status_code, opened.content[:5]) == (200, b"%PDF-")
    assert (await me.data(DOWNLOAD, {"id": me.invoice}))["downloadCustomerPortalInvoice"]["fileUrl"]
    world.execute("UPDATE invoices SET status = 'draft' WHERE id = %s", me.invoice)
    assert (await me.error(DOWNLOAD, {"id": me.invoice}))["code"] == "is_draft"
    world.execute("UPDATE invoices SET status = 'closed' WHERE id = %s", me.invoice)
    assert (await me.error(DOWNLOAD, {"id": me.invoice}))["code"] == "not_found"
    monkeypatch.undo()
    settings.cache_clear()


async def open_file(url: str) -> Any:
    """A browser follows the link, without any header."""
    import httpx
    from starlette.applications import Starlette

    transport = httpx.ASGITransport(Starlette(routes=downloads))
    async with httpx.AsyncClient(transport=transport, base_url=settings().api_url) as browser:
        return await browser.get(url)
