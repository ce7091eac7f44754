"""How a price came about, in steps a person can check: pure, read off a fee's amount_details (pricing handbook, 9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.pricing.models import ChargeModelName
from domain.pricing.priceable import detail_text

__all__ = ["Step", "price_steps"]


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a reckoning. amount: what it adds, in units of the currency or pricing unit; "" where it only
    counts something."""

    label: str
    reckoning: str
    amount: str


def price_steps(
    model: str, units: Decimal, amount: Decimal, unit_price: object, details: Mapping[str, Any]
) -> Iterator[Step]:
    """The steps from units to the amount.

    units: those that were priced. amount: unrounded, in units of the currency. unit_price: of a standard charge.
    details: the fee's amount_details; without them (a fee of nothing) there are no steps to show.
    """
    for kind in ("graduated_ranges", "graduated_percentage_ranges"):
        for tier in details.get(kind, ()):
            end = "open" if tier["to_value"] is None else tier["to_value"]
            price_text = f"{tier['rate']} %" if "rate" in tier else tier["per_unit_amount"]
            yield Step(
                f"range {tier['from_value']} to {end}",
                f"{tier['units']} x {price_text} + {tier['flat_unit_amount']} flat",
                tier["total_with_flat_amount"],
            )
    if model == ChargeModelName.STANDARD:
        yield Step("units", f"{detail_text(units)} x {unit_price}", detail_text(amount))
    elif model == ChargeModelName.DYNAMIC:
        yield Step("amounts", "what the events carry, added up", detail_text(amount))
    elif not details:
        return
    elif model == ChargeModelName.VOLUME:
        yield Step("units", "in the one range that holds them all", details["per_unit_total_amount"])
        yield Step("flat amount", "of that range", details["flat_unit_amount"])
    elif model == ChargeModelName.PACKAGE:
        yield Step("paid units", f"beyond {details['free_units']} free ones", details["paid_units"])
        each = f"of {details['per_package_size']} units at {details['per_package_unit_amount']}"
        yield Step("packages", each, detail_text(amount))
    elif model == ChargeModelName.PERCENTAGE:
        free = f"{details['units']} units - {details['free_units']} free"
        yield Step("percentage", f"({free}) x {details['rate']} %", details["per_unit_total_amount"])
        events = f"{details['paid_events']} paid events x {details['fixed_fee_unit_amount']}"
        yield Step("fixed amount", events, details["fixed_fee_total_amount"])
        yield Step("minimum, maximum", "by transaction", details["min_max_adjustment_total_amount"])
