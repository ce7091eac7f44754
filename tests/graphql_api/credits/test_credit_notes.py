"""Credit notes over GraphQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from lxml import etree

from domain.billing.bill import bill_subscriptions
from domain.billing.requests import BillRequest
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import tenant_work
from infrastructure import storage
from infrastructure.settings import settings
from tests.domain.billing.world import World, instant
from tests.graphql_api.conftest import Caller

MARCH = "2024-03-01T00:10:00Z"
NOTE = """
    id number sequentialId issuingDate reason description creditStatus refundStatus currency totalAmountCents
    creditAmountCents refundAmountCents offsetAmountCents balanceAmountCents subTotalExcludingTaxesAmountCents
    taxesAmountCents taxesRate couponsAdjustmentAmountCents canBeVoided refundedAt voidedAt createdAt updatedAt
    externalIntegrationId integrationSyncable taxProviderId taxProviderSyncable fileUrl xmlUrl
    errorDetails { id } billingEntity { id code }
    metadata { key value } customer { externalId } invoice { id }
    items { id amountCents amountCurrency createdAt fee { id } }
    appliedTaxes { taxCode baseAmountCents amountCents creditNote { id } tax { id } }
"""
CREATE = f"mutation($input: CreateCreditNoteInput!) {{ createCreditNote(input: $input) {{ {NOTE} }} }}"
UPDATE = f"mutation($input: UpdateCreditNoteInput!) {{ updateCreditNote(input: $input) {{ {NOTE} }} }}"
VOID = "mutation($id: ID!) { voidCreditNote(input: {id: $id}) { id creditStatus canBeVoided balanceAmountCents } }"
REPORT = "mutation($id: ID!) { retryTaxReporting(input: {id: $id}) { id } }"
VOID_TAXES = "mutation($id: ID!) { retryTaxProviderVoiding(input: {id: $id}) { id } }"
ONE = f"query($id: ID!) {{ creditNote(id: $id) {{ {NOTE} }} }}"
LIST = """
    query($customer: String, $types: [CreditNoteTypeEnum!], $invoice: ID!) {
        creditNotes(customerExternalId: $customer, types: $types) {
            collection { id items { id } appliedTaxes { id } customer { id } invoice { id } } metadata { totalCount }
        }
        invoiceCreditNotes(invoiceId: $invoice) { collection { id } }
    }
"""
ESTIMATE = """
    query($invoice: ID!, $items: [CreditNoteItemInput!]!) {
        creditNoteEstimate(invoiceId: $invoice, items: $items) {
            currency taxesAmountCents preciseTaxesAmountCents taxesRate subTotalExcludingTaxesAmountCents
            couponsAdjustmentAmountCents preciseCouponsAdjustmentAmountCents maxCreditableAmountCents
            maxRefundableAmountCents maxOffsettableAmountCents items { amountCents fee { id } }
            appliedTaxes { id taxCode baseAmountCents amountCents createdAt }
        }
    }
"""
INVOICE = """
    query($id: ID!) {
        invoice(id: $id) {
            creditableAmountCents refundableAmountCents offsettableAmountCents availableToCreditAmountCents
            creditNotes { id }
            fees { creditableAmountCents offsettableAmountCents }
            customer {
                creditNotes { id } creditNotesBalanceAmountCents creditNotesCreditsAvailableCount
                hasCreditNotes
                creditNotesBalances { amountCents currency billingEntityId creditsAvailableCount }
            }
        }
    }
