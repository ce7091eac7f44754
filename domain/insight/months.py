"""Months, and how recurring revenue lies over them: pure (handbook, platform 20)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Final

from domain.kernel.money import round_half_up

__all__ = ["WEEKS_OF_A_MONTH", "add_months", "days_of", "month_of", "months_between", "recurring_revenue"]

WEEKS_OF_A_MONTH: Final = Decimal("4.33")


def month_of(day: date) -> date:
    """The first day of the month."""
    return day.replace(day=1)


def add_months(month: date, count: int) -> date:
    """So many months later, or earlier, on the first."""
    number = month.year * 12 + month.month - 1 + count
    return date(number // 12, number % 12 + 1, 1)


def days_of(month: date) -> int:
    return (add_months(month, 1) - month_of(month)).days


def months_between(first: date, last: date) -> Iterator[date]:
    """Both included."""
    month = month_of(first)
    while month <= month_of(last):
        yield month
        month = add_months(month, 1)


def recurring_revenue(amount: Decimal, months: int, issued: date, *, in_advance: bool) -> dict[date, Decimal]:
    """A fee that pays for so many months, spread over them; the parts sum to the amount.

    In arrears: backwards from the month of issue, the oldest takes the remainder of what is not divisible in cents.
    In advance: forwards, the first month by the days that are left in it, the last one takes the rest.
    """
    start = month_of(issued)
    if months <= 1:
        return {start: amount}
    if not in_advance:
        part = round_half_up(amount / months, 0)
        spread = {add_months(start, -back): part for back in range(months - 1)}
        return {**spread, add_months(start, 1 - months): amount - part * (months - 1)}
    part = amount / months
    first = part * (days_of(start) - issued.day + 1) / days_of(start)
    spread = {start: first} | {add_months(start, ahead): part for ahead in range(1, months)}
    rest = amount - first - part * (months - 1)
    if issued.day == 1:
        spread[add_months(start, months - 1)] += rest
    else:
        spread[add_months(start, months)] = rest
    return spread
