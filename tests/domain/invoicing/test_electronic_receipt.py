"""Electronic receipts fit the schemas and say what was paid of which invoice."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import facturx
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from domain.invoicing.einvoice import (
    Country,
    ElectronicReceipt,
    Trader,
    receipt_invoice,
    receipt_xml,
)
from domain.invoicing.einvoice.receipt import response_xml
from domain.invoicing.einvoice.render import factur_x_xml

SELLER = Trader("Northwind SAS", "FR", "123456789", "FR83404833048", "billing@northwind.example", city="Paris")
BUYER = Trader("Harbour GmbH", "DE", phone="+49 40 1", address_line1="Am Sandtorkai 1", zipcode="20457")
RECEIPT = ElectronicReceipt(
    Country.FRANCE, "HAR-1-RCPT-000002", date(2026, 1, 31), "EUR", SELLER, BUYER,
    (("NOR-1", 4000), ("NOR-2", 550)), "Manual payment (wire 7)",
)  # fmt: skip


def texts(xml: bytes, path: str) -> list[str | None]:
    return [each.text for each in etree.fromstring(xml).iterfind(path)]


async def test_the_file_says_of_every_invoice_that_it_is_paid() -> None:
    xml = await receipt_xml(RECEIPT)
    assert etree.fromstring(xml).tag.endswith("ApplicationResponse-2}ApplicationResponse")
    assert texts(xml, "{*}ID") == ["HAR-1-RCPT-000002"]
    assert texts(xml, "{*}IssueDate") == ["2026-01-31"]
    assert texts(xml, "{*}SenderParty/{*}PartyName/{*}Name") == ["Northwind SAS"]
    assert texts(xml, "{*}ReceiverParty/{*}PostalAddress/{*}PostalZone") == ["20457"]
    assert texts(xml, "{*}DocumentResponse/{*}DocumentReference/{*}ID") == ["NOR-1", "NOR-2"]
    assert texts(xml, "{*}DocumentResponse/{*}Response/{*}ResponseCode") == ["PD", "PD"]
    assert texts(xml, "{*}DocumentResponse/{*}Response/{*}Description") == ["Paid: 40.00 EUR", "Paid: 5.50 EUR"]


def test_what_is_inside_the_pdf_is_of_type_202_and_leaves_nothing_to_pay() -> None:
    xml = factur_x_xml(receipt_invoice(RECEIPT))
    assert facturx.xml_check_schematron(xml, "factur-x", "en16931") is True
    assert texts(xml, "{*}ExchangedDocument/{*}TypeCode") == ["202"]
    for name, amount in (("GrandTotalAmount", "45.50"), ("TotalPrepaidAmount", "45.50"), ("DuePayableAmount", "0.00")):
        assert texts(xml, f".//{{*}}{name}") == [amount]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.text("AB-19", min_size=1, max_size=9), st.integers(1, 10**12)), min_size=1, max_size=5),
    st.sampled_from(["EUR", "JPY", "KWD"]),
    st.sampled_from(list(Country)),
)
def test_any_receipt_fits_both_schemas(paid: list[tuple[str, int]], currency: str, country: Country) -> None:
    receipt = replace(RECEIPT, paid=tuple(paid), currency=currency, country=country)
    assert texts(response_xml(receipt), "{*}DocumentResponse/{*}DocumentReference/{*}ID") == [each for each, _ in paid]
    assert len(texts(factur_x_xml(receipt_invoice(receipt)), ".//{*}LineTotalAmount")) == len(paid) + 1


def test_characters_that_no_file_can_hold_are_left_out() -> None:
    assert texts(response_xml(replace(RECEIPT, number="HAR\u0001-1")), "{*}ID") == ["HAR-1"]
