"""Dynamic and custom: the amount comes with the usage (pricing handbook, sections 6.7 and 6.8)."""

from dataclasses import dataclass

from domain.kernel.money import ZERO, from_cents
from domain.pricing.priceable import Price, Priceable, Properties, per_unit


@dataclass(frozen=True, slots=True)
class Dynamic:
    """The sum of the cents the events carry; nothing while there are no units. Raises ValueError without currency."""

    @classmethod
    def read(cls, properties: Properties) -> "Dynamic":
        return cls()

    def price(self, usage: Priceable) -> Price:
        if not usage.units:
            return Price(ZERO, ZERO, {})
        if usage.currency is None:
            raise ValueError("a dynamic charge is priced in the currency of its events, which is missing")
        amount = from_cents(usage.precise_total_amount_cents, usage.currency)
        return Price(amount, per_unit(amount, usage), {})


@dataclass(frozen=True, slots=True)
class Custom:
    """The amount that the metric's program returned."""

    @classmethod
    def read(cls, properties: Properties) -> "Custom":
        return cls()

    def price(self, usage: Priceable) -> Price:
        return Price(usage.custom_amount, per_unit(usage.custom_amount, usage), {})
