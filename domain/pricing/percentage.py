"""Percentage: a share of the units plus a fixed amount per event (pricing handbook, section 6.4).

Two ways to grant free units that do not agree when both limits are set, kept as they are observed: without a minimum
or maximum per transaction the free part is read off the running totals; with one, each event is priced by itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.kernel.money import ZERO, decimal_text
from domain.pricing.priceable import Price, Priceable, Properties, detail_text, per_unit
from domain.pricing.tiers import number


@dataclass(frozen=True, slots=True)
class Percentage:
    """factor: rate ÷ 100. fixed: per paid event. free_events, free_amount: 0 means no such limit.

    minimum, maximum: bounds of what one event costs, None for no bound.
    """

    factor: Decimal
    fixed: Decimal
    free_events: int
    free_amount: Decimal
    minimum: Decimal | None
    maximum: Decimal | None

    @classmethod
    def read(cls, properties: Properties, *, transaction_bounds: bool = True) -> "Percentage":
        """`transaction_bounds` False ignores the bounds per transaction (an unlicensed reference instance)."""
        minimum = properties.get("per_transaction_min_amount") if transaction_bounds else None
        maximum = properties.get("per_transaction_max_amount") if transaction_bounds else None
        return cls(
            factor=number(properties.get("rate")) / 100,
            fixed=number(properties.get("fixed_amount")),
            free_events=int(properties.get("free_units_per_events") or 0),
            free_amount=number(properties.get("free_units_per_total_aggregation") or 0),
            minimum=number(minimum) if minimum not in (None, "") else None,
            maximum=number(maximum) if maximum not in (None, "") else None,
        )

    def price(self, usage: Priceable) -> Price:
        units, count = usage.units, usage.events_count
        free_units = self._free_units(usage.running_totals)
        free_events = min(self._free_events(usage.running_totals), count)
        share = ZERO if free_units > units else (units - free_units) * self.factor
        paid_events = count - free_events
        fixed = paid_events * self.fixed if units else ZERO
        amount = share + fixed
        if self.minimum is not None or self.maximum is not None:
            amount = self._sum_of_bounded_events(usage.event_values)
        details: dict[str, Any] = {
            "units": detail_text(units),
            "free_units": detail_text(free_units),
            "free_events": free_events,
            "paid_units": detail_text(max(units - free_units, ZERO)),
            "rate": decimal_text(self.factor * 100),
            "per_unit_total_amount": detail_text(share),
            "paid_events": paid_events,
            "fixed_fee_unit_amount": decimal_text(self.fixed if paid_events else ZERO),
            "fixed_fee_total_amount": detail_text(fixed),
            "min_max_adjustment_total_amount": detail_text(amount - share - fixed),
        }
        return Price(amount, per_unit(amount, usage), details)

    def _free_units(self, totals: tuple[Decimal, ...]) -> Decimal:
        if not totals or not totals[-1]:
            return ZERO
        if 0 < self.free_events < len(totals):
            return totals[self.free_events - 1]
        if not self.free_amount or totals[-1] <= self.free_amount:
            return totals[-1]
        return self.free_amount

    def _free_events(self, totals: tuple[Decimal, ...]) -> int:
        within_amount = sum(1 for total in totals if total < self.free_amount)
        return min((limit for limit in (self.free_events, within_amount) if limit), default=0)

    def _sum_of_bounded_events(self, values: tuple[Decimal, ...]) -> Decimal:
        events, amount, total = self.free_events, self.free_amount, ZERO
        for event_value in values:
            value = event_value
            if events > 0 or amount > 0:
                events -= 1
                if amount <= 0:
                    continue
                if amount > value:
                    amount -= value
                    continue
                value -= amount
                amount, events = ZERO, 0
            total += self.bounded(value * self.factor + self.fixed)
        return total

    def bounded(self, amount: Decimal) -> Decimal:
        """What one event costs: raised to the minimum, cut to the maximum."""
        if self.minimum is not None and amount < self.minimum:
            return self.minimum
        if self.maximum is not None and amount > self.maximum:
            return self.maximum
        return amount


def running_totals(values: Iterable[Decimal], free_events: int, free_amount: Decimal) -> tuple[Decimal, ...]:
    """The cumulative sums that percentage with free units is priced by (metering handbook, section 8.8).

    With free events: of the first that many events. With a free amount only: up to and including the first sum that
    exceeds it. With neither: none. For count and unique count see running_counts.
    """
    totals: list[Decimal] = []
    total = ZERO
    for value in values:
        if free_events:
            if len(totals) == free_events:
                break
        elif not free_amount or total > free_amount:
            break
        total += value
        totals.append(total)
    return tuple(totals)


def running_counts(units: int, free_events: int, free_amount: Decimal) -> tuple[Decimal, ...]:
    """The running totals of a count or unique count: 1, 2, … units, and none when nothing is free.

    Cut off one beyond the greater limit: the free part does not depend on what comes after.
    """
    if not free_events and not free_amount:
        return ()
    limit = max(free_events, int(free_amount) + 1) + 1
    return tuple(Decimal(count) for count in range(1, min(units, limit) + 1))
