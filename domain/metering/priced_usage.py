"""From measured charges to what current usage shows: a fee for each filter and group, and their sums. Pure.

Source: handbook, metering 11.5 and 13.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import chain

from domain.kernel.money import ZERO
from domain.metering.charge_questions import ChargeQuestion
from domain.metering.charges import PlanCharge, PlanFilter
from domain.metering.proration import PRORATED_DECIMALS, ceiling, window_days
from domain.metering.running_maximum import RunningState
from domain.metering.usage import Usage
from domain.pricing.fee_amounts import fee_amounts

__all__ = [
    "Breakdown", "ChargeUsage", "Figures", "UsageFee", "billed_in_advance", "by_filter", "figures", "merged", "priced",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Breakdown:
    """presentation_by: values of the presentation keys, and of no others."""

    presentation_by: Mapping[str, str | None]
    units: Decimal


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums over fees. pricing_unit_amount_cents: None where the charge is priced in the plan's currency."""

    units: Decimal
    total_aggregated_units: Decimal
    events_count: int
    amount_cents: int
    pricing_unit_amount_cents: int | None
    projected_units: Decimal
    projected_amount_cents: int
    projected_pricing_unit_amount_cents: int | None


@dataclass(frozen=True, slots=True)
class UsageFee:
    """What one filter and group of a charge would be billed now. filter: None for the default bucket.

    amount_cents: before taxes. projected_*: at the end of the period if use goes on as before; as now until
    projection.py has computed them.
    """

    filter: PlanFilter | None
    grouped_by: Mapping[str, str | None]
    units: Decimal
    total_aggregated_units: Decimal
    events_count: int
    amount_cents: int
    pricing_unit_amount_cents: int | None
    breakdowns: tuple[Breakdown, ...] = ()
    projected_units: Decimal = ZERO
    projected_amount_cents: int = 0
    projected_pricing_unit_amount_cents: int | None = None
    projected_breakdowns: tuple[Breakdown, ...] = ()

    @property
    def is_grouped(self) -> bool:
        return any(value is not None for value in self.grouped_by.values())


@dataclass(frozen=True, slots=True)
class ChargeUsage:
    """One charge. fees: by filter in order, the default bucket last, and by group within."""

    charge: PlanCharge
    fees: tuple[UsageFee, ...]

    @property
    def total(self) -> Figures:
        return figures(self.fees)

    @property
    def filters(self) -> list[tuple[PlanFilter | None, tuple[UsageFee, ...]]]:
        """The fees by filter; empty unless the charge has filters."""
        return by_filter(self.charge, self.fees)

    @property
    def groups(self) -> list[tuple[Mapping[str, str | None], tuple[UsageFee, ...]]]:
        """The fees by group; empty unless a fee has a group value."""
        if not any(fee.is_grouped for fee in self.fees):
            return []
        found: dict[tuple[tuple[str, str | None], ...], list[UsageFee]] = {}
        for fee in self.fees:
            if fee.grouped_by:
                found.setdefault(tuple(fee.grouped_by.items()), []).append(fee)
        # A filter without any use has a group without values, which is no group of the charge.
        return [
            (dict(group), tuple(fees))
            for group, fees in found.items()
            if any(value is not None for _, value in group) or any(fee.events_count or fee.units for fee in fees)
        ]


def by_filter(charge: PlanCharge, fees: Sequence[UsageFee]) -> list[tuple[PlanFilter | None, tuple[UsageFee, ...]]]:
    """These fees by the filters they have, the default bucket last; [] for a charge without filters."""
    if not charge.filters:
        return []
    found: dict[object, tuple[PlanFilter | None, list[UsageFee]]] = {}
    for fee in fees:
        found.setdefault(fee.filter.rule.id if fee.filter else None, (fee.filter, []))[1].append(fee)
    return [(taken, tuple(of_filter)) for taken, of_filter in found.values()]


def figures(fees: Sequence[UsageFee]) -> Figures:
    in_units = any(fee.pricing_unit_amount_cents is not None for fee in fees)
    return Figures(
        units=sum((fee.units for fee in fees), ZERO),
        total_aggregated_units=sum((fee.total_aggregated_units for fee in fees), ZERO),
        events_count=sum(fee.events_count for fee in fees),
        amount_cents=sum(fee.amount_cents for fee in fees),
        pricing_unit_amount_cents=sum(fee.pricing_unit_amount_cents or 0 for fee in fees) if in_units else None,
        projected_units=sum((fee.projected_units for fee in fees), ZERO),
        projected_amount_cents=sum(fee.projected_amount_cents for fee in fees),
        projected_pricing_unit_amount_cents=(
            sum(fee.projected_pricing_unit_amount_cents or 0 for fee in fees) if in_units else None
        ),
    )


def merged(breakdowns: Iterable[Sequence[Breakdown]]) -> list[Breakdown]:
    """All rows, those with the same values summed."""
    found: dict[tuple[tuple[str, str | None], ...], Decimal] = {}
    for each in chain.from_iterable(breakdowns):
        key = tuple(each.presentation_by.items())
        found[key] = found.get(key, ZERO) + each.units
    return [Breakdown(dict(key), units) for key, units in found.items()]


def billed_in_advance(asked: ChargeQuestion, usage: Usage, state: RunningState | None, carried: Decimal) -> Usage:
    """The usage of a charge paid in advance as it is priced: never below what its events were billed.

    state: after the last event that was billed in the period; carried: the units from before the period.
    """
    if asked.question.proration is None:
        if state is None:
            return usage
        units = max(usage.units - state.current + state.highest, ZERO)
        return replace(usage, units=units, full_units=usage.units)
    terms = asked.question.proration
    days = window_days(asked.question, terms)
    if state is not None and state.highest_prorated is not None:
        units = ceiling(carried * days, terms.charges_duration, PRORATED_DECIMALS) + state.highest_prorated
        return replace(usage, units=units)
    if days < terms.charges_duration:
        return usage
    return replace(usage, units=usage.whole_units)


def priced(
    asked: ChargeQuestion,
    charge: PlanCharge,
    taken: PlanFilter | None,
    groups: Sequence[Usage],
    currency: str,
    breakdowns: Callable[[Mapping[str, str | None]], tuple[Breakdown, ...]],
) -> list[UsageFee]:
    """The fees of one bucket, one for each group. breakdowns: of a group."""
    rate = charge.pricing_unit.conversion_rate if charge.pricing_unit else None
    fees = []
    for usage in groups:
        priceable = asked.priceable(usage, currency)
        fee = fee_amounts(asked.model.price(priceable), priceable, currency, conversion_rate=rate)
        weighted = asked.question.weighting is not None
        fees.append(
            UsageFee(
                filter=taken,
                grouped_by=usage.grouped_by,
                units=fee.units,
                total_aggregated_units=usage.total_aggregated_units if weighted else fee.units,
                events_count=usage.events_count,
                amount_cents=fee.amount_cents,
                pricing_unit_amount_cents=fee.pricing_unit.amount_cents if fee.pricing_unit else None,
                breakdowns=breakdowns(usage.grouped_by),
                projected_units=fee.units,
                projected_amount_cents=fee.amount_cents,
                projected_pricing_unit_amount_cents=fee.pricing_unit.amount_cents if fee.pricing_unit else None,
                projected_breakdowns=breakdowns(usage.grouped_by),
            )
        )
    return fees
