"""What becomes of invoices, over GraphQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.billing.bill import bill_subscriptions
from domain.billing.drafts import FINALIZE
from domain.billing.requests import FINISH_WAITING, BillRequest
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import install_reactions, installed_reactions, tenant_work
from tests.domain.billing.world import World, instant
from tests.graphql_api.conftest import Caller

MARCH = "2024-03-01T00:10:00Z"
FIELDS = """
    id status number voidedInvoiceId regeneratedInvoiceId voidable taxStatus totalAmountCents
    metadata { id key value createdAt updatedAt } errorDetails { id errorCode errorDetails }
    allChargesHaveFees allFixedChargesHaveFees taxProviderId taxProviderVoidable
    externalIntegrationId externalHubspotIntegrationId externalSalesforceIntegrationId
    integrationSyncable integrationHubspotSyncable integrationSalesforceSyncable
    appliedTaxes { taxCode appliedOnWholeInvoice enumedTaxCode }
    invoiceSubscriptions { acceptNewChargeFees inAdvanceChargesFromDatetime inAdvanceChargesToDatetime }
    fees { id }
"""
SHOW = f"query($id: ID!) {{ invoice(id: $id) {{ {FIELDS} }} }}"
PREVIEW = "query($id: ID!) { invoiceBuildRegenerationPreview(id: $id) { id fees { id } } }"
VOID = f"mutation($input: VoidInvoiceInput!) {{ voidInvoice(input: $input) {{ {FIELDS} }} }}"
REGENERATE = f"mutation($input: RegenerateInvoiceInput!) {{ regenerateFromVoided(input: $input) {{ {FIELDS} }} }}"
UPDATE = f"mutation($input: UpdateInvoiceInput!) {{ updateInvoice(input: $input) {{ {FIELDS} paymentStatus }} }}"
DELETE = "mutation($id: ID!) { deleteInvoice(input: {id: $id}) { id status } }"
RETRY = "mutation($id: ID!) { retryInvoice(input: {id: $id}) { id status } }"
FINALIZE_ALL = "mutation { finalizeAllInvoices(input: {}) { collection { id status } metadata { totalCount } } }"
RETRY_ALL = "mutation { retryAllInvoices(input: {}) { collection { id status } metadata { totalCount } } }"
SETTLED = "query($of: [InvoiceSettlementTypeEnum!]) { invoices(settlements: $of) { collection { id } } }"
TAXES = """
    mutation($input: FetchDraftInvoiceTaxesInput!) {
        fetchDraftInvoiceTaxes(input: $input) {
            collection {
                amountCents itemCode itemId taxAmountCents taxBreakdown { name rate taxAmount type enumedTaxCode }
            }
            metadata { totalCount }
        }
    }
