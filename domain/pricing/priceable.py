"""What goes into a price and what comes out of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from domain.kernel.money import ZERO


@dataclass(frozen=True, slots=True)
class Priceable:
    """The usage of one charge (or filter, or group of it) in one period, as metering measured it.

    units: the aggregated units that are priced; prorated ones if the charge is prorated.
    full_units: the whole units behind prorated ones, None when the charge is not prorated. They divide the amount to
        give the unit amount, choose the tier of a volume charge, and are what the fee shows.
    events_count: how many events took part.
    event_values: the value of each event in time order: for percentage with a minimum or maximum per transaction, and
        for prorated graduated (there: the whole value, carried units first).
    prorated_values: the prorated value of each event beside it (prorated graduated only).
    running_totals: cumulative sums for percentage with free units (see percentage.running_totals).
    precise_total_amount_cents, currency: what the events of a dynamic charge carry, and in which currency.
    custom_amount: what the program of a custom metric returned, in units of the currency.
    """

    units: Decimal
    full_units: Decimal | None = None
    events_count: int = 0
    event_values: tuple[Decimal, ...] = ()
    prorated_values: tuple[Decimal, ...] = ()
    running_totals: tuple[Decimal, ...] = ()
    precise_total_amount_cents: Decimal = ZERO
    currency: str | None = None
    custom_amount: Decimal = ZERO

    @property
    def shown_units(self) -> Decimal:
        """The units a fee displays: the whole ones where units are prorated."""
        return self.units if self.full_units is None else self.full_units


@dataclass(frozen=True, slots=True)
class Price:
    """A model's answer, nothing rounded yet.

    amount, unit_amount: in units of the currency (or of the pricing unit).
    amount_details: what the fee shows of the reckoning (pricing handbook, section 9): decimals as text, bounds and
        counts as numbers. Not shared with another price, so that a caller may keep it.
    """

    amount: Decimal
    unit_amount: Decimal
    amount_details: dict[str, Any]


class ChargeModel(Protocol):
    """A charge model with its properties read: a pure function from usage to price."""

    def price(self, usage: Priceable) -> Price: ...


Properties = Mapping[str, Any]
"""A charge's properties as stored: amounts are decimal text, bounds and counts are JSON numbers."""


def per_unit(amount: Decimal, usage: Priceable) -> Decimal:
    """amount ÷ shown units; 0 when there are none."""
    units = usage.shown_units
    return amount / units if units else ZERO


def detail_text(value: Decimal) -> str:
    """A decimal in amount_details: plain notation, at most 15 decimals, at least one, no superfluous zero."""
    text = f"{value:.15f}".rstrip("0")
    if text[-1] == ".":
        return "0.0" if text == "-0." else text + "0"
    return text
