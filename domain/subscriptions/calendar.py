"""Billing periods as local dates: where a period starts and ends, for any interval and anchor.

Source: subscriptions handbook, sections 2.1, 2.5 and 3.2. Dates only; instants.py turns them into UTC.
"""

from calendar import isleap
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

ONE_DAY: Final = timedelta(days=1)


class Interval(StrEnum):
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    YEARLY = "yearly"
    QUARTERLY = "quarterly"
    SEMIANNUAL = "semiannual"


class BillingTime(StrEnum):
    CALENDAR = "calendar"
    ANNIVERSARY = "anniversary"


MONTHS: Final = {Interval.MONTHLY: 1, Interval.QUARTERLY: 3, Interval.SEMIANNUAL: 6, Interval.YEARLY: 12}
"""Months of a period; weekly periods have none."""

SPLIT_INTERVALS: Final = frozenset({Interval.YEARLY, Interval.SEMIANNUAL})
"""Intervals whose usage and fixed charges can be billed monthly."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When periods turn: `anchor` is the local date of subscription_at (unused by calendar billing)."""

    interval: Interval
    billing_time: BillingTime
    anchor: date


@dataclass(frozen=True, slots=True)
class Period:
    """Local dates, both included."""

    start: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1

    def __contains__(self, day: date) -> bool:
        return self.start <= day <= self.end


def period_of(schedule: Schedule, day: date) -> Period:
    """Per(day): the period that contains the day. Also answers for days before the anchor."""
    if schedule.interval == Interval.WEEKLY:
        first = 0 if schedule.billing_time == BillingTime.CALENDAR else schedule.anchor.weekday()
        start = day - timedelta(days=(day.weekday() - first) % 7)
        return Period(start, start + timedelta(days=6))
    months = MONTHS[schedule.interval]
    index = _month_index(day)
    if schedule.billing_time == BillingTime.CALENDAR:
        index -= index % months
        day_of_month = 1
    else:
        index -= (index - _month_index(schedule.anchor)) % months
        day_of_month = schedule.anchor.day
        if _clamped(index, day_of_month) > day:
            index -= months
    # Always derived from the anchor, so that a short month never drags the periods after it.
    return Period(_clamped(index, day_of_month), _clamped(index + months, day_of_month) - ONE_DAY)


def day_in_previous_period(schedule: Schedule, day: date) -> date:
    """The base date B of a day: one period earlier, so that on a billing day it lies in the period just finished."""
    if schedule.interval == Interval.WEEKLY:
        return day - timedelta(days=7)
    index = _month_index(day) - MONTHS[schedule.interval]
    day_of_month = day.day
    anniversary = schedule.billing_time == BillingTime.ANNIVERSARY
    if anniversary and day_of_month < schedule.anchor.day and is_last_of_month(day):
        day_of_month = schedule.anchor.day
    return _clamped(index, day_of_month)


def period_length(schedule: Schedule, day: date) -> int:
    """Days of the whole period that contains the day, whatever part of it is billed: 7, 28 to 31, … 365 or 366."""
    return period_of(schedule, day).days


def is_billing_day(schedule: Schedule, day: date, *, monthly_split: bool = False) -> bool:
    """Whether a subscription is billed on the local date.

    monthly_split: usage or fixed charges of a yearly or semiannual plan are billed monthly, so the plan is billed on
    every monthly billing day; other intervals take no notice.
    """
    if monthly_split and schedule.interval in SPLIT_INTERVALS:
        schedule = monthly(schedule)
    return period_of(schedule, day).start == day


def is_opening_month(schedule: Schedule, day: date) -> bool:
    """Whether the monthly period that contains the day is the first of its year or half-year (section 2.6)."""
    start = period_of(monthly(schedule), day).start
    first = 1 if schedule.billing_time == BillingTime.CALENDAR else schedule.anchor.month
    return (start.month - first) % MONTHS[schedule.interval] == 0


def monthly(schedule: Schedule) -> Schedule:
    """The same anchor, turning every month."""
    return Schedule(Interval.MONTHLY, schedule.billing_time, schedule.anchor)


def is_last_of_month(day: date) -> bool:
    return day.day == _month_length(day.year, day.month)


def _month_length(year: int, month: int) -> int:
    if month == 2:
        return 29 if isleap(year) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def _month_index(day: date) -> int:
    return day.year * 12 + day.month - 1


def _clamped(month_index: int, day_of_month: int) -> date:
    year, month = divmod(month_index, 12)
    month += 1
    if day_of_month > 28:
        day_of_month = min(day_of_month, _month_length(year, month))
    return date(year, month, day_of_month)
