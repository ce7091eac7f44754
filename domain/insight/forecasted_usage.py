"""Usage by period with what it will come to. Source: handbook, platform 20; the method: forecast.py."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from domain.insight.forecast import Forecast, forecast
from domain.insight.periods import first_day, last_day, periods_between, shifted
from domain.insight.usages import usage_amounts
from domain.insight.wanted import WantedFigures, today
from domain.kernel.money import ZERO
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["PAST", "ForecastedUsage", "forecasted", "forecasted_usages"]

PAST: Final = 12
"""How many periods before the running one a forecast looks at."""
LONGEST: Final = timedelta(days=366)
"""How far ahead usage is forecast."""


@dataclass(frozen=True, slots=True)
class ForecastedUsage:
    """first: the first day of the period. amount, in cents, and units: as far as its days have ended."""

    first: date
    currency: str
    amount: Decimal
    units: Decimal
    amounts: Forecast
    unit_counts: Forecast


async def forecasted_usages(work: UnitOfWork, wanted: WantedFigures) -> list[ForecastedUsage]:
    """Whole periods, those to come included, in each currency from the first one on that has usage. One statement."""
    now = today()
    until = last_day(wanted.granularity, first_day(wanted.granularity, min(wanted.to_date, now + LONGEST)))
    since = first_day(wanted.granularity, wanted.from_date)
    looked_at = shifted(wanted.granularity, min(since, first_day(wanted.granularity, now)), -PAST)
    used: dict[str, dict[date, tuple[Decimal, Decimal]]] = defaultdict(dict)
    for row in await usage_amounts(work, replace(wanted, from_date=looked_at, to_date=max(until, now))):
        used[row.currency][row.first] = row.amount_cents, row.units
    found = [
        each
        for currency, periods in used.items()
        for each in forecasted(wanted.granularity, currency, periods, since, until, now)
    ]
    return sorted(found, key=lambda each: (each.first, each.currency))


def forecasted(
    granularity: str,
    currency: str,
    used: Mapping[date, tuple[Decimal, Decimal]],
    since: date,
    until: date,
    now: date,
) -> list[ForecastedUsage]:
    """The periods from `since` to `until`, from the amounts and units of those with any. Pure."""
    began, running = min(used), first_day(granularity, now)

    def length(first: date) -> int:
        return (shifted(granularity, first, 1) - first).days

    def past(part: int) -> list[Decimal]:
        before = periods_between(granularity, max(began, shifted(granularity, running, -PAST)), running)
        return [used.get(first, (ZERO, ZERO))[part] / length(first) for first in before if first < running]

    known = past(0), past(1)
    found = []
    for first in periods_between(granularity, max(since, began), until):
        ended = min(max((now - first).days, 0), length(first))
        amount, units = used.get(first, (ZERO, ZERO))
        found.append(
            ForecastedUsage(
                first, currency, amount, units,
                forecast(amount, ended, length(first), known[0]), forecast(units, ended, length(first), known[1]),
            )
        )  # fmt: skip
    return found
