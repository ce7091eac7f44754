"""Invoices over GraphQL."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.billing.bill import bill_subscriptions
from domain.billing.pay_in_advance import bill_events
from domain.billing.requests import BillRequest
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import tenant_work
from infrastructure.settings import settings
from tests.domain.billing.world import World, instant
from tests.graphql_api.conftest import Caller

MARCH = "2024-03-01T00:10:00Z"
INVOICE = """
    query Invoice($id: ID!) {
        invoice(id: $id) {
            id number status paymentStatus invoiceType currency issuingDate totalAmountCents totalDueAmountCents
            taxesRate feesAmountCents chargeAmountCents fileUrl sequentialId payableType
            customer { id externalId }
            subscriptions { id externalId }
            appliedTaxes { taxCode taxRate amountCents taxableAmountCents feesAmountCents tax { id } invoice { id } }
            invoiceSubscriptions {
                chargesFromDatetime chargesToDatetime totalAmountCents subscriptionAmountCents chargeAmountCents
                subscription { id plan { name } } fees { id }
            }
            fees {
                id itemCode itemName itemType feeType invoiceName units eventsCount amountCents preciseUnitAmount
                properties { fromDatetime toDatetime }
                charge { id billableMetric { code } } subscription { id }
                appliedTaxes { taxCode amountCents fee { id } }
                amountDetails { graduatedRanges { units fromValue toValue perUnitAmount totalWithFlatAmount } }
            }
        }
    }
"""
LIST = """
    query Invoices($status: [InvoiceStatusTypeEnum!], $search: String, $limit: Int, $from: BigInt) {
        invoices(status: $status, searchTerm: $search, limit: $limit, amountFrom: $from) {
            collection { id number customer { externalId } fees { id amountCents } subscriptions { id } }
            metadata { totalCount currentPage }
        }
    }
