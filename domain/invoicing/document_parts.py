"""From the rows of an invoice to the values of its document. Pure: rows in, frozen values out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from babel import Locale

from domain.invoicing.document import InvoiceDocument, title_of
from domain.invoicing.document.formatting import BABEL_LOCALES
from domain.invoicing.document.labels import Labels, labels_for
from domain.invoicing.document.model import (
    Breakdown,
    BreakdownRow,
    Coupon,
    CustomSection,
    Group,
    ItemKind,
    Line,
    Note,
    Package,
    Part,
    Party,
    Percentage,
    Section,
    TaxLine,
    Tier,
    Totals,
)
from domain.invoicing.fee_names import display_name, fee_window, filter_name
from domain.invoicing.held_units import Held
from domain.kernel.money import ONE, ZERO, to_cents

__all__ = ["customer_name", "document_of", "line_label", "parties_of"]

TAX_EXEMPT: Final = "lago_eu_tax_exempt"
OWN_NAMES: Final = {"credit": "prepaid_credits", "commitment": "commitment"}
"""Labels of fees that nobody has given a name."""
PLACES: Final = {"subscription": 0, "fixed_charge": 1, "charge": 2, "commitment": 3}
REVERSE_CHARGE: Final = "lago_eu_reverse_charge"


def document_of(
    invoice: Any,
    entity: Any,
    customer: Any,
    metadata: Sequence[Any],
    fees: Sequence[Any],
    fee_taxes: Mapping[UUID, Sequence[Any]],
    taxes: Sequence[Any],
    credits: Sequence[Any],
    logo: bytes | None,
    custom_sections: Sequence[Any] = (),
    held: Mapping[UUID, Sequence[Held]] | None = None,
) -> InvoiceDocument:
    """The document of one invoice, in the customer's language, else its billing entity's.

    credits: rows of `credits_of_invoices`. held: by fee, how long its units were held.
    """
    locale = customer.document_locale or entity.document_locale
    sender, recipient = parties_of(entity, customer, locale, self_billed=invoice.self_billed)
    return InvoiceDocument(
        title=title_of(invoice.invoice_type, self_billed=invoice.self_billed, country=entity.country),
        number=invoice.number,
        issuing_date=invoice.issuing_date,
        currency=invoice.currency,
        locale=locale,
        sender=sender,
        recipient=recipient,
        sections=tuple(_sections(invoice, fees, fee_taxes, labels_for(locale), held or {})),
        totals=_totals(invoice, taxes, credits),
        item_kind=ItemKind.CREDITS if invoice.invoice_type == "credit" else ItemKind.UNITS,
        notes=tuple(_notes(taxes, entity.country)),
        amount_due=invoice.total_amount_cents - invoice.total_paid_amount_cents,
        payment_due_date=invoice.payment_due_date,
        net_payment_term=invoice.net_payment_term,
        purchase_order_number=invoice.purchase_order_number,
        metadata=tuple((each.key, each.value) for each in metadata if each.display_in_invoice),
        custom_sections=tuple(
            CustomSection(each.display_name or each.name, each.details or "") for each in custom_sections
        ),
        footer=entity.invoice_footer,
        logo=logo,
    )


def parties_of(entity: Any, customer: Any, locale: str, *, self_billed: bool) -> tuple[Party, Party]:
    """Who sells and who is billed: a self-billed document is the partner's, written by its own recipient."""
    own, name = entity.legal_name or entity.name, customer_name(customer)
    if self_billed:
        return party_of(customer, name, locale), party_of(entity, own, locale)
    return party_of(entity, own, locale), party_of(customer, name, locale, shipping=True)


def customer_name(customer: Any) -> str:
    """Company and person, as documents address them."""
    person = " ".join(filter(None, (customer.firstname, customer.lastname)))
    company = customer.legal_name or customer.name
    return " - ".join(filter(None, (company, person))) or str(customer.external_id)


