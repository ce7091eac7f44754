"""Package: units are sold in packages, a begun package costs a full one (pricing handbook, section 6.3)."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.kernel.money import ZERO, decimal_text
from domain.pricing.priceable import Price, Priceable, Properties, detail_text
from domain.pricing.tiers import number


@dataclass(frozen=True, slots=True)
class Package:
    """`free_units` are taken off first; the unit amount is by paid unit."""

    package_price: Decimal
    package_size: Decimal
    free_units: Decimal

    @classmethod
    def read(cls, properties: Properties) -> "Package":
        return cls(
            number(properties.get("amount")), number(properties["package_size"]), number(properties.get("free_units"))
        )

    def price(self, usage: Priceable) -> Price:
        paid = usage.units - self.free_units
        if paid <= 0:
            return Price(ZERO, ZERO, self._details(usage.units, ZERO))
        packages, begun = divmod(paid, self.package_size)
        amount = (packages + 1 if begun else packages) * self.package_price
        return Price(amount, amount / paid, self._details(usage.units, paid))

    def _details(self, units: Decimal, paid: Decimal) -> dict[str, Any]:
        if not units:
            return {
                "free_units": "0.0",
                "paid_units": "0.0",
                "per_package_size": 0,
                "per_package_unit_amount": "0.0",
            }
        return {
            "free_units": decimal_text(self.free_units),
            "paid_units": detail_text(paid),
            "per_package_size": int(self.package_size),
            "per_package_unit_amount": decimal_text(self.package_price),
        }
