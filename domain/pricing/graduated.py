"""Graduated and graduated percentage: units fill the ranges one after the other (handbook, sections 6.2 and 6.6).

Units up to the end of a range cost that range's price, and a range's flat amount is due as soon as the range is
reached: the first range is reached even by zero units.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.kernel.money import ZERO, decimal_text
from domain.pricing.priceable import Price, Priceable, Properties, detail_text, per_unit
from domain.pricing.tiers import Tier, are_adjacent, read_tiers


@dataclass(frozen=True, slots=True)
class Graduated:
    """The ranges, and what each costs when it is full, so that only the last range reached is computed.

    meeting: the ranges meet (0-10, 10-20), so a range holds end - start units instead of end - start + 1.
        Never set for graduated percentage, which knows no such mode.
    full_amounts: the amount of all ranges up to and including this one, each full.
    full_details: the amount_details of each range when it is full.
    """

    tiers: tuple[Tier, ...]
    meeting: bool
    percentage: bool
    full_amounts: tuple[Decimal, ...]
    full_details: tuple[dict[str, Any], ...]

    @classmethod
    def read(cls, properties: Properties) -> "Graduated":
        tiers = read_tiers(properties["graduated_ranges"], "per_unit_amount")
        return cls._of(tiers, meeting=are_adjacent(tiers), percentage=False)

    @classmethod
    def read_percentage(cls, properties: Properties) -> "Graduated":
        tiers = read_tiers(properties["graduated_percentage_ranges"], "rate", divisor=100)
        return cls._of(tiers, meeting=False, percentage=True)

    @classmethod
    def _of(cls, tiers: tuple[Tier, ...], *, meeting: bool, percentage: bool) -> "Graduated":
        amounts, details, total = [], [], ZERO
        for tier in tiers:
            if tier.end is None:
                break
            units = units_in_range(tier, tier.end, meeting=meeting)
            total += units * tier.price + tier.flat
            amounts.append(total)
            details.append(_range_details(tier, units, percentage=percentage))
        return cls(tiers, meeting, percentage, tuple(amounts), tuple(details))

    def price(self, usage: Priceable) -> Price:
        units = usage.units
        last = 0
        for tier in self.tiers:
            if tier.end is None or tier.end >= units:
                break
            last += 1
        details = [dict(full) for full in self.full_details[:last]]
        amount = self.full_amounts[last - 1] if last else ZERO
        if last < len(self.tiers):
            tier = self.tiers[last]
            within = units_in_range(tier, units, meeting=self.meeting)
            amount += within * tier.price + tier.flat
            details.append(_range_details(tier, within, percentage=self.percentage))
        key = "graduated_percentage_ranges" if self.percentage else "graduated_ranges"
        return Price(amount, per_unit(amount, usage), {key: details})


def units_in_range(tier: Tier, up_to: Decimal, *, meeting: bool) -> Decimal:
    """How many units of a quantity that ends at `up_to` lie in the range (`up_to` not beyond its end)."""
    if not tier.start:
        return up_to
    return up_to - tier.start if meeting else up_to - tier.start + 1


def _range_details(tier: Tier, units: Decimal, *, percentage: bool) -> dict[str, Any]:
    per_unit_total = units * tier.price
    if percentage:
        price = {"rate": decimal_text(tier.price * 100)}
    else:
        price = {"per_unit_amount": decimal_text(tier.price) if units else "0.0"}
    return {
        "from_value": tier.from_value,
        "to_value": tier.to_value,
        "flat_unit_amount": decimal_text(tier.flat),
        **price,
        "units": detail_text(units),
        "per_unit_total_amount": detail_text(per_unit_total),
        "total_with_flat_amount": detail_text(per_unit_total + tier.flat),
    }
