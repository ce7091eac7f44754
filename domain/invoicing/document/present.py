"""From the values of an invoice document to the strings on its pages, in the order in which they are printed.

The template prints what it is given and decides nothing but places: words, numbers, dates and which rows exist are
settled here, where they can be read and tested without a PDF.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TypedDict

from domain.invoicing.document.formatting import Formatter, formatter_for
from domain.invoicing.document.labels import Labels, labels_for
from domain.invoicing.document.model import (
    BreakdownRow,
    Group,
    InvoiceDocument,
    ItemKind,
    Line,
    Package,
    Part,
    Party,
    Percentage,
    Section,
    Tier,
    Totals,
)

__all__ = ["Presented", "line_row", "party_lines", "present", "total_row"]


class Row(TypedDict):
    """One row of a table: the cells as printed, empty texts where nothing is to be said."""

    label: str
    description: str
    units: str
    unit_price: str
    tax: str
    amount: str
    parts: list[PartRow]


class PartRow(TypedDict):
    label: str
    units: str
    unit_price: str
    amount: str


class GroupRows(TypedDict):
    period: str
    rows: list[Row]


class BreakdownRows(TypedDict):
    label: str
    days: list[tuple[str, str, str]]


class SectionRows(TypedDict):
    title: str
    amount: str
    groups: list[GroupRows]
    breakdowns: list[BreakdownRows]


class TotalRow(TypedDict):
    label: str
    amount: str
    strong: bool


class PartyLines(TypedDict):
    heading: str
    name: str
    lines: list[str]
    shipping_heading: str
    shipping: list[str]


class Columns(TypedDict):
    """The heads of the columns; units, unit prices and taxes without a head are not printed."""

    item: str
    units: str
    unit_price: str
    tax: str
    amount: str


class Presented(TypedDict):
    """The JSON that invoice.typ reads."""

    language: str
    region: str
    title: str
    number: str
    logo: str
    facts: list[tuple[str, str]]
    parties: list[PartyLines]
    due: tuple[str, str, str]
    threshold: str
    summary_heading: str
    columns: Columns
    sections: list[SectionRows]
    totals: list[TotalRow]
    notes: list[str]
    custom_sections: list[tuple[str, str]]
    footer: str


def present(document: InvoiceDocument) -> Presented:
    """The document in its locale. Raises ValueError for an unknown locale or currency."""
    labels = labels_for(document.locale)
    form = formatter_for(document.locale, document.currency)
    language, _, region = document.locale.partition("-")
    in_credits = document.item_kind is ItemKind.CREDITS
    return {
        "language": language,
        "region": region,
        "title": labels(document.title.value),
        "number": document.number,
        "logo": "",
        "facts": list(_facts(document, labels, form)),
        "parties": [
            party_lines(labels("from"), document.sender, labels),
            party_lines(labels("bill_to"), document.recipient, labels),
        ],
        "due": (labels("amount_due"), form.money(document.amount_due), _due_on(document, labels, form)),
        "threshold": ""
        if document.threshold_amount is None
        else labels("threshold", amount=form.money(document.threshold_amount)),
        "summary_heading": labels("summary"),
        "columns": {
            "item": labels("item"),
            "units": labels("credits" if in_credits else "units"),
            "unit_price": labels("rate" if in_credits else "unit_price"),
            # Prepaid credits are no supply, so that no tax is on them.
            "tax": "" if in_credits else labels("tax_rate"),
            "amount": labels("amount"),
        },
        "sections": [_section(section, labels, form) for section in document.sections],
        "totals": list(_totals(document.totals, labels, form)),
        "notes": [labels(note.value) for note in document.notes],
        "custom_sections": [(section.name, section.details) for section in document.custom_sections],
        "footer": document.footer or "",
    }


def _facts(document: InvoiceDocument, labels: Labels, form: Formatter) -> Iterator[tuple[str, str]]:
    yield labels("number"), document.number
    if document.purchase_order_number:
        yield labels("purchase_order"), document.purchase_order_number
    yield labels("issuing_date"), form.date(document.issuing_date)
    if document.net_payment_term is not None:
        yield labels("payment_term"), _term(document.net_payment_term, labels)
    yield from document.metadata


def _term(days: int, labels: Labels) -> str:
    if days == 0:
        return labels("on_receipt")
    return labels("day" if days == 1 else "days", n=str(days))


def _due_on(document: InvoiceDocument, labels: Labels, form: Formatter) -> str:
    return "" if document.payment_due_date is None else labels("due_on", date=form.date(document.payment_due_date))


def party_lines(heading: str, party: Party, labels: Labels) -> PartyLines:
    """Who sends or receives the document."""
    lines = [party.legal_number or "", *party.address, party.email or ""]
    if party.tax_id:
        lines.append(labels("tax_id", value=party.tax_id))
    shipping = [line for line in party.shipping_address if line.strip()]
    return {
        "heading": heading,
        "name": party.name,
        "lines": [line for line in lines if line.strip()],
        "shipping_heading": labels("ship_to") if shipping else "",
        "shipping": shipping,
    }


def _section(section: Section, labels: Labels, form: Formatter) -> SectionRows:
    return {
        "title": section.title,
        "amount": form.money(section.amount),
        "groups": [_group(group, labels, form) for group in section.groups],
        "breakdowns": [
            {
                "label": labels("breakdown", label=breakdown.label),
                "days": [(*_held(row, labels, form), form.number(row.units)) for row in breakdown.rows],
            }
            for breakdown in section.breakdowns
        ],
    }


def _held(row: BreakdownRow, labels: Labels, form: Formatter) -> tuple[str, str]:
    days = labels("held", days=str(row.days), of_days=str(row.of_days))
    return (labels("since", date=form.date(row.since)), days) if row.since else (days, "")


def _group(group: Group, labels: Labels, form: Formatter) -> GroupRows:
    period = ""
    if group.period:
        first, last = map(form.date, group.period)
        period = first if first == last else labels("period", first=first, last=last)
    return {"period": period, "rows": [line_row(line, labels, form) for line in group.lines]}


def line_row(line: Line, labels: Labels, form: Formatter) -> Row:
    """One line with its parts."""
    # Where the parts tell the prices, the average of them would only be a long fraction that nobody agreed on.
    told_by_parts = any(isinstance(part, Tier | Package | Percentage) for part in line.parts)
    return {
        "label": line.label,
        "description": line.description or "",
        "units": _number(line.units, form),
        "unit_price": "" if told_by_parts else _price(line.unit_price, form),
        "tax": " + ".join(map(form.rate, line.tax_rates or (Decimal(0),))),
        "amount": form.money(line.amount),
        "parts": [row for part in line.parts for row in _part(part, labels, form)],
    }


def _number(value: Decimal | None, form: Formatter) -> str:
    return "" if value is None else form.number(value)


def _price(value: Decimal | None, form: Formatter) -> str:
    return "" if value is None else form.price(value)


def _part(part: Part, labels: Labels, form: Formatter) -> Iterator[PartRow]:
    if isinstance(part, Tier):
        # A flat fee may be due for a tier without any units.
        if part.units:
            yield _part_row(_tier_label(part, labels, form), part.units, part.unit_price, part.amount, form)
        if part.flat_amount:
            yield _part_row(labels("flat_fee"), None, None, part.flat_amount, form)
    elif isinstance(part, Package):
        if part.free_units:
            yield _part_row(labels("free_units"), part.free_units, Decimal(0), 0, form)
        name = labels("package", size=form.number(part.size))
        yield _part_row(name, part.packages, part.price, part.amount, form)
    elif isinstance(part, Percentage):
        yield from _percentage(part, labels, form)
    else:
        yield _part_row(part.label, part.units, part.unit_price, part.amount, form)


def _percentage(part: Percentage, labels: Labels, form: Formatter) -> Iterator[PartRow]:
    if part.free_units:
        yield _part_row(labels("free_units"), part.free_units, Decimal(0), 0, form)
    yield {
        "label": labels("percentage"),
        "units": form.number(part.base_units),
        "unit_price": form.rate(part.rate),
        "amount": form.money(part.amount),
    }
    if part.paid_events:
        yield _part_row(labels("transaction_fee"), part.paid_events, part.fixed_fee, part.fixed_amount, form)
    if part.adjustment:
        yield _part_row(labels("adjustment"), None, None, part.adjustment, form)


def _part_row(
    label: str, units: Decimal | None, unit_price: Decimal | None, amount: int | None, form: Formatter
) -> PartRow:
    return {
        "label": label,
        "units": _number(units, form),
        "unit_price": _price(unit_price, form),
        "amount": "" if amount is None else form.money(amount),
    }


def _tier_label(tier: Tier, labels: Labels, form: Formatter) -> str:
    if tier.last is None:
        if not tier.first:
            return labels("unit_price")
        return labels("last_tier", first=form.number(tier.first))
    if tier.first <= 1:
        return labels("first_tier", last=form.number(tier.last))
    return labels("middle_tier", first=form.number(tier.first), last=form.number(tier.last))


def _totals(totals: Totals, labels: Labels, form: Formatter) -> Iterator[TotalRow]:
    if totals.progressive_billing_credit:
        yield total_row(labels("progressive_credit"), -totals.progressive_billing_credit, form)
    for coupon in totals.coupons:
        name = coupon.name if coupon.rate is None else f"{coupon.name} ({form.rate(coupon.rate)})"
        yield total_row(labels("coupon", name=name), -coupon.amount, form)
    yield total_row(labels("sub_total_excluding"), totals.sub_total_excluding_taxes, form)
    for tax in totals.taxes:
        label = labels("tax_on", rate=form.rate(tax.rate), base=form.money(tax.base), name=tax.name)
        yield total_row(label, tax.amount, form)
    if not totals.taxes:
        yield total_row(labels("no_tax", rate=form.rate(Decimal(0))), 0, form)
    yield total_row(labels("sub_total_including"), totals.sub_total_including_taxes, form)
    for name, credit in (
        ("credit_notes", totals.credit_notes),
        ("free_credits", totals.free_credits),
        ("prepaid_credits", totals.prepaid_credits),
    ):
        if credit:
            yield total_row(labels(name), -credit, form)
    yield total_row(labels("total"), totals.total, form, strong=True)


def total_row(label: str, amount: int, form: Formatter, *, strong: bool = False) -> TotalRow:
    """One row of the foot; a strong one stands under a rule."""
    return {"label": label, "amount": form.money(amount), "strong": strong}
