"""Standard: every unit costs the same (pricing handbook, section 6.1)."""

from dataclasses import dataclass
from decimal import Decimal

from domain.pricing.priceable import Price, Priceable, Properties, per_unit
from domain.pricing.tiers import number


@dataclass(frozen=True, slots=True)
class Standard:
    """amount = units times unit price. Prorated units are priced, whole units divide the amount."""

    unit_price: Decimal

    @classmethod
    def read(cls, properties: Properties) -> "Standard":
        return cls(number(properties.get("amount")))

    def price(self, usage: Priceable) -> Price:
        amount = usage.units * self.unit_price
        return Price(amount, per_unit(amount, usage), {})
