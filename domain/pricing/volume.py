"""Volume: one range prices all units, chosen by their number (pricing handbook, section 6.5)."""

from dataclasses import dataclass
from operator import attrgetter

from domain.kernel.money import ZERO, decimal_text
from domain.pricing.priceable import Price, Priceable, Properties, detail_text, per_unit
from domain.pricing.tiers import Tier, read_tiers


@dataclass(frozen=True, slots=True)
class Volume:
    """Whole units choose the range, prorated ones are priced; the flat amount is never prorated, and due at zero."""

    tiers: tuple[Tier, ...]

    @classmethod
    def read(cls, properties: Properties) -> "Volume":
        return cls(tuple(sorted(read_tiers(properties["volume_ranges"], "per_unit_amount"), key=attrgetter("start"))))

    def price(self, usage: Priceable) -> Price:
        tier = self.tier_for(usage)
        per_unit_total = max(usage.units, ZERO) * tier.price
        amount = per_unit_total + tier.flat
        unit_amount = per_unit(amount, usage)
        details = {
            "flat_unit_amount": decimal_text(tier.flat),
            "per_unit_amount": detail_text(per_unit(per_unit_total, usage)),
            "per_unit_total_amount": detail_text(per_unit_total),
        }
        return Price(amount, unit_amount, details)

    def tier_for(self, usage: Priceable) -> Tier:
        """The first range that ends at or above the units; zero for less than none.

        The handbook also asks that the range starts at or below the rounded-up units. For ranges without a gap that
        follows; where ranges leave a unit out (0-10, 12-20) it would leave that unit without a price.
        """
        units = max(usage.shown_units, ZERO)
        for tier in self.tiers:
            if tier.end is None or units <= tier.end:
                return tier
        return self.tiers[-1]
