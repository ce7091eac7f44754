"""What usage of a period will come to. Pure: the same days give the same forecast.

The period is continued as it has begun: every day to come is expected to be as the average of its days that have ended,
or, where none has, of the past periods. The band around that is how much periods differ: the standard deviation of the
usage per day of past periods, as a fraction of their average, at most the whole. It lies on the days to come alone, so
that the forecasts meet at the end of the period, where they are what was used.

    realistic    = used + expected                      expected = days to come * usage per day
    conservative = used + expected * (1 - deviation)    optimistic = used + expected * (1 + deviation)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from domain.kernel.money import ONE, ZERO, round_half_up

__all__ = ["UNKNOWN_DEVIATION", "Forecast", "deviation", "forecast"]

UNKNOWN_DEVIATION: Final = Decimal("0.2")
"""Where fewer than two past periods are known, or they come to nothing."""

DIGITS: Final = 20
"""Decimals of what is added to what was used, as many as units have."""


@dataclass(frozen=True, slots=True)
class Forecast:
    conservative: Decimal
    realistic: Decimal
    optimistic: Decimal


def forecast(used: Decimal, ended: int, length: int, past: Sequence[Decimal]) -> Forecast:
    """used: in the first `ended` of the period's `length` days. past: the usage per day of periods before it."""
    assert 0 <= ended <= length, "days of the period"
    rate = used / ended if ended else _mean(past)
    expected = round_half_up(rate * (length - ended), DIGITS)
    band = round_half_up(abs(expected) * deviation(past), DIGITS)
    return Forecast(used + expected - band, used + expected, used + expected + band)


def deviation(past: Sequence[Decimal]) -> Decimal:
    """How much periods differ, from 0 (not at all) to 1."""
    mean = _mean(past)
    if len(past) < 2 or mean <= 0:
        return UNKNOWN_DEVIATION
    variance = sum(((each - mean) ** 2 for each in past), ZERO) / len(past)
    return min(variance.sqrt() / mean, ONE)


def _mean(values: Sequence[Decimal]) -> Decimal:
    return sum(values, ZERO) / len(values) if values else ZERO