def party_of(row: Any, name: str, locale: str, *, shipping: bool = False) -> Party:
    """A billing entity or a customer on a document."""
    return Party(
        name=name,
        legal_number=row.legal_number,
        address=_address(row, "", locale),
        shipping_address=_address(row, "shipping_", locale) if shipping else (),
        email=row.email,
        tax_id=row.tax_identification_number,
    )


def _address(row: Any, prefix: str, locale: str) -> tuple[str, ...]:
    line1, line2, city, state, zipcode, country = (
        getattr(row, prefix + name)
        for name in ("address_line1", "address_line2", "city", "state", "zipcode", "country")
    )
    town = " ".join(filter(None, (zipcode, city)))
    land = Locale.parse(BABEL_LOCALES.get(locale, locale)).territories.get(country, country) if country else None
    return tuple(filter(None, (line1, line2, town, state, land)))


def _notes(taxes: Sequence[Any], country: str | None) -> Iterator[Note]:
    """What the law wants to be said where no VAT is charged."""
    codes = {tax.tax_code for tax in taxes}
    if TAX_EXEMPT in codes:
        yield Note.TAX_EXEMPT_FRANCE if country == "FR" else Note.TAX_EXEMPT
    if REVERSE_CHARGE in codes:
        yield Note.REVERSE_CHARGE


def _sections(
    invoice: Any,
    fees: Sequence[Any],
    taxes: Mapping[UUID, Sequence[Any]],
    labels: Labels,
    held: Mapping[UUID, Sequence[Held]],
) -> Iterator[Section]:
    """One for each subscription, its lines grouped by the period they cover; unused charges are left out."""
    by_subscription: dict[UUID | None, list[Any]] = {}
    for fee in fees:
        by_subscription.setdefault(fee.subscription_id, []).append(fee)
    zone = ZoneInfo(invoice.timezone)
    for of_subscription in by_subscription.values():
        of_subscription.sort(key=_place)
        periods: dict[tuple[date, date] | None, list[Line]] = {}
        for fee in of_subscription:
            if fee.fee_type in ("charge", "fixed_charge") and not fee.units and not fee.amount_cents:
                continue
            periods.setdefault(_period(fee, zone), []).append(_line(fee, taxes.get(fee.id, ()), labels))
        first = of_subscription[0]
        yield Section(
            title=first.subscription_name or first.plan_display_name or first.plan_name or invoice.number,
            groups=tuple(Group(tuple(lines), period) for period, lines in periods.items()),
            amount=sum(fee.amount_cents for fee in of_subscription),
            breakdowns=tuple(
                Breakdown(
                    line_label(fee, labels),
                    tuple(BreakdownRow(each.since, each.days, each.of_days, each.units) for each in held[fee.id]),
                )
                for fee in of_subscription
                if fee.id in held
            ),
        )


def _place(fee: Any) -> tuple[int, str]:
    """Base fee, fixed charges by name, usage, commitment; in their own order otherwise."""
    place = PLACES.get(fee.fee_type, PLACES["charge"])
    return place, display_name(fee).casefold() if fee.fee_type == "fixed_charge" else ""


def _period(fee: Any, zone: ZoneInfo) -> tuple[date, date] | None:
    start, end = fee_window(fee)
    return (_local(start, zone), _local(end, zone)) if start and end else None


def _local(text: str, zone: ZoneInfo) -> date:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).astimezone(zone).date()


def _line(fee: Any, taxes: Sequence[Any], labels: Labels) -> Line:
    return Line(
        label=line_label(fee, labels),
        amount=fee.amount_cents,
        units=fee.units.normalize() if fee.units else ZERO,
        unit_price=fee.precise_unit_amount.normalize() if fee.precise_unit_amount else ZERO,
        tax_rates=tuple(tax.tax_rate.normalize() for tax in taxes),
        description=fee.description,
        parts=tuple(_parts(fee)),
    )