"""


@pytest.fixture
def world(admin: Caller) -> Iterator[World]:
    assert admin.organization_id is not None
    with World(instant(MARCH), organization_id=UUID(admin.organization_id), adopted=True) as world:
        world.customers = len(world.rows("customers"))
        yield world


async def billed(world: World, **customer: Any) -> UUID:
    """An invoice of 10.00 and three seats renewed in advance; one charge is without usage."""
    name = f"c-{uuid4().hex}"
    plan = world.plan(1000)
    seats = world.metric(name, recurring=True)
    world.charge(plan, seats, "standard", {"amount": "2"}, pay_in_advance=True)
    world.charge(plan, world.metric(f"{name}-unused"), "standard", {"amount": "5"}, position=1)
    customer_id = world.customer(external_id=name, **customer)
    world.put_tax(world.tax_alone("20", f"vat-{name}"), "customer_taxes", customer_id=customer_id)
    subscription = world.subscription(customer_id, plan, "2024-02-01T00:00:00Z", external_id=name)
    world.event(name, name, "2024-02-05T00:00:00Z", "3")
    async with tenant_work(Tenant(world.organization_id)) as work:
        request = BillRequest((subscription,), instant(MARCH), "subscription_periodic")
        (made,) = await bill_subscriptions(work, [request])
    return made


async def test_an_invoice_is_voided_and_regenerated(admin: Caller, stranger: Caller, world: World) -> None:
    invoice_id = str(await billed(world))
    shown = (await admin.data(SHOW, {"id": invoice_id}))["invoice"]
    assert (shown["voidable"], shown["allChargesHaveFees"], shown["allFixedChargesHaveFees"]) == (True, False, True)
    assert (shown["regeneratedInvoiceId"], shown["voidedInvoiceId"], shown["taxStatus"]) == (None, None, None)
    assert (shown["metadata"], shown["errorDetails"], shown["integrationSyncable"]) == ([], [], False)
    assert [each["appliedOnWholeInvoice"] for each in shown["appliedTaxes"]] == [False]
    assert shown["invoiceSubscriptions"] == [
        {
            "acceptNewChargeFees": True,
            "inAdvanceChargesFromDatetime": "2024-03-01T00:00:00Z",
            "inAdvanceChargesToDatetime": "2024-03-31T23:59:59Z",
        }
    ]
    assert (await stranger.error(VOID, {"input": {"id": invoice_id}}))["code"] == "not_found"
    assert (await admin.error(PREVIEW, {"id": invoice_id}))["code"] == "not_found"
    voided = (await admin.data(VOID, {"input": {"id": invoice_id}}))["voidInvoice"]
    assert (voided["status"], voided["voidable"]) == ("voided", False)
    lines = (await admin.data(PREVIEW, {"id": invoice_id}))["invoiceBuildRegenerationPreview"]["fees"]
    fees = [{"id": each["id"]} for each in lines]
    again = {"input": {"voidedInvoiceId": invoice_id, "fees": fees}}
    assert (await stranger.error(REGENERATE, again))["details"] == {"invoice": ["not_found"]}
    new = (await admin.data(REGENERATE, again))["regenerateFromVoided"]
    assert (new["status"], new["voidedInvoiceId"], new["totalAmountCents"]) == ("finalized", invoice_id, "1920")
    old = (await admin.data(SHOW, {"id": invoice_id}))["invoice"]
    assert old["regeneratedInvoiceId"] == new["id"]
    assert (await admin.error(REGENERATE, again))["code"] == "not_regenerable"


async def test_a_customer_shows_its_invoices(admin: Caller, world: World) -> None:
    invoice_id = await billed(world)
    await billed(world)
    (row,) = world.rows("invoices", id=invoice_id)
    query = "query($id: ID!) { customer(id: $id) { invoices { id customer { id } } } }"
    shown = (await admin.data(query, {"id": str(row.customer_id)}))["customer"]["invoices"]
    assert shown == [{"id": str(invoice_id), "customer": {"id": str(row.customer_id)}}]


async def test_an_invoice_is_updated(admin: Caller, world: World) -> None:
    invoice_id = str(await billed(world))
    metadata = [{"key": "order", "value": "7"}]
    sent = {"input": {"id": invoice_id, "metadata": metadata, "paymentStatus": "succeeded"}}
    updated = (await admin.data(UPDATE, sent))["updateInvoice"]
    assert [(each["key"], each["value"]) for each in updated["metadata"]] == [("order", "7")]
    assert (updated["paymentStatus"], updated["voidable"]) == ("succeeded", False)


@pytest.fixture
def finalizing() -> Iterator[None]:
    """Jobs that finalize drafts can be asked for."""
    before = installed_reactions()
    install_reactions(replace(before, queue_of={FINALIZE: "billing", FINISH_WAITING: "billing"}))
    yield
    install_reactions(before)


async def test_drafts_are_deleted_or_finalized_all_at_once(admin: Caller, world: World, finalizing: None) -> None:
    first = str(await billed(world, invoice_grace_period=3))
    second = str(await billed(world, invoice_grace_period=3))
    assert (await admin.data(DELETE, {"id": first}))["deleteInvoice"]["status"] == "deleted"
    assert (await admin.error(DELETE, {"id": first}))["code"] == "not_found"
    every = (await admin.data(FINALIZE_ALL))["finalizeAllInvoices"]
    assert {"id": second, "status": "draft"} in every["collection"]
    world.execute("UPDATE invoices SET status = 'failed', tax_status = 'failed' WHERE id = %s", second)
    assert (await admin.data(SHOW, {"id": second}))["invoice"]["taxStatus"] == "failed"
    assert (await admin.data(RETRY_ALL))["retryAllInvoices"]["metadata"]["totalCount"] == 1
    world.execute("UPDATE invoices SET status = 'failed' WHERE id = %s", second)
    assert (await admin.data(RETRY, {"id": second}))["retryInvoice"]["status"] == "finalized"
    assert (await admin.error(RETRY, {"id": second}))["code"] == "invalid_status"
    assert (await admin.data(SETTLED, {"of": ["credit_note"]}))["invoices"]["collection"] == []


async def test_the_taxes_of_an_invoice_that_is_being_written(admin: Caller, world: World) -> None:
    name = uuid4().hex
    customer = world.customer(external_id=name)
    world.put_tax(world.tax_alone("20", f"vat-{name}"), "customer_taxes", customer_id=customer)
    add_on = world.insert(
        "add_ons", organization_id=world.organization_id, code=name, name="Setup", amount_cents=1000,
        amount_currency="USD",
    )  # fmt: skip
    moment = "2024-03-01T00:00:00Z"
    fee = {"addOnId": str(add_on), "units": 1.5, "fromDatetime": moment, "toDatetime": moment}
    sent = {"input": {"customerId": str(customer), "currency": "USD", "fees": [fee]}}
    before = len(world.rows("invoices"))
    found = (await admin.data(TAXES, sent))["fetchDraftInvoiceTaxes"]
    assert found == {
        "collection": [
            {
                "amountCents": "1500",
                "itemCode": name,
                "itemId": str(add_on),
                "taxAmountCents": "300",
                "taxBreakdown": [
                    {"name": f"vat-{name}", "rate": 20, "taxAmount": "300", "type": "tax", "enumedTaxCode": None}
                ],
            }
        ],
        "metadata": {"totalCount": 1},
    }
    assert len(world.rows("invoices")) == before
    unknown = {"input": {**sent["input"], "customerId": str(UUID(int=4))}}
    assert (await admin.error(TAXES, unknown))["details"] == {"customer": ["not_found"]}


async def test_a_register_that_does_not_answer_is_an_error_of_the_customer(admin: Caller, world: World) -> None:
    customer = world.customer(external_id=uuid4().hex)
    asked = "query($id: ID!) { customer(id: $id) { errorDetails { id errorCode errorDetails } } }"
    check = world.insert(
        "pending_vies_checks", organization_id=world.organization_id, customer_id=customer,
        tax_identification_number="DE136695976",
    )  # fmt: skip
    assert (await admin.data(asked, {"id": str(customer)}))["customer"]["errorDetails"] == []
    world.execute("UPDATE pending_vies_checks SET attempts = 1, last_error = 'MS_UNAVAILABLE' WHERE id = %s", check)
    assert (await admin.data(asked, {"id": str(customer)}))["customer"]["errorDetails"] == [
        {"id": str(check), "errorCode": "tax_error", "errorDetails": "MS_UNAVAILABLE"}
    ]
