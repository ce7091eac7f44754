"""Everything an invoice document shows, as plain frozen values: no rows, no formatting, no language.

Amounts are integers of the currency's minor unit. Unit prices and package prices are Decimals in the currency itself
(they may be finer than its minor unit), units are Decimals, rates are Decimals in percent, dates are local to the
customer. Source of the sections: handbook, subscriptions and invoices 10.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

__all__ = [
    "Breakdown",
    "BreakdownRow",
    "Coupon",
    "CustomSection",
    "Detail",
    "Group",
    "InvoiceDocument",
    "ItemKind",
    "Line",
    "Note",
    "Package",
    "Party",
    "Percentage",
    "Section",
    "TaxLine",
    "Tier",
    "Title",
    "Totals",
    "title_of",
]


class Title(StrEnum):
    INVOICE = "invoice"
    TAX_INVOICE = "tax_invoice"
    PAID_INVOICE = "paid_invoice"
    PAID_TAX_INVOICE = "paid_tax_invoice"
    ADVANCE_INVOICE = "advance_invoice"
    SELF_BILLING_INVOICE = "self_billing_invoice"


class ItemKind(StrEnum):
    """What the lines count: units at a unit price, or credits at a rate."""

    UNITS = "units"
    CREDITS = "credits"


class Note(StrEnum):
    TAX_EXEMPT = "tax_exempt"
    TAX_EXEMPT_FRANCE = "tax_exempt_france"
    REVERSE_CHARGE = "reverse_charge"


TAX_INVOICE_COUNTRIES = frozenset({"AU", "AE", "NZ", "ID", "SG"})


def title_of(invoice_type: str, *, self_billed: bool, country: str | None) -> Title:
    """The title for an invoice type and the billing entity's country (ISO code)."""
    if self_billed:
        return Title.SELF_BILLING_INVOICE
    if invoice_type == "credit":
        return Title.ADVANCE_INVOICE
    paid = invoice_type == "advance_charges"
    if country in TAX_INVOICE_COUNTRIES:
        return Title.PAID_TAX_INVOICE if paid else Title.TAX_INVOICE
    return Title.PAID_INVOICE if paid else Title.INVOICE


@dataclass(frozen=True, slots=True)
class Party:
    """Who sends or receives the invoice. Addresses are lines as they shall be printed."""

    name: str
    legal_number: str | None = None
    address: tuple[str, ...] = ()
    shipping_address: tuple[str, ...] = ()
    email: str | None = None
    tax_id: str | None = None


@dataclass(frozen=True, slots=True)
class Tier:
    """One tier's part of a graduated or volume charge: units `first` to `last` (None: and above).

    `flat_amount` is the tier's flat fee, 0 when there is none; `amount` leaves it out."""

    first: Decimal
    last: Decimal | None
    units: Decimal
    unit_price: Decimal
    amount: int
    flat_amount: int = 0


@dataclass(frozen=True, slots=True)
class Package:
    """A package charge: `packages` of `size` units at `price` each, after `free_units`."""

    free_units: Decimal
    size: Decimal
    packages: Decimal
    price: Decimal
    amount: int


@dataclass(frozen=True, slots=True)
class Percentage:
    """A percentage charge: `rate` percent on `base_units` of value, a fixed fee for each of `paid_events`.

    `adjustment` is what minimum and maximum per transaction add or take away, in minor units."""

    base_units: Decimal
    rate: Decimal
    amount: int
    free_units: Decimal = Decimal(0)
    paid_events: Decimal = Decimal(0)
    fixed_fee: Decimal = Decimal(0)
    fixed_amount: int = 0
    adjustment: int = 0


@dataclass(frozen=True, slots=True)
class Detail:
    """A part of a line under its own name: a filter, a pricing group, a true-up."""

    label: str
    units: Decimal | None = None
    unit_price: Decimal | None = None
    amount: int | None = None


Part = Tier | Package | Percentage | Detail


@dataclass(frozen=True, slots=True)
class Line:
    """One fee. `tax_rates` in percent; empty where no tax line applies. A unit price of None prints nothing."""

    label: str
    amount: int
    units: Decimal | None = None
    unit_price: Decimal | None = None
    tax_rates: tuple[Decimal, ...] = ()
    description: str | None = None
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of one billing period (both days included), or of none."""

    lines: tuple[Line, ...]
    period: tuple[date, date] | None = None


@dataclass(frozen=True, slots=True)
class BreakdownRow:
    """Units held for `days` of a period of `of_days`, from the day `since` where that is one."""

    since: date | None
    days: int
    of_days: int
    units: Decimal


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A recurring metric by the days its units were held."""

    label: str
    rows: tuple[BreakdownRow, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """What is billed for one subscription. `amount`: the sum of its lines, shown in the summary of several."""

    title: str
    groups: tuple[Group, ...]
    amount: int
    breakdowns: tuple[Breakdown, ...] = ()


@dataclass(frozen=True, slots=True)
class Coupon:
    """An applied coupon; `amount` is what it takes off, above zero. `rate` in percent for percentage coupons."""

    name: str
    amount: int
    rate: Decimal | None = None


@dataclass(frozen=True, slots=True)
class TaxLine:
    name: str
    rate: Decimal
    base: int
    amount: int


@dataclass(frozen=True, slots=True)
class Totals:
    """The foot of the invoice. What reduces it (credits, coupons) is given above zero and printed with a minus."""

    sub_total_excluding_taxes: int
    sub_total_including_taxes: int
    total: int
    taxes: tuple[TaxLine, ...] = ()
    progressive_billing_credit: int = 0
    coupons: tuple[Coupon, ...] = ()
    credit_notes: int = 0
    free_credits: int = 0
    prepaid_credits: int = 0


@dataclass(frozen=True, slots=True)
class CustomSection:
    name: str
    details: str = ""


@dataclass(frozen=True, slots=True)
class InvoiceDocument:
    """One invoice document. `currency`: ISO code; `locale`: one of LOCALES in labels.py; `logo`: PNG, JPEG, GIF, WebP
    or SVG bytes; `metadata`: displayable (name, value) pairs of the customer;
    `threshold_amount`: the lifetime usage that triggered a progressive invoice."""

    title: Title
    number: str
    issuing_date: date
    currency: str
    locale: str
    sender: Party
    recipient: Party
    sections: tuple[Section, ...]
    totals: Totals
    amount_due: int
    payment_due_date: date | None = None
    net_payment_term: int | None = None
    purchase_order_number: str | None = None
    metadata: tuple[tuple[str, str], ...] = ()
    item_kind: ItemKind = ItemKind.UNITS
    notes: tuple[Note, ...] = ()
    threshold_amount: int | None = None
    custom_sections: tuple[CustomSection, ...] = ()
    footer: str | None = None
    logo: bytes | None = None
