"""Charges paid in advance: an event costs what it adds to the price so far (pricing handbook, section 8)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from domain.kernel.money import ZERO, decimal_text, from_cents, round_half_up, to_cents
from domain.pricing.fee_amounts import FeeAmounts, fee_amounts
from domain.pricing.graduated import Graduated
from domain.pricing.percentage import Percentage
from domain.pricing.priceable import ChargeModel, Price, Priceable
from domain.pricing.volume import Volume


@dataclass(frozen=True, slots=True)
class InstantUsage:
    """One event and everything before it in the period.

    including: the usage with the event as the last one. excluding: without it, with the same running totals.
    shown_units: what the fee displays (the event's own units, even where nothing is billed for them).
    """

    including: Priceable
    excluding: Priceable
    shown_units: Decimal


def instant_usage(
    including: Priceable,
    *,
    billed_units: Decimal,
    shown_units: Decimal | None = None,
    precise_total_amount_cents: Decimal = ZERO,
) -> InstantUsage:
    """The usage of the period's last event, which bills `billed_units` of the units up to it.

    precise_total_amount_cents: what this event carries (dynamic charges). shown_units default to the billed ones.
    A custom metric states both amounts itself: build InstantUsage by hand. A prorated standard charge prices the
    event alone: `including.units` are its prorated billed units, and so are `billed_units`.
    """
    excluding = replace(
        including,
        units=including.units - billed_units,
        events_count=max(including.events_count - 1, 0),
        event_values=including.event_values[:-1],
        precise_total_amount_cents=including.precise_total_amount_cents - precise_total_amount_cents,
    )
    return InstantUsage(including, excluding, billed_units if shown_units is None else shown_units)


def price_event(model: ChargeModel, usage: InstantUsage) -> Price:
    """The event's price: f(with it) - f(without it); graduated models cost nothing without any units, so that the first
    flat amount is charged with the first unit, once, however many events without a unit came before it.

    The unit amount is by shown unit, unrounded. Only percentage and graduated percentage give details.
    Raises ValueError for volume, which cannot be paid in advance.
    """
    if isinstance(model, Volume):
        raise ValueError("a volume charge cannot be paid in advance")
    after = model.price(usage.including)
    details: dict[str, Any] = {}
    if isinstance(model, Graduated) and not usage.excluding.units:
        amount = after.amount if usage.including.units else ZERO
        if model.percentage:
            earlier = {"graduated_percentage_ranges": []} if usage.including.units else after.amount_details
            details = _range_differences(after.amount_details, earlier)
    else:
        before = model.price(usage.excluding)
        amount = after.amount - before.amount
        if isinstance(model, Percentage):
            details = _percentage_differences(after.amount_details, before.amount_details)
        elif isinstance(model, Graduated) and model.percentage:
            details = _range_differences(after.amount_details, before.amount_details)
    return Price(amount, amount / usage.shown_units if usage.shown_units else ZERO, details)


def pay_in_advance_fee(
    model: ChargeModel, usage: InstantUsage, currency: str, *, conversion_rate: Decimal | None = None
) -> FeeAmounts:
    """The fee's columns for one event; its unit amount is the rounded amount by shown unit, 0 for a free event."""
    price = price_event(model, usage)
    shown = usage.shown_units
    if conversion_rate is None:
        rounded = from_cents(to_cents(price.amount, currency), currency)
    else:
        rounded = round_half_up(price.amount, 2)
    unit_amount = rounded / shown if rounded and shown else ZERO
    return fee_amounts(
        Price(price.amount, unit_amount, price.amount_details),
        Priceable(units=shown),
        currency,
        conversion_rate=conversion_rate,
    )


def _percentage_differences(after: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    details = {key: decimal_text(Decimal(after[key]) - Decimal(before[key])) for key in after}
    details["rate"] = after["rate"]
    details["fixed_fee_unit_amount"] = after["fixed_fee_unit_amount"]
    details["free_units"] = decimal_text(Decimal(details["units"]) - Decimal(details["paid_units"]))
    return details


def _range_differences(after: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    key = "graduated_percentage_ranges"
    earlier: Sequence[dict[str, Any]] = before[key]
    ranges = []
    for index, reached in enumerate(after[key]):
        previous = earlier[index] if index < len(earlier) else {}
        units, flat, total = (
            Decimal(reached[column]) - Decimal(previous.get(column, 0))
            for column in ("units", "flat_unit_amount", "total_with_flat_amount")
        )
        ranges.append(
            {
                **reached,
                "flat_unit_amount": decimal_text(flat),
                "units": decimal_text(units),
                "per_unit_total_amount": decimal_text(round_half_up(total / units, 2)) if units else "0.0",
                "total_with_flat_amount": decimal_text(total),
            }
        )
    return {key: ranges}