"""
REFRESH = "mutation($id: ID!) { refreshInvoice(input: {id: $id}) { id status feesAmountCents } }"
FINALIZE = "mutation($id: ID!) { finalizeInvoice(input: {id: $id}) { id status number } }"
DOWNLOAD = "mutation($id: ID!) { downloadInvoice(input: {id: $id}) { id fileUrl } }"


@pytest.fixture(autouse=True)
def storage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("TARN_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def world(admin: Caller) -> Iterator[World]:
    assert admin.organization_id is not None
    with World(instant(MARCH), organization_id=UUID(admin.organization_id), adopted=True) as world:
        world.customers = len(world.rows("customers"))
        yield world
        world.execute("UPDATE billing_entities SET invoice_grace_period = 0 WHERE id = %s", world.organization_id)


async def one_invoice(world: World) -> tuple[UUID, str]:
    name = f"c-{uuid4().hex}"
    plan = world.plan(1000, name="Gold")
    ranges = [
        {"from_value": 0, "to_value": 10, "per_unit_amount": "1", "flat_amount": "0"},
        {"from_value": 11, "to_value": None, "per_unit_amount": "0.5", "flat_amount": "2"},
    ]
    world.charge(plan, world.metric(name), "graduated", {"graduated_ranges": ranges})
    customer = world.customer(external_id=name)
    subscription = world.subscription(customer, plan, "2024-02-01T00:00:00Z", external_id=name)
    world.event(name, name, "2024-02-05T00:00:00Z", "12")
    async with tenant_work(Tenant(world.organization_id)) as work:
        request = BillRequest((subscription,), instant(MARCH), "subscription_periodic")
        (made,) = await bill_subscriptions(work, [request])
    return made, name


async def test_an_invoice_shows_all_that_stands_on_it(admin: Caller, world: World) -> None:
    tax = world.tax("20", f"vat-{uuid4().hex}")
    invoice_id, name = await one_invoice(world)
    world.execute("DELETE FROM billing_entity_taxes WHERE tax_id = %s", tax)
    invoice = (await admin.data(INVOICE, {"id": str(invoice_id)}))["invoice"]
    assert (invoice["status"], invoice["feesAmountCents"], invoice["totalAmountCents"]) == ("finalized", "2300", "2760")
    assert (invoice["chargeAmountCents"], invoice["taxesRate"], invoice["fileUrl"]) == ("1300", 20, None)
    assert invoice["customer"]["externalId"] == name
    assert [each["externalId"] for each in invoice["subscriptions"]] == [name]
    (period,) = invoice["invoiceSubscriptions"]
    assert (period["subscriptionAmountCents"], period["chargeAmountCents"], period["totalAmountCents"]) == (
        "1000",
        "1300",
        "2300",
    )
    assert period["chargesToDatetime"] == "2024-02-29T23:59:59Z"
    assert period["subscription"]["plan"]["name"] == "Gold"
    base, usage = invoice["fees"]
    assert (base["itemType"], base["invoiceName"], base["amountDetails"]) == ("Subscription", "Gold", None)
    assert (usage["itemCode"], usage["units"], usage["charge"]["billableMetric"]["code"]) == (name, 12, name)
    assert [each["units"] for each in usage["amountDetails"]["graduatedRanges"]] == ["10.0", "2.0"]
    assert usage["appliedTaxes"][0]["fee"]["id"] == usage["id"]
    assert invoice["appliedTaxes"][0]["taxableAmountCents"] == "2300"


async def test_the_counts_of_an_event_paid_in_advance_are_numbers(admin: Caller, world: World) -> None:
    name = f"c-{uuid4().hex}"
    plan = world.plan(0)
    price = {"rate": "5", "fixed_amount": "1", "free_units_per_events": 1}
    world.charge(plan, world.metric(name), "percentage", price, pay_in_advance=True)
    world.subscription(world.customer(external_id=name), plan, "2024-02-01T00:00:00Z", external_id=name)
    for day in ("05", "06"):
        world.event(name, name, f"2024-02-{day}T00:00:00Z", "20")
    events = [event.id for event in world.rows("events", code=name)]
    async with tenant_work(Tenant(world.organization_id)) as work:
        fee_ids = await bill_events(work, events)
    invoices = [world.rows("fees", id=fee_id)[0].invoice_id for fee_id in fee_ids]
    document = """
        query Fees($id: ID!) { invoice(id: $id) { fees { amountDetails {
            freeEvents paidEvents perPackageSize freeUnits paidUnits fixedFeeTotalAmount } } } }
    """
    shown: list[dict[str, Any]] = []
    for invoice_id in invoices:
        answer = await admin.data(document, {"id": str(invoice_id)})
        shown.append(answer["invoice"]["fees"][0]["amountDetails"])
    counts = sorted((each["freeEvents"], each["paidEvents"], each["perPackageSize"]) for each in shown)
    assert counts == [(0, 1, None), (1, 0, None)]
    assert sorted(each["fixedFeeTotalAmount"] for each in shown) == ["0.0", "1.0"]


async def test_a_whole_bound_is_shown_without_decimals(admin: Caller, world: World) -> None:
    name = f"c-{uuid4().hex}"
    plan = world.plan(0)
    ranges = [
        {"from_value": 0.0, "to_value": 10.0, "rate": "1", "flat_amount": "0"},
        {"from_value": 10.0, "to_value": None, "rate": "2", "flat_amount": "0"},
    ]
    world.charge(plan, world.metric(name), "graduated_percentage", {"graduated_percentage_ranges": ranges})
    subscription = world.subscription(world.customer(external_id=name), plan, "2024-02-01T00:00:00Z", external_id=name)
    world.event(name, name, "2024-02-05T00:00:00Z", "12")
    async with tenant_work(Tenant(world.organization_id)) as work:
        request = BillRequest((subscription,), instant(MARCH), "subscription_periodic")
        (made,) = await bill_subscriptions(work, [request])
    document = """
        query Bounds($id: ID!) { invoice(id: $id) { fees { amountDetails {
            graduatedPercentageRanges { fromValue toValue } } } } }
    """
    fees = (await admin.data(document, {"id": str(made)}))["invoice"]["fees"]
    (shown,) = [fee["amountDetails"]["graduatedPercentageRanges"] for fee in fees if fee["amountDetails"]]
    assert [(each["fromValue"], each["toValue"]) for each in shown] == [("0", "10"), ("10", None)]


async def test_a_list_costs_the_same_statements_for_one_invoice_and_for_many(
    admin: Caller, world: World, statements: list[str]
) -> None:
    _, name = await one_invoice(world)
    await one_invoice(world)
    statements.clear()
    found = await admin.data(LIST, {"search": name})
    assert found["invoices"]["metadata"]["totalCount"] == 1
    one = len(statements)
    statements.clear()
    everything = (await admin.data(LIST, {"status": ["finalized"]}))["invoices"]
    assert everything["metadata"]["totalCount"] >= 2
    assert len(statements) == one
    assert (await admin.data(LIST, {"from": "99999999"}))["invoices"]["collection"] == []
    assert (await admin.data(LIST, {"status": ["closed"]}))["invoices"]["collection"] == []


async def test_a_draft_is_refreshed_and_finalized(admin: Caller, world: World) -> None:
    world.execute("UPDATE billing_entities SET invoice_grace_period = 2 WHERE id = %s", world.organization_id)
    invoice_id, name = await one_invoice(world)
    world.event(name, name, "2024-02-06T00:00:00Z", "2")
    refreshed = (await admin.data(REFRESH, {"id": str(invoice_id)}))["refreshInvoice"]
    assert (refreshed["status"], refreshed["feesAmountCents"]) == ("draft", "2400")
    assert (await admin.error(DOWNLOAD, {"id": str(invoice_id)}))["code"] == "is_draft"
    final = (await admin.data(FINALIZE, {"id": str(invoice_id)}))["finalizeInvoice"]
    (row,) = world.rows("invoices", id=invoice_id)
    assert (final["status"], final["number"], row.sequential_id) == ("finalized", row.number, 1)
    assert "DRAFT" not in final["number"]
    assert (await admin.data(FINALIZE, {"id": str(invoice_id)}))["finalizeInvoice"] == final
    world.execute("UPDATE invoices SET status = 'pending', tax_status = 'pending' WHERE id = %s", invoice_id)
    assert (await admin.error(FINALIZE, {"id": str(invoice_id)}))["code"] == "cannot_finalize_with_pending_taxes"


async def test_a_draft_of_zero_that_is_not_to_be_issued_is_answered_as_closed(admin: Caller, world: World) -> None:
    world.execute("UPDATE billing_entities SET invoice_grace_period = 2 WHERE id = %s", world.organization_id)
    customer = world.customer(external_id=uuid4().hex, finalize_zero_amount_invoice="skip")
    subscription = world.subscription(customer, world.plan(0), "2024-02-01T00:00:00Z")
    async with tenant_work(Tenant(world.organization_id)) as work:
        request = BillRequest((subscription,), instant(MARCH), "subscription_periodic")
        (draft,) = await bill_subscriptions(work, [request])
    assert (await admin.data(FINALIZE, {"id": str(draft)}))["finalizeInvoice"]["status"] == "closed"


async def test_a_download_makes_the_document_and_links_it(admin: Caller, world: World) -> None:
    invoice_id, _ = await one_invoice(world)
    first = (await admin.data(DOWNLOAD, {"id": str(invoice_id)}))["downloadInvoice"]
    assert first["fileUrl"].startswith(f"{settings().api_url}/download/")
    assert (await admin.data(INVOICE, {"id": str(invoice_id)}))["invoice"]["fileUrl"] is not None


@pytest.mark.parametrize("document", [INVOICE, REFRESH, FINALIZE, DOWNLOAD])
async def test_invoices_of_others_and_unknown_ones_are_not_found(stranger: Caller, world: World, document: str) -> None:
    invoice_id, _ = await one_invoice(world)
    for identifier in (str(invoice_id), "nonsense", str(UUID(int=3))):
        assert (await stranger.error(document, {"id": identifier}))["code"] == "not_found"


async def test_only_members_see_invoices(anyone: Caller, sign_up: Callable[..., Awaitable[Any]]) -> None:
    assert (await anyone.error(LIST))["code"] == "forbidden"