def line_label(fee: Any, labels: Labels) -> str:
    """The name of the line with the filter and the group that tell it from others of the charge."""
    if fee.true_up_parent_fee_id is not None:
        return labels("true_up", name=display_name(fee))
    groups = [f"{key}: {value}" for key, value in fee.grouped_by.items() if value is not None]
    own = OWN_NAMES.get(fee.fee_type) if not fee.invoice_display_name else None
    return " - ".join(filter(None, (labels(own) if own else display_name(fee), filter_name(fee), *groups)))


def _parts(fee: Any) -> Iterator[Part]:
    """The tiers or packages behind an amount; nothing where units times unit price say it all."""
    details = fee.amount_details
    for tier in details.get("graduated_ranges", ()):
        units, flat = Decimal(tier["units"]), Decimal(tier["flat_unit_amount"])
        if units or flat:
            yield Tier(
                first=Decimal(tier["from_value"]),
                last=None if tier["to_value"] is None else Decimal(tier["to_value"]),
                units=units,
                unit_price=Decimal(tier["per_unit_amount"]),
                amount=to_cents(Decimal(tier["per_unit_total_amount"]), fee.amount_currency),
                flat_amount=to_cents(flat, fee.amount_currency),
            )
    for tier in details.get("graduated_percentage_ranges", ()):
        units, flat = Decimal(tier["units"]), Decimal(tier["flat_unit_amount"])
        if units or flat:
            yield Percentage(
                base_units=units,
                rate=Decimal(tier["rate"]),
                amount=to_cents(Decimal(tier["per_unit_total_amount"]), fee.amount_currency),
                paid_events=ONE if flat else ZERO,
                fixed_fee=flat,
                fixed_amount=to_cents(flat, fee.amount_currency),
            )
    if "paid_events" in details:
        yield _percentage(details, fee.amount_currency)
    if fee.charge_model == "volume" and details and Decimal(details["flat_unit_amount"]):
        yield Tier(
            first=ZERO,
            last=None,
            units=fee.units,
            unit_price=Decimal(details["per_unit_amount"]),
            amount=to_cents(Decimal(details["per_unit_total_amount"]), fee.amount_currency),
            flat_amount=to_cents(Decimal(details["flat_unit_amount"]), fee.amount_currency),
        )
    size = details.get("per_package_size")
    if size:
        paid, price = Decimal(details["paid_units"]), Decimal(details["per_package_unit_amount"])
        packages, begun = divmod(paid, size)
        yield Package(
            free_units=Decimal(details["free_units"]),
            size=Decimal(size),
            packages=packages + 1 if begun else packages,
            price=price,
            amount=fee.amount_cents,
        )


def _percentage(details: Mapping[str, Any], currency: str) -> Percentage:
    def cents(name: str) -> int:
        return to_cents(Decimal(details[name]), currency)

    return Percentage(
        base_units=Decimal(details["paid_units"]),
        rate=Decimal(details["rate"]),
        amount=cents("per_unit_total_amount"),
        free_units=Decimal(details["free_units"]),
        paid_events=Decimal(details["paid_events"]),
        fixed_fee=Decimal(details["fixed_fee_unit_amount"]),
        fixed_amount=cents("fixed_fee_total_amount"),
        adjustment=cents("min_max_adjustment_total_amount"),
    )


def _totals(invoice: Any, taxes: Sequence[Any], credits: Sequence[Any]) -> Totals:
    return Totals(
        coupons=tuple(
            Coupon(row.item_name, row.amount_cents, row.percentage_rate and row.percentage_rate.normalize())
            for row in credits
            if row.item_type == "coupon" and row.amount_cents
        ),
        sub_total_excluding_taxes=invoice.sub_total_excluding_taxes_amount_cents,
        sub_total_including_taxes=invoice.sub_total_including_taxes_amount_cents,
        total=invoice.total_amount_cents,
        taxes=tuple(
            TaxLine(tax.tax_name, tax.tax_rate.normalize(), tax.taxable_base_amount_cents, tax.amount_cents)
            for tax in taxes
        ),
        progressive_billing_credit=invoice.progressive_billing_credit_amount_cents,
        credit_notes=invoice.credit_notes_amount_cents,
        prepaid_credits=invoice.prepaid_credit_amount_cents,
    )
