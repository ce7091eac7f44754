"""The business terms of EN 16931 (BT-1, BG-4, …) of an electronic invoice: pure.

The sums that the norm checks hold by construction: allowances and taxes are split over the tax rates so that they add
up to what the invoice states, the last cent going to the rate with the largest base.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from domain.invoicing.einvoice.model import Country, ElectronicInvoice, Exemption, InvoiceLine, Trader
from domain.kernel.currencies import currency_of
from domain.kernel.money import ZERO, from_cents, round_cents

__all__ = ["PEPPOL_BILLING", "XRECHNUNG", "business_terms", "category_of", "spread", "xml_text"]

XRECHNUNG: Final = "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"
PEPPOL_BILLING: Final = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
UNIT: Final = "C62"
"""One of something (UN/ECE recommendation 20)."""
PAYMENT_NOT_DEFINED: Final = "1"
EMAIL_SCHEME: Final = "EM"
DISCOUNT: Final = "95"
"""UNTDID 5189."""
NOT_SUBJECT: Final = "O"
_NO_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

EXEMPT_BY_LAW: Final = {Country.FRANCE: "TVA non applicable, art. 259-1 du CGI"}
"""What the document says as well (see its labels)."""

Category = tuple[str, Decimal]


@dataclass(frozen=True, slots=True)
class _Part:
    """What stands under one tax rate, in cents."""

    lines: int
    reduced: int
    taxes: int

    @property
    def base(self) -> int:
        return self.lines - self.reduced


def category_of(line: InvoiceLine) -> Category:
    """UNTDID 5305 and the rate: standard, reverse charge, exempt, zero rated, or outside the scope of VAT."""
    if not line.taxable:
        return NOT_SUBJECT, ZERO
    return ("S", line.rate) if line.rate else (line.exemption or "Z", ZERO)


def xml_text(text: str) -> str:
    """The text without the characters that XML has no place for."""
    return _NO_XML.sub("", text)


def spread(total: int, exact: Mapping[Category, Decimal]) -> dict[Category, int]:
    """Whole cents for each key, near its exact amount, that sum to the total."""
    if not exact:
        return {}
    found = {key: round_cents(amount) for key, amount in exact.items()}
    largest = max(exact, key=lambda key: (abs(exact[key]), key))
    found[largest] += total - sum(found.values())
    return found


def business_terms(invoice: ElectronicInvoice) -> dict[str, Any]:
    """The terms by their numbers, amounts as texts in units of the currency. Raises UnknownCurrencyError."""
    exponent = currency_of(invoice.currency).exponent

    def money(cents: int) -> str:
        return f"{from_cents(cents, invoice.currency):.{exponent}f}"

    parts = _parts(invoice)
    # What is not subject to VAT names no VAT numbers (BR-O-02).
    with_vat = all(code != NOT_SUBJECT for code, _ in parts)
    lines = sum(part.lines for part in parts.values())
    base = sum(part.base for part in parts.values())
    gross = base + invoice.taxes
    terms: dict[str, Any] = {
        "BT-1": invoice.number,
        "BT-2": invoice.issuing_date,
        "BT-3": invoice.type_code.value,
        "BT-5": invoice.currency,
        "BT-9": invoice.payment_due_date,
        "BT-10": invoice.buyer_reference,
        "BT-13": invoice.purchase_order_number,
        "BT-20": invoice.payment_terms,
        "BT-23": PEPPOL_BILLING if invoice.country is Country.GERMANY else None,
        "BT-72": invoice.delivery_date,
        "BT-81": PAYMENT_NOT_DEFINED,
        "BG-3": [{"BT-25": invoice.corrects}] if invoice.corrects else None,
        "BG-4": _trader(invoice.seller, with_vat),
        "BG-7": _trader(invoice.buyer, with_vat),
        "BG-20": [
            {
                "amount": money(part.reduced),
                "reason": "Discount",
                "reason_code": DISCOUNT,
                "vat_category_code": code,
                **({"vat_rate": _rate(rate)} if code != "O" else {}),
            }
            for (code, rate), part in parts.items()
            if part.reduced
        ],
        "BG-23": [
            {
                "BT-116": money(part.base),
                "BT-117": money(part.taxes),
                "BT-118": code,
                **_reason(code, rate, invoice.country),
            }
            for (code, rate), part in parts.items()
        ],
        "BG-25": [
            _line(number, line, invoice, money)
            for number, line in enumerate(sorted(invoice.lines, key=lambda each: each.amount), 1)
        ],
        "BT-106": money(lines),
        "BT-107": money(lines - base) if lines != base else None,
        "BT-109": money(base),
        "BT-110": money(invoice.taxes),
        "BT-112": money(gross),
        "BT-113": money(invoice.prepaid) if invoice.prepaid else None,
        "BT-115": money(gross - invoice.prepaid),
    }
    return {term: _printable(value) for term, value in terms.items() if value not in (None, [])}


def _printable(value: Any) -> Any:
    """Lists, dictionaries and texts without what XML cannot hold; other values as they are."""
    if isinstance(value, str):
        return xml_text(value)
    if isinstance(value, list):
        return [_printable(each) for each in value]
    return {key: _printable(each) for key, each in value.items()} if isinstance(value, dict) else value


def _parts(invoice: ElectronicInvoice) -> dict[Category, _Part]:
    """Lines, reductions and taxes by category and rate, in the order of the rates."""
    lines: dict[Category, int] = {}
    shares: dict[Category, Decimal] = {}
    for line in invoice.lines:
        key = category_of(line)
        lines[key] = lines.get(key, 0) + line.amount
        shares[key] = shares.get(key, ZERO) + line.share
    reduced = spread(invoice.reduced, shares)
    exact = {key: Decimal(lines[key] - reduced[key]) * key[1] / 100 for key in lines}
    # What is not taxed takes no last cent.
    taxes = spread(invoice.taxes, {key: tax for key, tax in exact.items() if key[1]})
    return {key: _Part(lines[key], reduced[key], taxes.get(key, 0)) for key in sorted(lines)}


def _line(number: int, line: InvoiceLine, invoice: ElectronicInvoice, money: Any) -> dict[str, Any]:
    code, rate = category_of(line)
    units, price = line.units, line.unit_price
    if not units or not price:
        # The norm wants a quantity and a price for every amount.
        units, price = Decimal(1), from_cents(line.amount, invoice.currency)
    found = {
        "BT-126": str(number),
        "BT-129": f"{units.normalize():f}",
        "BT-130": UNIT,
        "BT-131": money(line.amount),
        "BT-146": f"{price.normalize():f}",
        "BT-151": code,
        "BT-153": line.name,
    }
    if code != "O":
        found["BT-152"] = _rate(rate)
    if line.description:
        found["BT-154"] = line.description
    return found


def _reason(code: str, rate: Decimal, country: Country) -> dict[str, Any]:
    """The rate of a category, and why it is nothing."""
    if code == NOT_SUBJECT:
        # An XRechnung states a rate even here (BR-DE-14).
        stated = {"BT-119": "0"} if country is Country.GERMANY else {}
        return {**stated, "BT-120": "Not subject to VAT", "BT-121": "VATEX-EU-O"}
    reasons = {
        Exemption.REVERSE_CHARGE: {"BT-120": "Reverse charge", "BT-121": "VATEX-EU-AE"},
        Exemption.EXEMPT: {"BT-120": EXEMPT_BY_LAW.get(country, "Exempt from tax")},
    }
    return {"BT-119": _rate(rate), **(reasons[Exemption(code)] if code in list(Exemption) else {})}


def _trader(trader: Trader, with_vat: bool) -> dict[str, Any]:
    # Without a VAT number something else must tell who sells (BR-CO-26).
    other = trader.vat_number and not with_vat and not trader.legal_number
    found: dict[str, Any] = {
        "name": trader.name,
        "identifiers": {"": trader.vat_number} if other else None,
        "country_code": trader.country,
        "city": trader.city,
        "postcode": trader.zipcode,
        "addr_l1": trader.address_line1,
        "addr_l2": trader.address_line2,
        "country_subdivision": trader.state,
        "legal_identifier": trader.legal_number,
        "vat_identifier": trader.vat_number if with_vat else None,
        "einvoicing_addr": trader.email,
        "einvoicing_addr_schemeid": EMAIL_SCHEME if trader.email else None,
        "contacts": [{"name": trader.name, "phone": trader.phone, "email": trader.email}] if trader.email else None,
    }
    return {name: value for name, value in found.items() if value}


def _rate(rate: Decimal) -> str:
    return f"{rate.normalize():f}" if rate else "0"
