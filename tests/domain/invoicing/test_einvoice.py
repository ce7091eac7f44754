"""The business terms of electronic invoices add up, whatever is on the invoice, and fit the schemas."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from types import SimpleNamespace as Row
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from domain.invoicing.einvoice import (
    Country,
    ElectronicInvoice,
    Exemption,
    InvalidElectronicInvoice,
    InvoiceLine,
    Trader,
    TypeCode,
)
from domain.invoicing.einvoice.render import factur_x_xml, ubl_xml
from domain.invoicing.einvoice.terms import business_terms, spread
from domain.invoicing.einvoice_parts import exemption_of
from domain.kernel.money import round_cents

D = Decimal
SELLER = Trader("Northwind SAS", "FR", "123456789", "FR83404833048", "billing@northwind.example", city="Paris")
BUYER = Trader("Harbour GmbH", "DE", None, "DE136695976", "hello@harbour.example", city="Hamburg", zipcode="20457")


def invoice(*lines: InvoiceLine, reduced: int = 0, prepaid: int = 0, **more: Any) -> ElectronicInvoice:
    """Taxed as an invoice is: once, on the unrounded sum."""
    taxes = round_cents(sum(((line.amount - line.share) * line.rate / 100 for line in lines), D(0)))
    total = sum(line.amount for line in lines) - reduced + taxes - prepaid
    fields: dict[str, Any] = {
        "country": Country.FRANCE, "type_code": TypeCode.INVOICE, "number": "NOR-1", "issuing_date": date(2026, 1, 31),
        "currency": "EUR", "seller": SELLER, "buyer": BUYER, "payment_due_date": date(2026, 3, 1),
        "delivery_date": date(2026, 1, 1), "buyer_reference": "harbour",
    }  # fmt: skip
    return ElectronicInvoice(
        lines=lines, reduced=reduced, taxes=taxes, total=total, prepaid=prepaid, **{**fields, **more}
    )


def line(amount: int, rate: str = "20", share: str = "0", units: str = "1") -> InvoiceLine:
    return InvoiceLine("Calls", D(units), D(amount) / 100 / (D(units) or 1), amount, D(rate), D(share))


@given(
    st.lists(
        st.tuples(st.integers(0, 10**9), st.sampled_from(["0", "5.5", "19", "20"]), st.decimals(0, 1, places=5)),
        min_size=1,
        max_size=12,
    )
)
def test_what_stands_under_the_rates_sums_to_the_invoice(drawn: list[tuple[int, str, Decimal]]) -> None:
    lines = [line(amount, rate, str((amount * part).quantize(D("0.00001")))) for amount, rate, part in drawn]
    reduced = round_cents(sum((each.share for each in lines), D(0)))
    made = invoice(*lines, reduced=reduced)
    terms = business_terms(made)

    def added(group: str, term: str) -> Decimal:
        return sum((D(each[term]) for each in terms.get(group, ())), D(0))

    assert added("BG-25", "BT-131") == D(terms["BT-106"])
    assert added("BG-20", "amount") == D(terms.get("BT-107", "0")) == D(reduced) / 100
    assert added("BG-23", "BT-116") == D(terms["BT-109"])
    assert added("BG-23", "BT-117") == D(terms["BT-110"]) == D(made.taxes) / 100
    assert D(terms["BT-115"]) == D(made.total) / 100
    for part in terms["BG-23"]:
        assert abs(D(part["BT-117"]) - D(part["BT-116"]) * D(part["BT-119"]) / 100) <= D("0.02")


@given(st.integers(-(10**6), 10**6), st.lists(st.decimals(0, 10**6, places=5), min_size=1, max_size=9))
def test_spreading_loses_nothing(total: int, parts: list[Decimal]) -> None:
    assert sum(spread(total, {("S", D(index)): part for index, part in enumerate(parts)}).values()) == total


FEES = st.tuples(st.integers(0, 10**7), st.sampled_from(["0", "5.5", "20"]), st.sampled_from(["0", "0.5", "1234567"]))


@settings(max_examples=5, deadline=None)
@given(st.lists(FEES, min_size=1, max_size=4), st.sampled_from(list(Country)))
def test_both_files_fit_their_schemas(drawn: list[tuple[int, str, str]], country: Country) -> None:
    made = invoice(*(line(amount, rate, units=units) for amount, rate, units in drawn), country=country)
    assert ubl_xml(made)
    assert factur_x_xml(made)


@pytest.mark.parametrize(
    ("type_code", "lines", "category"),
    [
        (TypeCode.PREPAYMENT, (replace(line(10000, "0"), taxable=False),), "O"),
        (TypeCode.SELF_BILLED, (line(10000),), "S"),
        (TypeCode.INVOICE, (line(10000, "0"),), "Z"),
    ],
)
def test_every_type_of_invoice_says_its_type_and_tax_category(
    type_code: TypeCode, lines: tuple[InvoiceLine, ...], category: str
) -> None:
    xml = etree.fromstring(ubl_xml(invoice(*lines, type_code=type_code, purchase_order_number="PO 7")))
    assert xml.findtext("{*}InvoiceTypeCode") == type_code.value
    assert xml.findtext("{*}TaxTotal/{*}TaxSubtotal/{*}TaxCategory/{*}ID") == category
    assert xml.findtext("{*}OrderReference/{*}ID") == "PO 7"


@pytest.mark.parametrize(
    ("code", "seller", "buyer", "legal", "expected"),
    [
        ("lago_eu_reverse_charge", "FR1", "DE1", None, Exemption.REVERSE_CHARGE),
        ("lago_eu_reverse_charge", "FR1", None, "HRB 1", Exemption.REVERSE_CHARGE),
        ("lago_eu_reverse_charge", "FR1", None, None, None),
        ("lago_eu_reverse_charge", None, "DE1", None, None),
        ("lago_eu_tax_exempt", "FR1", None, None, Exemption.EXEMPT),
        ("lago_eu_tax_exempt", None, None, None, None),
        ("zero", "FR1", "DE1", None, None),
    ],
)
def test_a_rate_of_nothing_has_a_reason_where_the_parties_have_the_numbers_that_the_norm_wants_with_it(
    code: str, seller: str | None, buyer: str | None, legal: str | None, expected: Exemption | None
) -> None:
    parties = Trader("N", vat_number=seller), Trader("H", legal_number=legal, vat_number=buyer)
    assert exemption_of([Row(tax_code=code)], *parties) is expected


def test_the_reason_stands_beside_the_rate_of_nothing() -> None:
    terms = business_terms(invoice(replace(line(10000, "0"), exemption=Exemption.REVERSE_CHARGE), line(500)))
    reverse, standard = terms["BG-23"]
    assert (reverse["BT-118"], reverse["BT-119"], reverse["BT-121"]) == ("AE", "0", "VATEX-EU-AE")
    assert (standard["BT-118"], standard["BT-119"]) == ("S", "20")
    assert "BT-120" not in standard


def test_a_yen_has_no_decimals() -> None:
    terms = business_terms(invoice(line(1234, "10"), currency="JPY"))
    assert (terms["BT-106"], terms["BT-110"], terms["BT-112"]) == ("1234", "123", "1357")


def test_what_wallets_and_notes_paid_is_prepaid() -> None:
    terms = business_terms(invoice(line(10000), prepaid=2000))
    assert (terms["BT-112"], terms["BT-113"], terms["BT-115"]) == ("120.00", "20.00", "100.00")


def test_what_the_norm_refuses_is_refused_with_its_reason() -> None:
    with pytest.raises(InvalidElectronicInvoice, match="BT-1"):
        ubl_xml(invoice(line(1), number=""))
