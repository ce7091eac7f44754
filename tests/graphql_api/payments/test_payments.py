"""Payments, payment requests, payment methods and dunning campaigns over GraphQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.kernel.unit_of_work import Reactions, install_reactions, tenant_work
from domain.payments.receipts import make_receipts
from domain.payments.remind import remind
from infrastructure.settings import settings
from tests.domain.billing.world import World, instant
from tests.domain.payments.test_remind import owing
from tests.graphql_api.conftest import Caller

NOW = "2024-06-01T10:45:00Z"
PAY = """
    mutation($input: CreatePaymentInput!) {
        createPayment(input: $input) {
            id amountCents amountCurrency paymentType payablePaymentStatus reference createdAt updatedAt
            paymentProviderType providerPaymentId paymentMethodId customer { externalId }
            payable { ... on Invoice { id totalDueAmountCents payableType } ... on PaymentRequest { id } }
        }
    }
"""
ASK = """
    mutation($input: PaymentRequestCreateInput!) {
        createPaymentRequest(input: $input) {
            id amountCents amountCurrency email paymentStatus payableType createdAt updatedAt
            customer { externalId } invoices { id }
        }
    }
"""
CREATE = "mutation($input: CreateDunningCampaignInput!) { createDunningCampaign(input: $input) { %s } }"
UPDATE = "mutation($input: UpdateDunningCampaignInput!) { updateDunningCampaign(input: $input) { %s } }"
CAMPAIGN = """
    id code name description daysBetweenAttempts maxAttempts bccEmails appliedToOrganization customersCount
    thresholds { id currency amountCents } createdAt updatedAt
"""
METHODS = """
    query($customer: ID!, $deleted: Boolean) {
        paymentMethods(externalCustomerId: $customer, withDeleted: $deleted) {
            collection {
                id isDefault providerMethodId deletedAt createdAt updatedAt customer { externalId }
                details { brand last4 type expirationMonth expirationYear }
                paymentProviderCode paymentProviderName paymentProviderType paymentProviderCustomerId
            }
            metadata { totalCount }
        }
    }
