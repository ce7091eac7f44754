"""Graduated with prorated units: whole units fill the ranges, prorated ones are priced (handbook, section 6.9).

The events are walked in time order. `level` is how many whole units are held; while it stays in a range the prorated
units pile up (`pending`), and when it leaves, the part beyond the bound (`over`) is carried to the next range at the
ratio prorated ÷ whole of the event that crossed it. Removing units walks back the same way.
"""

from dataclasses import dataclass
from decimal import Decimal

from domain.kernel.money import ZERO
from domain.pricing.priceable import Price, Priceable, Properties
from domain.pricing.tiers import Tier, read_tiers


@dataclass(frozen=True, slots=True)
class ProratedGraduated:
    """Reads `event_values` (whole) and `prorated_values` of the usage; of fixed charges a single pair."""

    tiers: tuple[Tier, ...]

    @classmethod
    def read(cls, properties: Properties) -> "ProratedGraduated":
        return cls(read_tiers(properties["graduated_ranges"], "per_unit_amount"))

    def price(self, usage: Priceable) -> Price:
        whole, prorated = usage.event_values, usage.prorated_values
        if not whole and usage.full_units is not None:
            whole, prorated = (usage.full_units,), (usage.units,)
        if len(whole) != len(prorated):
            raise ValueError("every event needs its whole and its prorated value")
        if not usage.units:
            return Price(self.tiers[0].flat, ZERO, {})
        amount = self._walk(whole, prorated)
        total = sum(whole, ZERO)
        return Price(amount, amount / total if total else ZERO, {})

    def _walk(self, whole: tuple[Decimal, ...], prorated: tuple[Decimal, ...]) -> Decimal:
        level = peak = pending = over = total = ZERO
        tier = self.tiers[0]
        index = 0
        # Each turn takes an event or moves one range further; more turns than both together cannot be progress.
        turns = 2 * (len(whole) + 1) * (len(self.tiers) + 1)
        while index < len(whole) or over:
            turns -= 1
            if turns < 0:
                break
            tier = self._tier_at(level, over, whole[index] if index < len(whole) else ZERO)
            if over:
                ratio = _ratio(prorated[index - 1], whole[index - 1])
                pending += over * ratio
                if tier.end is not None and level >= tier.end:
                    beyond = level - tier.end
                    total += (pending - beyond * ratio) * tier.price
                    over, pending = beyond, ZERO
                    continue
                over = ZERO
            if index >= len(whole):
                break
            value, weighed = whole[index], prorated[index]
            if not weighed and (value > 0 or (value < 0 and level + value < 0)):
                index += 1
                continue
            level += value
            peak = max(peak, level)
            pending += weighed
            index += 1
            if _stays(level, tier):
                continue
            over = level - tier.start + 1 if tier.end is None or level < tier.end else level - tier.end
            total += (pending - over * _ratio(weighed, value)) * tier.price
            pending = ZERO
        total += pending * tier.price
        if level < 0:
            return ZERO
        return max(total, ZERO) + self._flats_up_to(peak)

    def _tier_at(self, level: Decimal, over: Decimal, following: Decimal) -> Tier:
        """The range the next units fall in; at a bound, the one after it if units are about to be added."""
        if level <= 0:
            return self.tiers[0]
        position = level
        if over:
            position = level - over + 1 if over > 0 else level + over
        for index, tier in enumerate(self.tiers):
            if position == tier.end:
                return self.tiers[index + 1] if following > 0 and index + 1 < len(self.tiers) else tier
            if tier.start <= position and (tier.end is None or position < tier.end):
                return tier
        return self.tiers[0]

    def _flats_up_to(self, peak: Decimal) -> Decimal:
        flats = ZERO
        for tier in self.tiers:
            flats += tier.flat
            if tier.end is None or peak <= tier.end:
                break
        return flats


def _stays(level: Decimal, tier: Tier) -> bool:
    return level >= tier.start - 1 if tier.end is None else tier.start <= level < tier.end


def _ratio(prorated: Decimal, whole: Decimal) -> Decimal:
    return prorated / whole if whole else ZERO