"""


@pytest.fixture
def world(admin: Caller) -> Iterator[World]:
    assert admin.organization_id is not None
    with World(instant(MARCH), organization_id=UUID(admin.organization_id), adopted=True) as world:
        world.customers = len(world.rows("customers"))
        yield world


async def one_invoice(world: World) -> tuple[str, str, str]:
    """An invoice of 100.00 with 20 % tax and a coupon of 10.00, half of it paid: its id, its fee's and its customer's
    external id."""
    name = f"c-{uuid4().hex}"
    plan = world.plan(10_000)
    world.put_tax(world.tax_alone("20", name), "plan_taxes", plan_id=plan)
    customer = world.customer(external_id=name, currency="USD")
    world.coupon(customer)
    subscription = world.subscription(customer, plan, "2024-02-01T00:00:00Z")
    async with tenant_work(Tenant(world.organization_id)) as work:
        (made,) = await bill_subscriptions(
            work, [BillRequest((subscription,), instant(MARCH), "subscription_periodic")]
        )
    world.execute("UPDATE invoices SET total_paid_amount_cents = 5400 WHERE id = %s", made)
    (fee,) = world.rows("fees", invoice_id=made)
    return str(made), str(fee.id), name


async def test_a_note_is_estimated_made_updated_and_voided(admin: Caller, world: World) -> None:
    invoice, fee, name = await one_invoice(world)
    items = [{"feeId": fee, "amountCents": "5000"}]
    estimate = (await admin.data(ESTIMATE, {"invoice": invoice, "items": items}))["creditNoteEstimate"]
    assert (estimate["subTotalExcludingTaxesAmountCents"], estimate["taxesAmountCents"]) == ("4500", "900")
    assert (estimate["couponsAdjustmentAmountCents"], estimate["preciseTaxesAmountCents"]) == ("500", 900)
    assert (estimate["maxCreditableAmountCents"], estimate["maxRefundableAmountCents"]) == ("5400", "5400")
    assert (estimate["maxOffsettableAmountCents"], estimate["items"][0]["fee"]["id"]) == ("5400", fee)
    assert estimate["appliedTaxes"][0]["baseAmountCents"] == "4500"

    asked: dict[str, Any] = {
        "invoiceId": invoice, "reason": "order_change", "items": items, "creditAmountCents": "3000",
        "refundAmountCents": "2400", "description": "Half of it", "metadata": [{"key": "a", "value": "1"}],
    }  # fmt: skip
    note = (await admin.data(CREATE, {"input": asked}))["createCreditNote"]
    assert (note["totalAmountCents"], note["balanceAmountCents"], note["taxesRate"]) == ("5400", "3000", 20)
    assert (note["creditStatus"], note["refundStatus"], note["canBeVoided"]) == ("available", "pending", True)
    assert (note["customer"]["externalId"], note["invoice"]["id"]) == (name, invoice)
    assert (note["items"][0]["amountCents"], note["items"][0]["fee"]["id"]) == ("5000", fee)
    assert note["appliedTaxes"][0]["creditNote"]["id"] == note["id"]
    assert note["metadata"] == [{"key": "a", "value": "1"}]
    assert note["billingEntity"]["id"] == str(world.rows("invoices", id=invoice)[0].billing_entity_id)
    assert (note["integrationSyncable"], note["taxProviderSyncable"], note["fileUrl"]) == (False, False, None)
    assert note["errorDetails"] == []
    assert (await admin.data(ONE, {"id": note["id"]}))["creditNote"] == note

    shown = (await admin.data(INVOICE, {"id": invoice}))["invoice"]
    assert (shown["creditableAmountCents"], shown["refundableAmountCents"]) == ("5400", "3000")
    assert (shown["offsettableAmountCents"], shown["creditNotes"]) == ("5400", [{"id": note["id"]}])
    assert shown["availableToCreditAmountCents"] == "5400"
    assert shown["fees"] == [{"creditableAmountCents": "5000", "offsettableAmountCents": "5000"}]
    customer = shown["customer"]
    assert customer["creditNotes"] == [{"id": note["id"]}]
    assert customer["hasCreditNotes"] is True
    assert (customer["creditNotesBalanceAmountCents"], customer["creditNotesCreditsAvailableCount"]) == ("3000", 1)
    (balance,) = customer["creditNotesBalances"]
    assert (balance["amountCents"], balance["currency"], balance["creditsAvailableCount"]) == ("3000", "USD", 1)

    change = {"id": note["id"], "refundStatus": "succeeded", "metadata": [{"key": "b", "value": "2"}]}
    updated = (await admin.data(UPDATE, {"input": change}))["updateCreditNote"]
    assert (updated["refundStatus"], updated["metadata"]) == ("succeeded", [{"key": "b", "value": "2"}])
    assert updated["refundedAt"] is not None
    voided = (await admin.data(VOID, {"id": note["id"]}))["voidCreditNote"]
    assert voided == {"id": note["id"], "creditStatus": "voided", "canBeVoided": False, "balanceAmountCents": "0"}
    assert (await admin.error(VOID, {"id": note["id"]}))["code"] == "no_voidable_amount"
    assert (await admin.error(ONE, {"id": str(uuid4())}))["code"] == "not_found"
    too_much = {**asked, "items": [{"feeId": fee, "amountCents": "5001"}]}
    error = await admin.error(CREATE, {"input": too_much})
    assert error["details"] == {"amountCents": ["higher_than_remaining_fee_amount"]}


async def test_nothing_is_reported_to_a_tax_provider_that_no_customer_has(admin: Caller, world: World) -> None:
    invoice, fee, _ = await one_invoice(world)
    asked = {"invoiceId": invoice, "reason": "other", "creditAmountCents": "5400",
             "items": [{"feeId": fee, "amountCents": "5000"}]}  # fmt: skip
    note = (await admin.data(CREATE, {"input": asked}))["createCreditNote"]["id"]
    for document, found in ((REPORT, note), (VOID_TAXES, invoice)):
        missing = {"code": "not_found", "details": {"integrationCustomer": ["not_found"]}}
        assert (await admin.error(document, {"id": found})).items() >= missing.items()
    assert (await admin.error(REPORT, {"id": str(uuid4())}))["details"] == {"creditNote": ["not_found"]}
    assert (await admin.error(VOID_TAXES, {"id": str(uuid4())}))["details"] == {"invoice": ["not_found"]}


async def test_a_list_costs_the_same_statements_for_one_note_and_for_many(
    admin: Caller, world: World, statements: list[str]
) -> None:
    invoice, fee, name = await one_invoice(world)
    ask = {"invoiceId": invoice, "reason": "other", "items": [{"feeId": fee, "amountCents": "1000"}]}
    await admin.data(CREATE, {"input": {**ask, "creditAmountCents": "1080"}})
    statements.clear()
    first = await admin.data(LIST, {"customer": name, "invoice": invoice})
    one = len(statements)
    await admin.data(CREATE, {"input": {**ask, "refundAmountCents": "1080"}})
    statements.clear()
    found = await admin.data(LIST, {"customer": name, "invoice": invoice})
    assert len(statements) == one
    assert (first["creditNotes"]["metadata"]["totalCount"], found["creditNotes"]["metadata"]["totalCount"]) == (1, 2)
    assert len(found["invoiceCreditNotes"]["collection"]) == 2
    refunds = await admin.data(LIST, {"customer": name, "invoice": invoice, "types": ["refund"]})
    assert len(refunds["creditNotes"]["collection"]) == 1


async def test_the_electronic_file_of_a_note_is_made_when_it_is_asked_for(
    admin: Caller, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TARN_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    invoice, fee, name = await one_invoice(world)
    entity = world.rows("invoices", id=invoice)[0].billing_entity_id
    world.execute("UPDATE customers SET country = 'FR' WHERE external_id = %s", name)
    world.execute("UPDATE billing_entities SET einvoicing = true, country = 'DE' WHERE id = %s", entity)
    asked = {"invoiceId": invoice, "reason": "other", "creditAmountCents": "5400",
             "items": [{"feeId": fee, "amountCents": "5000"}]}  # fmt: skip
    note = (await admin.data(CREATE, {"input": asked}))["createCreditNote"]
    assert note["xmlUrl"] is None
    mutation = "mutation($id: ID!) { downloadXmlCreditNote(input: {id: $id}) { id xmlUrl fileUrl } }"
    shown = (await admin.data(mutation, {"id": note["id"]}))["downloadXmlCreditNote"]
    assert "/download/" in shown["xmlUrl"]
    assert "/download/" in shown["fileUrl"]
    xml = etree.fromstring(await storage.get(world.rows("credit_notes", id=note["id"])[0].xml_key))
    total = "{*}LegalMonetaryTotal/{*}"
    assert [xml.findtext(total + each) for each in ("AllowanceTotalAmount", "TaxExclusiveAmount", "PayableAmount")] == [
        "5.00", "45.00", "54.00",
    ]  # fmt: skip
    world.execute("UPDATE billing_entities SET einvoicing = false WHERE id = %s", entity)
    monkeypatch.undo()
    settings.cache_clear()