"""


@pytest.fixture
def world(admin: Caller) -> Iterator[World]:
    assert admin.organization_id is not None
    with World(instant(NOW), organization_id=UUID(admin.organization_id), adopted=True) as world:
        world.customers = len(world.rows("customers"))
        yield world


def terms(**more: Any) -> dict[str, Any]:
    return {
        "code": f"late-{uuid4().hex}", "name": "Late", "daysBetweenAttempts": 2, "maxAttempts": 3,
        "appliedToOrganization": False, "description": "Be polite", "bccEmails": ["books@example.com"],
        "thresholds": [{"currency": "EUR", "amountCents": "1000"}], **more,
    }  # fmt: skip


async def test_a_payment_by_hand(admin: Caller, stranger: Caller, world: World) -> None:
    invoice = str(owing(world, world.customer(external_id="pays"), 5_000))
    sent = {"invoiceId": invoice, "amountCents": 2_000, "reference": "wire 1", "createdAt": "2020-01-01T00:00:00Z"}
    paid = (await admin.data(PAY, {"input": sent}))["createPayment"]
    assert paid["customer"] == {"externalId": "pays"}
    assert paid["payable"] == {"id": invoice, "totalDueAmountCents": "3000", "payableType": "Invoice"}
    assert (paid["amountCents"], paid["amountCurrency"], paid["paymentType"], paid["payablePaymentStatus"]) == (
        "2000", "EUR", "manual", "succeeded",
    )  # fmt: skip
    assert paid["reference"] == "wire 1"
    assert (paid["paymentProviderType"], paid["providerPaymentId"], paid["paymentMethodId"]) == (None, None, None)
    assert not paid["createdAt"].startswith("2020")
    refused = await admin.error(PAY, {"input": {**sent, "amountCents": 3_001}})
    assert refused["details"] == {"amountCents": ["value_is_out_of_range"]}
    assert (await stranger.error(PAY, {"input": sent}))["code"] == "not_found"

    one = "query($id: ID!) { payment(id: $id) { id } }"
    assert (await admin.data(one, {"id": paid["id"]}))["payment"] == {"id": paid["id"]}
    assert (await stranger.error(one, {"id": paid["id"]}))["code"] == "not_found"
    of_invoice = "query($id: ID!) { invoice(id: $id) { payments { id } readyForPaymentProcessing } }"
    shown = (await admin.data(of_invoice, {"id": invoice}))["invoice"]
    assert shown == {"payments": [{"id": paid["id"]}], "readyForPaymentProcessing": True}
    listed = """
        query($invoice: ID, $customer: ID, $currency: CurrencyEnum, $search: String) {
            payments(invoiceId: $invoice, externalCustomerId: $customer, currency: $currency, searchTerm: $search) {
                collection { id } metadata { totalCount }
            }
        }
    """
    for variables in ({"invoice": invoice}, {"customer": "pays"}, {"search": "wire 1"}, {"search": "N-5000"}):
        found = (await admin.data(listed, {**variables, "currency": "EUR"}))["payments"]
        assert found["collection"] == [{"id": paid["id"]}], variables
    assert (await admin.data(listed, {"search": "wire 1", "currency": "USD"}))["payments"]["collection"] == []


async def test_a_payment_request(admin: Caller, world: World) -> None:
    invoice = str(owing(world, world.customer(external_id="asked", email="a@example.com"), 700))
    sent = {"externalCustomerId": "asked", "lagoInvoiceIds": [invoice],
            "paymentMethod": {"paymentMethodType": "manual"}}  # fmt: skip
    made = (await admin.data(ASK, {"input": sent}))["createPaymentRequest"]
    assert (made["amountCents"], made["email"], made["paymentStatus"], made["payableType"]) == (
        "700", "a@example.com", "pending", "PaymentRequest",
    )  # fmt: skip
    assert (made["customer"], made["invoices"]) == ({"externalId": "asked"}, [{"id": invoice}])
    listed = """
        query($currency: String) {
            paymentRequests(externalCustomerId: "asked", paymentStatus: pending, currency: $currency) {
                collection { id } metadata { totalCount }
            }
        }
    """
    assert (await admin.data(listed))["paymentRequests"]["collection"] == [{"id": made["id"]}]
    assert (await admin.data(listed, {"currency": "USD"}))["paymentRequests"]["collection"] == []
    world.execute("UPDATE invoices SET payment_overdue = false WHERE id = %s", invoice)
    refused = await admin.error(ASK, {"input": sent})
    assert (refused["status"], refused["code"]) == (405, "invoices_not_overdue")


async def test_payment_methods(admin: Caller, stranger: Caller, world: World) -> None:
    customer = world.customer(external_id="carded")
    method = str(world.insert(
        "payment_methods", organization_id=world.organization_id, customer_id=customer, provider_method_id="pm_1",
        provider_method_type="card", is_default=False, details={"brand": "visa", "last4": "4242",
                                                               "expiration_month": 4},
    ))  # fmt: skip
    default = "mutation($id: ID!) { setPaymentMethodAsDefault(input: {id: $id}) { id isDefault } }"
    assert (await admin.data(default, {"id": method}))["setPaymentMethodAsDefault"]["isDefault"] is True
    assert (await stranger.error(default, {"id": method}))["code"] == "not_found"
    (shown,) = (await admin.data(METHODS, {"customer": "carded"}))["paymentMethods"]["collection"]
    assert shown["details"] == {
        "brand": "visa", "last4": "4242", "type": "card", "expirationMonth": "4", "expirationYear": None,
    }  # fmt: skip
    assert (shown["providerMethodId"], shown["isDefault"], shown["customer"]) == (
        "pm_1",
        True,
        {"externalId": "carded"},
    )
    destroy = "mutation($id: ID!) { destroyPaymentMethod(input: {id: $id}) { id } }"
    assert (await admin.data(destroy, {"id": method}))["destroyPaymentMethod"] == {"id": method}
    assert (await admin.data(METHODS, {"customer": "carded"}))["paymentMethods"]["metadata"]["totalCount"] == 0
    gone = (await admin.data(METHODS, {"customer": "carded", "deleted": True}))["paymentMethods"]["collection"]
    assert [(each["id"], each["isDefault"], each["deletedAt"] is None) for each in gone] == [(method, False, False)]
    assert (await admin.error(METHODS, {"customer": "nobody"}))["code"] == "not_found"


async def test_what_is_paid_by_a_method_shows_it_with_its_sections(admin: Caller, world: World) -> None:
    customer = world.customer(external_id="referring", currency="EUR")
    owner = {"organization_id": world.organization_id}
    card = str(world.insert("payment_methods", customer_id=customer, provider_method_id="pm_2", details={}, **owner))
    section = str(world.insert("invoice_custom_sections", code="bank", name="Bank", **owner))
    plan = world.plan(100, amount_currency="EUR")
    world.insert("add_ons", code="setup", name="Setup", amount_cents=100, amount_currency="EUR", **owner)
    (add_on,) = world.rows("add_ons", code="setup")
    asked = {
        "paymentMethod": {"paymentMethodType": "provider", "paymentMethodId": card},
        "invoiceCustomSection": {"invoiceCustomSectionIds": [section]},
    }
    fields = "paymentMethodType paymentMethod { id providerMethodId } selectedInvoiceCustomSections { code }"
    shown = {
        "paymentMethodType": "provider",
        "paymentMethod": {"id": card, "providerMethodId": "pm_2"},
        "selectedInvoiceCustomSections": [{"code": "bank"}],
    }

    async def answer(operation: str, kind: str, selected: str, **more: Any) -> Any:
        document = f"mutation($input: {kind}!) {{ {operation}(input: $input) {{ {selected} }} }}"
        return (await admin.data(document, {"input": more}))[operation]

    subscribed = {"customerId": str(customer), "planId": str(plan), "billingTime": "calendar"}
    made = await answer("createSubscription", "CreateSubscriptionInput", f"id {fields}", **subscribed, **asked)
    assert made == {"id": made["id"], **shown}
    by_hand = {"id": made["id"], "paymentMethod": {"paymentMethodType": "manual"}}
    changed = await answer("updateSubscription", "UpdateSubscriptionInput", fields, **by_hand)
    assert changed == {**shown, "paymentMethodType": "manual", "paymentMethod": None}
    rule = {"trigger": "interval", "interval": "monthly", "paidCredits": "5", **asked}
    wallet = await answer(
        "createCustomerWallet", "CreateCustomerWalletInput", f"id {fields} recurringTransactionRules {{ {fields} }}",
        customerId=str(customer), currency="EUR", rateAmount="1", paidCredits="0", grantedCredits="0", priority=1,
        recurringTransactionRules=[rule], **asked,
    )  # fmt: skip
    assert wallet == {"id": wallet["id"], **shown, "recurringTransactionRules": [shown]}
    bought = await answer(
        "createCustomerWalletTransaction", "CreateCustomerWalletTransactionInput", "collection { id }",
        walletId=wallet["id"], paidCredits="1",
    )  # fmt: skip
    # A movement has what its wallet has.
    document = "query($id: ID!) { walletTransaction(id: $id) { selectedInvoiceCustomSections { code } } }"
    found = (await admin.data(document, {"id": bought["collection"][0]["id"]}))["walletTransaction"]
    assert found == {"selectedInvoiceCustomSections": [{"code": "bank"}]}
    line = {"addOnId": str(add_on.id), "fromDatetime": "2024-03-01T00:00:00Z", "toDatetime": "2024-03-01T00:00:00Z"}
    one_off = {"customerId": str(customer), "currency": "EUR", "fees": [line], **asked}
    taxed = await answer("fetchDraftInvoiceTaxes", "FetchDraftInvoiceTaxesInput", "collection { itemCode }", **one_off)
    assert taxed == {"collection": [{"itemCode": "setup"}]}
    invoice = await answer("createInvoice", "CreateInvoiceInput", "id", **one_off)
    assert str(world.rows("invoices", id=invoice["id"])[0].payment_method_id) == card
    world.execute("UPDATE payment_methods SET deleted_at = now() WHERE id = %s", card)
    query = f"query($id: ID!) {{ wallet(id: $id) {{ {fields} }} }}"
    assert (await admin.data(query, {"id": wallet["id"]}))["wallet"] == {**shown, "paymentMethod": None}


async def test_a_campaign_from_its_creation_to_its_end(admin: Caller, stranger: Caller, world: World) -> None:
    made = (await admin.data(CREATE % CAMPAIGN, {"input": terms(appliedToOrganization=True)}))["createDunningCampaign"]
    assert (made["daysBetweenAttempts"], made["maxAttempts"], made["bccEmails"], made["appliedToOrganization"]) == (
        2, 3, ["books@example.com"], True,
    )  # fmt: skip
    assert [(each["currency"], each["amountCents"]) for each in made["thresholds"]] == [("EUR", "1000")]
    owing(world, world.customer(external_id="late"), 1_000)
    async with tenant_work(world.tenant) as work:
        await remind(work)
    one = "query($id: ID!) { dunningCampaign(id: $id) { id customersCount } }"
    found = (await admin.data(one, {"id": made["id"]}))["dunningCampaign"]
    assert found["customersCount"] == len(world.rows("customers"))
    assert (await stranger.error(one, {"id": made["id"]}))["code"] == "not_found"
    update = UPDATE % CAMPAIGN
    sent = {"id": made["id"], "name": "Later", "appliedToOrganization": False,
            "thresholds": [{"id": made["thresholds"][0]["id"], "currency": "EUR", "amountCents": 5},
                           {"currency": "USD", "amountCents": 7}]}  # fmt: skip
    changed = (await admin.data(update, {"input": sent}))["updateDunningCampaign"]
    assert (changed["name"], changed["appliedToOrganization"], changed["customersCount"]) == ("Later", False, 0)
    assert [(each["currency"], each["amountCents"]) for each in changed["thresholds"]] == [("EUR", "5"), ("USD", "7")]
    assert changed["thresholds"][0]["id"] == made["thresholds"][0]["id"]
    listed = """
        query($search: String, $applied: Boolean, $currency: [CurrencyEnum!]) {
            dunningCampaigns(searchTerm: $search, appliedToOrganization: $applied, currency: $currency, order: "code") {
                collection { id } metadata { totalCount }
            }
        }
    """
    for variables, count in (
        ({"search": "later"}, 1), ({"search": "later", "applied": False}, 1), ({"search": "later", "applied": True}, 0),
        ({"search": "later", "currency": ["USD", "GBP"]}, 1), ({"search": "later", "currency": ["GBP"]}, 0),
    ):  # fmt: skip
        assert (await admin.data(listed, variables))["dunningCampaigns"]["metadata"]["totalCount"] == count, variables
    destroy = "mutation($id: ID!) { destroyDunningCampaign(input: {id: $id}) { id } }"
    assert (await admin.data(destroy, {"id": made["id"]}))["destroyDunningCampaign"] == {"id": made["id"]}
    assert (await admin.error(destroy, {"id": made["id"]}))["code"] == "not_found"
    refused = await admin.error(CREATE % "id", {"input": terms(code="", thresholds=[])})
    assert refused["details"] == {"code": ["value_is_mandatory"], "thresholds": ["can't be blank"]}


async def test_a_customer_has_a_campaign_of_its_own(admin: Caller, world: World) -> None:
    campaign = (await admin.data(CREATE % "id", {"input": terms()}))["createDunningCampaign"]["id"]
    customer = str(world.customer(external_id="own"))
    owing(world, UUID(customer), 5_000)
    update = """
        mutation($input: UpdateCustomerInput!) {
            updateCustomer(input: $input) {
                appliedDunningCampaign { id } lastDunningCampaignAttempt lastDunningCampaignAttemptAt
            }
        }
    """
    sent: dict[str, Any] = {"id": customer, "externalId": "own", "appliedDunningCampaignId": campaign}
    assert (await admin.data(update, {"input": sent}))["updateCustomer"] == {
        "appliedDunningCampaign": {"id": campaign}, "lastDunningCampaignAttempt": 0,
        "lastDunningCampaignAttemptAt": None,
    }  # fmt: skip
    async with tenant_work(world.tenant) as work:
        await remind(work)
    shown = "query($id: ID!) { customer(id: $id) { lastDunningCampaignAttempt lastDunningCampaignAttemptAt } }"
    assert (await admin.data(shown, {"id": customer}))["customer"]["lastDunningCampaignAttempt"] == 1
    assert (await admin.data(shown, {"id": customer}))["customer"]["lastDunningCampaignAttemptAt"].startswith("20")
    assert (await admin.error(update, {"input": {**sent, "appliedDunningCampaignId": "x"}}))["code"] == "not_found"
    cleared = (await admin.data(update, {"input": {**sent, "appliedDunningCampaignId": None}}))["updateCustomer"]
    assert cleared["appliedDunningCampaign"] is None


async def test_what_a_customer_owes_too_long_by_currency(admin: Caller, stranger: Caller, world: World) -> None:
    customer = world.customer()
    owing(world, customer, 700, number="O-1", payment_overdue=True)
    owing(world, customer, 50, number="O-2", payment_overdue=True, total_paid_amount_cents=20)
    owing(world, customer, 9, number="O-3", payment_overdue=False)
    shown = "query($id: ID!) { customer(id: $id) { overdueBalances { amountCents currency } } }"
    found = (await admin.data(shown, {"id": str(customer)}))["customer"]["overdueBalances"]
    assert found == [{"amountCents": "750", "currency": "EUR"}]
    assert (await stranger.error(shown, {"id": str(customer)}))["code"] == "not_found"


async def test_a_lost_dispute(admin: Caller, world: World) -> None:
    invoice = str(owing(world, world.customer(), 700))
    lose = """
        mutation($id: ID!) {
            loseInvoiceDispute(input: {id: $id}) { paymentDisputeLostAt paymentDisputeLosable paymentOverdue }
        }
    """
    lost = (await admin.data(lose, {"id": invoice}))["loseInvoiceDispute"]
    assert (lost["paymentDisputeLostAt"] is None, lost["paymentDisputeLosable"], lost["paymentOverdue"]) == (
        False, False, False,
    )  # fmt: skip


async def test_a_receipt(admin: Caller, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TARN_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    invoice = str(owing(world, world.customer(), 700, number="R-1"))
    sent = {"invoiceId": invoice, "amountCents": 700, "reference": "wire", "createdAt": "2020-01-01T00:00:00Z"}
    payment = (await admin.data(PAY, {"input": sent}))["createPayment"]["id"]
    async with tenant_work(world.tenant) as work:
        (receipt,) = await make_receipts(work, [UUID(payment)])
    download = """
        mutation($id: ID!) {
            downloadPaymentReceipt(input: {id: $id}) { id number fileUrl xmlUrl createdAt payment { id } }
            downloadXmlPaymentReceipt(input: {id: $id}) { number xmlUrl organization { id } }
        }
    """
    world.execute("UPDATE billing_entities SET einvoicing = true, country = 'FR' WHERE id = %s", world.organization_id)
    answer = await admin.data(download, {"id": str(receipt)})
    shown, electronic = answer["downloadPaymentReceipt"], answer["downloadXmlPaymentReceipt"]
    # The customer's country is not known, so that there is no electronic receipt.
    assert electronic == {"number": shown["number"], "xmlUrl": None,
                          "organization": {"id": str(world.organization_id)}}  # fmt: skip
    assert (shown["id"], shown["payment"], shown["xmlUrl"]) == (str(receipt), {"id": payment}, None)
    assert "/download/" in shown["fileUrl"]
    of_payment = "query($id: ID!) { payment(id: $id) { paymentReceipt { number } } }"
    assert (await admin.data(of_payment, {"id": payment}))["payment"]["paymentReceipt"] == {"number": shown["number"]}
    monkeypatch.undo()
    settings.cache_clear()


async def test_a_mail_once_more(admin: Caller, stranger: Caller, world: World) -> None:
    invoice = str(owing(world, world.customer(email="a@example.com"), 700))
    resend = "mutation($input: ResendInvoiceEmailInput!) { resendInvoiceEmail(input: $input) { id } }"
    sent: dict[str, Any] = {"id": invoice, "to": ["b@example.com"]}
    refused = await admin.error(resend, {"input": sent})
    assert (refused["status"], refused["code"]) == (405, "email_settings_disabled")
    world.execute(
        "UPDATE billing_entities SET email = 'a@b.co', email_settings = '{invoice.finalized}' WHERE id = %s",
        world.organization_id,
    )
    install_reactions(Reactions(_nothing, _nowhere, {"messaging.send_mail": "mailers"}))
    assert (await admin.data(resend, {"input": sent}))["resendInvoiceEmail"] == {"id": invoice}
    (job,) = world.execute("SELECT arguments FROM jobs WHERE actor = 'messaging.send_mail'")
    assert job[0]["recipients"] == {"to": ["b@example.com"], "cc": [], "bcc": []}
    wrong = await admin.error(resend, {"input": {**sent, "cc": ["x"]}})
    assert wrong["details"] == {"cc": ["invalid_email_format"]}
    assert (await stranger.error(resend, {"input": sent}))["code"] == "not_found"
    receipt = "mutation($id: ID!) { resendPaymentReceiptEmail(input: {id: $id}) { id } }"
    assert (await admin.error(receipt, {"id": invoice}))["code"] == "not_found"
    note = "mutation($id: ID!) { resendCreditNoteEmail(input: {id: $id}) { id } }"
    assert (await admin.error(note, {"id": invoice}))["code"] == "not_found"


async def _nothing(*_: object) -> list[Any]:
    return []


async def _nowhere(*_: object) -> None:
    return None


async def test_without_a_provider_nothing_is_taken(admin: Caller, stranger: Caller, world: World) -> None:
    customer = world.customer()
    invoice = str(owing(world, customer, 700))
    retry = "mutation($id: ID!) { retryInvoicePayment(input: {id: $id}) { id } }"
    assert (await admin.data(retry, {"id": invoice}))["retryInvoicePayment"] == {"id": invoice}
    assert (await stranger.error(retry, {"id": invoice}))["code"] == "not_found"
    every = "mutation { retryAllInvoicePayments(input: {}) { collection { id } metadata { totalCount } } }"
    assert {"id": invoice} in (await admin.data(every))["retryAllInvoicePayments"]["collection"]
    assert (await stranger.data(every))["retryAllInvoicePayments"]["metadata"]["totalCount"] == 0
    url = "mutation($id: ID!) { generatePaymentUrl(input: {invoiceId: $id}) { paymentUrl } }"
    assert (await admin.error(url, {"id": invoice}))["details"] == {"base": ["no_linked_payment_provider"]}
    assert (await stranger.error(url, {"id": invoice}))["code"] == "not_found"
    card = "mutation($id: ID!) { generateCheckoutUrl(input: {customerId: $id}) { checkoutUrl } }"
    assert (await admin.error(card, {"id": str(customer)}))["details"] == {"base": ["no_linked_payment_provider"]}
    assert (await admin.error(card, {"id": invoice}))["code"] == "not_found"


async def test_a_billing_entity_has_a_campaign(admin: Caller, stranger: Caller) -> None:
    campaign = (await admin.data(CREATE % "id", {"input": terms()}))["createDunningCampaign"]["id"]
    apply = """
        mutation($input: BillingEntityUpdateAppliedDunningCampaignInput!) {
            billingEntityUpdateAppliedDunningCampaign(input: $input) { appliedDunningCampaign { id } }
        }
    """
    sent = {"billingEntityId": admin.organization_id, "appliedDunningCampaignId": campaign}
    applied = (await admin.data(apply, {"input": sent}))["billingEntityUpdateAppliedDunningCampaign"]
    assert applied == {"appliedDunningCampaign": {"id": campaign}}
    shown = await admin.data("{ organization { appliedDunningCampaign { id appliedToOrganization } } }")
    assert shown["organization"]["appliedDunningCampaign"] == {"id": campaign, "appliedToOrganization": True}
    assert (await admin.error(apply, {"input": {**sent, "appliedDunningCampaignId": "x"}}))["code"] == "not_found"
    assert (await stranger.error(apply, {"input": sent}))["code"] == "not_found"
    taken = await admin.data(apply, {"input": {**sent, "appliedDunningCampaignId": None}})
    assert taken["billingEntityUpdateAppliedDunningCampaign"] == {"appliedDunningCampaign": None}
