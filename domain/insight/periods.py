"""The periods that figures are given for: days, weeks from Monday, months of the calendar. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from domain.insight.months import add_months, month_of

__all__ = ["GRANULARITIES", "first_day", "last_day", "periods_between", "shifted"]

GRANULARITIES: Final = ("daily", "weekly", "monthly")


def first_day(granularity: str, day: date) -> date:
    """The first day of the period that `day` lies in."""
    if granularity == "monthly":
        return month_of(day)
    return day - timedelta(days=day.weekday()) if granularity == "weekly" else day


def shifted(granularity: str, first: date, count: int) -> date:
    """The first day of the period so many later, or earlier, than the one that begins on `first`."""
    if granularity == "monthly":
        return add_months(first, count)
    return first + timedelta(days=count * (7 if granularity == "weekly" else 1))


def last_day(granularity: str, first: date) -> date:
    """The last day of the period that begins on `first`."""
    return shifted(granularity, first, 1) - timedelta(days=1)


def periods_between(granularity: str, start: date, end: date) -> Iterator[date]:
    """The first days of all periods that have a day from `start` to `end`, both included."""
    first = first_day(granularity, start)
    while first <= end:
        yield first
        first = shifted(granularity, first, 1)
