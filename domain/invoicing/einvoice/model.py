"""What an electronic invoice says, as plain frozen values. Amounts are integers of the currency's minor unit.

Source: handbook, subscriptions and invoices 10.3; EN 16931-1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

__all__ = ["Country", "ElectronicInvoice", "ElectronicReceipt", "Exemption", "InvoiceLine", "Trader", "TypeCode"]


class Country(StrEnum):
    """Where electronic invoices can be issued."""

    FRANCE = "FR"
    GERMANY = "DE"


class TypeCode(StrEnum):
    """UNTDID 1001."""

    INVOICE = "380"
    PREPAYMENT = "386"
    SELF_BILLED = "389"
    CREDIT_NOTE = "381"
    RECEIPT = "202"


class Exemption(StrEnum):
    """Why a line has a rate of nothing, where the norm wants more to be said than that (UNTDID 5305)."""

    REVERSE_CHARGE = "AE"
    EXEMPT = "E"


@dataclass(frozen=True, slots=True)
class Trader:
    """Seller or buyer. country: ISO 3166-1."""

    name: str
    country: str | None = None
    legal_number: str | None = None
    vat_number: str | None = None
    email: str | None = None
    phone: str | None = None
    address_line1: str | None = None
    address_line2: str | None = None
    city: str | None = None
    zipcode: str | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """A fee. unit_price: in units of the currency. rate: all its taxes in percent. share: cents (with decimals) that
    coupons and progressive credits took off it before taxes. taxable: False for prepaid credits, which are no supply.
    exemption: only with a rate of 0."""

    name: str
    units: Decimal
    unit_price: Decimal
    amount: int
    rate: Decimal
    share: Decimal = Decimal(0)
    description: str | None = None
    taxable: bool = True
    exemption: Exemption | None = None


@dataclass(frozen=True, slots=True)
class ElectronicInvoice:
    """An invoice or credit note. taxes: as the document states them. reduced: what coupons and progressive credits
    took off. prepaid: what wallets and credit notes paid. corrects: the number of the invoice that a note credits."""

    country: Country
    type_code: TypeCode
    number: str
    issuing_date: date
    currency: str
    seller: Trader
    buyer: Trader
    lines: tuple[InvoiceLine, ...]
    reduced: int
    taxes: int
    total: int
    prepaid: int = 0
    payment_due_date: date | None = None
    delivery_date: date | None = None
    buyer_reference: str | None = None
    purchase_order_number: str | None = None
    payment_terms: str | None = None
    corrects: str | None = None


@dataclass(frozen=True, slots=True)
class ElectronicReceipt:
    """A receipt: paid on one day, so much of each of these invoices (number, cents of the currency)."""

    country: Country
    number: str
    paid_on: date
    currency: str
    seller: Trader
    buyer: Trader
    paid: tuple[tuple[str, int], ...]
    method: str
