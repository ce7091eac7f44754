"""What an invoice's rows become on its document."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace as Row
from typing import Any
from uuid import UUID

import facturx
import pytest
import pytest_asyncio
from lxml import etree

from domain.billing.bill import bill_subscriptions
from domain.billing.requests import BillRequest
from domain.invoicing.document import InvoiceDocument
from domain.invoicing.document.labels import labels_for
from domain.invoicing.document.model import Package, Percentage, Tier
from domain.invoicing.document_parts import line_label
from domain.invoicing.documents import generate, load_documents
from domain.invoicing.events import InvoiceDocumentGenerated
from domain.kernel.unit_of_work import Reactions, install_reactions, tenant_work
from infrastructure import storage
from infrastructure.settings import settings
from tests.domain.billing.world import World, instant

D = Decimal


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def recorded(migrated: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[list[Any]]:
    monkeypatch.setenv("TARN_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    events: list[Any] = []

    async def requests(_: object, happened: Sequence[Any]) -> list[Any]:
        events.extend(happened)
        return []

    async def dispatch(rows: Sequence[Mapping[str, Any]]) -> None:
        return None

    install_reactions(Reactions(requests, dispatch, {}))
    yield events
    install_reactions(None)
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def world(migrated: str) -> Iterator[World]:
    entity: dict[str, Any] = {"country": "FR", "legal_name": "Northwind SAS", "zipcode": "75002", "city": "Paris"}
    entity |= {"net_payment_term": 5}
    with World(instant("2024-03-01T05:10:00Z"), entity) as world:
        yield world


async def billed(world: World) -> UUID:
    world.tax("20", "VAT")
    plan = world.plan(4900, name="Gold")
    ranges = [
        {"from_value": 0, "to_value": 10, "per_unit_amount": "1", "flat_amount": "0"},
        {"from_value": 11, "to_value": None, "per_unit_amount": "0.5", "flat_amount": "2"},
    ]
    world.charge(plan, world.metric("graduated"), "graduated", {"graduated_ranges": ranges}, 0)
    package = {"amount": "0.50", "package_size": 10, "free_units": 5}
    world.charge(plan, world.metric("packs"), "package", package, 1)
    world.charge(plan, world.metric("hidden"), "standard", {"amount": "1"}, 2)
    customer = world.customer(
        name="Harbour", country="DE", document_locale="de", timezone="America/New_York", firstname="Jo"
    )
    world.insert(
        "customer_metadata", organization_id=world.organization_id, customer_id=customer, key="Vertrag", value="7",
        display_in_invoice=True,
    )  # fmt: skip
    subscription = world.subscription(customer, plan, "2024-02-01T10:00:00Z", external_id="sub")
    world.event("sub", "graduated", "2024-02-05T00:00:00Z", "12")
    world.event("sub", "packs", "2024-02-05T00:00:00Z", "17")
    async with tenant_work(world.tenant) as work:
        (made,) = await bill_subscriptions(work, [BillRequest((subscription,), world.now, "subscription_periodic")])
    return made


async def document(world: World, invoice_id: UUID) -> InvoiceDocument:
    async with tenant_work(world.tenant) as work:
        return (await load_documents(work, [invoice_id]))[invoice_id].document


async def test_parties_language_and_dates_are_those_of_customer_and_billing_entity(world: World) -> None:
    shown = await document(world, await billed(world))
    assert (shown.locale, shown.number, shown.issuing_date) == ("de", "NOR-1-001-001", date(2024, 3, 1))
    assert (shown.sender.name, shown.sender.address) == ("Northwind SAS", ("75002 Paris", "Frankreich"))
    assert (shown.recipient.name, shown.recipient.address) == ("Harbour - Jo", ("Deutschland",))
    assert (shown.net_payment_term, shown.payment_due_date) == (5, date(2024, 3, 6))
    assert shown.metadata == (("Vertrag", "7"),)


async def test_lines_stand_under_their_local_period_with_the_reckoning_behind_them(world: World) -> None:
    shown = await document(world, await billed(world))
    (section,) = shown.sections
    assert (section.title, section.amount) == ("Gold", 4900 + 1300 + 100)
    (group,) = section.groups
    assert group.period == (date(2024, 2, 1), date(2024, 2, 29))
    base, graduated, packs = group.lines
    assert (base.label, base.amount, base.tax_rates) == ("Gold", 4900, (D(20),))
    first, second = graduated.parts
    assert isinstance(first, Tier)
    assert isinstance(second, Tier)
    assert (first.units, first.last, first.amount) == (D(10), D(10), 1000)
    assert (second.units, second.last, second.amount, second.flat_amount) == (D(2), None, 100, 200)
    (package,) = packs.parts
    assert isinstance(package, Package)
    assert (package.packages, package.size, package.free_units, package.amount) == (D(2), D(10), D(5), 100)


async def test_totals_are_those_of_the_invoice(world: World) -> None:
    shown = await document(world, await billed(world))
    assert (shown.totals.sub_total_excluding_taxes, shown.totals.total, shown.amount_due) == (6300, 7560, 7560)
    assert [(tax.name, tax.rate, tax.base, tax.amount) for tax in shown.totals.taxes] == [("VAT", D(20), 6300, 1260)]


async def test_a_document_is_made_once_stored_and_announced_once(world: World, recorded: list[Any]) -> None:
    invoice_id = await billed(world)
    recorded.clear()
    for _ in range(2):
        async with tenant_work(world.tenant) as work:
            await generate(work, [invoice_id])
    assert recorded == [InvoiceDocumentGenerated((invoice_id,))]
    (row,) = world.rows("invoices")
    assert (await storage.get(row.document_key)).startswith(b"%PDF-")


async def test_no_document_is_made_where_generation_is_off(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    invoice_id = await billed(world)
    monkeypatch.setenv("LAGO_DISABLE_PDF_GENERATION", "true")
    settings.cache_clear()
    async with tenant_work(world.tenant) as work:
        assert await generate(work, [invoice_id]) == []
    monkeypatch.delenv("LAGO_DISABLE_PDF_GENERATION")
    settings.cache_clear()


async def test_another_tenants_invoice_gets_no_document(world: World) -> None:
    invoice_id = await billed(world)
    with World(instant("2024-03-01T05:10:00Z")) as other:
        async with tenant_work(other.tenant) as work:
            assert await generate(work, [invoice_id]) == []
    assert world.rows("invoices")[0].document_key is None


@pytest.mark.parametrize("country", ["FR", "DE"])
async def test_an_entity_with_electronic_invoices_gets_the_xml_alone_and_inside_the_pdf(
    world: World, country: str
) -> None:
    world.execute("UPDATE billing_entities SET einvoicing = true, country = %s", country)
    invoice_id = await billed(world)
    async with tenant_work(world.tenant) as work:
        await generate(work, [invoice_id])
    (row,) = world.rows("invoices")
    xml = etree.fromstring(await storage.get(row.xml_key))
    assert facturx.xml_check_xsd(xml)
    assert xml.findtext("{*}ID") == row.number
    assert xml.findtext("{*}LegalMonetaryTotal/{*}PayableAmount") == "75.60"
    assert [line.findtext("{*}LineExtensionAmount") for line in xml.findall("{*}InvoiceLine")] == [
        "1.00", "13.00", "49.00",
    ]  # fmt: skip
    assert ("xrechnung" in (xml.findtext("{*}CustomizationID") or "")) is (country == "DE")
    name, inside = facturx.get_xml_from_pdf(await storage.get(row.document_key), check_xsd=True)
    assert name == "factur-x.xml"
    assert b"<ram:DuePayableAmount>75.60</ram:DuePayableAmount>" in inside


async def test_without_the_buyers_country_there_is_a_pdf_and_no_electronic_invoice(world: World) -> None:
    world.execute("UPDATE billing_entities SET einvoicing = true")
    invoice_id = await billed(world)
    world.execute("UPDATE customers SET country = NULL")
    async with tenant_work(world.tenant) as work:
        await generate(work, [invoice_id])
    (row,) = world.rows("invoices")
    assert (row.xml_key, row.document_key is not None) == (None, True)


async def test_coupons_percentages_and_minimums_are_told(world: World) -> None:
    plan = world.plan(4900)
    rates = {"rate": "1.5", "fixed_amount": "0.1", "free_units_per_events": 1}
    world.charge(plan, world.metric("transfers"), "percentage", rates, 0, min_amount_cents=500)
    customer = world.customer(document_locale="fr")
    coupon = world.insert(
        "coupons", organization_id=world.organization_id, name="Welcome", code="welcome", coupon_type="percentage",
        percentage_rate=10, frequency="once", expiration="no_expiration", status="active", reusable=True,
        limited_plans=False, limited_billable_metrics=False,
    )  # fmt: skip
    world.insert(
        "applied_coupons", organization_id=world.organization_id, coupon_id=coupon, customer_id=customer,
        percentage_rate=10, frequency="once", status="active",
    )  # fmt: skip
    subscription = world.subscription(customer, plan, "2024-02-01T10:00:00Z", external_id="sub-coupon")
    for units in ("100", "21"):
        world.event("sub-coupon", "transfers", "2024-02-05T00:00:00Z", units)
    async with tenant_work(world.tenant) as work:
        (made,) = await bill_subscriptions(work, [BillRequest((subscription,), world.now, "subscription_periodic")])
    shown = await document(world, made)
    _, transfers, minimum = shown.sections[0].groups[0].lines
    (percentage,) = transfers.parts
    assert isinstance(percentage, Percentage)
    assert (percentage.free_units, percentage.base_units, percentage.rate) == (D(100), D(21), D("1.5"))
    assert (percentage.amount, percentage.paid_events, percentage.fixed_amount) == (32, D(1), 10)
    assert (minimum.label, minimum.amount) == ("transfers, complément au minimum", 500 - transfers.amount)
    (spent,) = shown.totals.coupons
    assert (spent.name, spent.rate, spent.amount) == ("Welcome", D(10), 540)


async def test_units_of_recurring_metrics_are_shown_by_the_days_they_were_held(world: World) -> None:
    plan = world.plan(4900, name="Gold")
    seats, users = world.metric("seats", recurring=True), world.metric("users", "unique_count_agg", recurring=True)
    world.charge(plan, seats, "standard", {"amount": "30"}, 0, prorated=True)
    world.charge(plan, users, "standard", {"amount": "29"}, 1, prorated=True)
    world.charge(plan, seats, "standard", {"amount": "1"}, 2)
    subscription = world.subscription(world.customer(), plan, "2024-01-10T10:00:00Z", external_id="sub")
    world.event("sub", "seats", "2024-01-15T00:00:00Z", "10")
    world.event("sub", "seats", "2024-02-11T00:00:00Z", "5")
    world.event("sub", "seats", "2024-02-11T09:00:00Z", "1")
    world.event("sub", "seats", "2024-02-20T00:00:00Z", "-2")
    world.event("sub", "users", "2024-02-01T00:00:00Z", "1")
    world.event("sub", "users", "2024-02-15T00:00:00Z", "2")
    async with tenant_work(world.tenant) as work:
        (made,) = await bill_subscriptions(work, [BillRequest((subscription,), world.now, "subscription_periodic")])
    (section,) = (await document(world, made)).sections
    whole, prorated, unique = (
        [(row.since, row.days, row.of_days, row.units) for row in each.rows]
        for each in sorted(section.breakdowns, key=lambda each: (each.label, each.rows[0].units))
    )
    since = [(date(2024, 2, 1), 29, 29, D(10)), (date(2024, 2, 11), 19, 29, D(6)), (date(2024, 2, 20), 10, 29, D(-2))]
    assert prorated == whole == since
    assert unique == [(None, 29, 29, D(1)), (None, 15, 29, D(1))]
    # What came later and makes other units is not shown with a fee of these.
    world.execute("UPDATE invoices SET document_key = NULL")
    world.event("sub", "seats", "2024-02-12T00:00:00Z", "7")
    (section,) = (await document(world, made)).sections
    assert [each.label for each in section.breakdowns] == ["users"]


async def test_a_self_billed_invoice_is_the_partners_written_by_its_recipient(world: World) -> None:
    made = await billed(world)
    world.execute("UPDATE invoices SET self_billed = true, document_key = NULL")
    shown = await document(world, made)
    assert (shown.sender.name, shown.recipient.name) == ("Harbour - Jo", "Northwind SAS")


@pytest.mark.parametrize(
    ("fee_type", "own", "label"),
    [("commitment", None, "Mindestabnahme"), ("credit", None, "Guthaben"), ("credit", "Konto A", "Konto A")],
)
def test_a_fee_without_a_name_is_called_in_the_customers_language(fee_type: str, own: str | None, label: str) -> None:
    fee = Row(
        fee_type=fee_type, invoice_display_name=own, true_up_parent_fee_id=None, grouped_by={}, charge_id=None,
        add_on_id=None, charge_filter_id=None,
    )  # fmt: skip
    assert line_label(fee, labels_for("de")) == label


async def test_lines_stand_in_the_order_of_base_fee_fixed_charges_by_name_usage(world: World) -> None:
    plan = world.plan(4900, name="Gold")
    world.charge(plan, world.metric("calls"), "standard", {"amount": "1"}, 0)
    fixed = [world.fixed_charge(plan, "10", "2", invoice_display_name=name) for name in ("Zebra", "alpha")]
    subscription = world.subscription(world.customer(), plan, "2024-01-10T10:00:00Z", external_id="sub-fixed")
    for each in fixed:
        world.units(subscription, each, "2", "2024-01-10T10:00:00Z")
    world.event("sub-fixed", "calls", "2024-02-05T00:00:00Z", "3")
    async with tenant_work(world.tenant) as work:
        (made,) = await bill_subscriptions(work, [BillRequest((subscription,), world.now, "subscription_periodic")])
    (section,) = (await document(world, made)).sections
    assert [line.label for group in section.groups for line in group.lines] == ["Gold", "alpha", "Zebra", "calls"]
