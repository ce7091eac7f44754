"""What a bill made at an instant covers: the windows of base fee, usage and fixed charges (handbook, section 2).

Three windows because they differ: a plan in advance bills the period that starts and the usage of the one that ended,
and yearly or semiannual plans may bill usage and fixed charges by the month.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from domain.subscriptions.calendar import (
    ONE_DAY,
    Period,
    Schedule,
    day_in_previous_period,
    is_opening_month,
    monthly,
    period_of,
)
from domain.subscriptions.instants import end_of_day, local_date, rounded_to_second, start_of_day
from domain.subscriptions.terms import SubscriptionTerms, Successor

ZONE_CHANGE_LIMIT: Final = timedelta(hours=26)
"""Two zones are at most so far apart; a wider difference is a gap in billing, not a change of zone."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Instants in UTC, ends included (a full day ends at .999999).

    A window may be empty or degenerate (start and end at started_at): nothing is billed for it then.
    charges_*, fixed_charges_*: None where the family is not due on this bill (monthly split).
    duration, charges_duration, fixed_charges_duration: days of the whole period, never shortened by a start or end.
    base_period: the local dates of the whole period of the base fee.
    """

    from_datetime: datetime
    to_datetime: datetime
    charges_from_datetime: datetime | None
    charges_to_datetime: datetime | None
    charges_duration: int | None
    fixed_charges_from_datetime: datetime | None
    fixed_charges_to_datetime: datetime | None
    fixed_charges_duration: int | None
    duration: int
    base_period: Period


def windows(terms: SubscriptionTerms, at: datetime, *, current_usage: bool = False) -> Windows:
    """The windows of a bill made at `at`.

    current_usage: the period that contains `at` instead of the one before it: live usage, progressive billing,
    charges paid in advance. Implied for a subscription that an upgrade has ended.
    """
    terminated = terms.is_terminated_at(at)
    current = current_usage or (terminated and terms.successor == Successor.UPGRADE)
    today = local_date(at, terms.zone)
    schedule = terms.schedule

    in_arrears = _period_in_arrears(terms, schedule, today, terminated, current)
    base_period = period_of(schedule, today) if terms.pay_in_advance else in_arrears
    start, end = _base_bounds(terms, base_period, terminated)

    charges: Period | None = in_arrears
    fixed_charges: Period | None = in_arrears
    charges_split, fixed_split = terms.charges_are_split, terms.fixed_charges_are_split
    if charges_split or fixed_split:
        by_month = _period_in_arrears(terms, monthly(schedule), today, terminated, current)
        due = in_arrears if current or terminated or is_opening_month(schedule, today) else None
        charges = by_month if charges_split else due
        fixed_charges = by_month if fixed_split else due
    charges_from, charges_to = _usage_bounds(terms, charges)
    fixed_from, fixed_to = charges_from, charges_to
    if fixed_charges is not charges:
        fixed_from, fixed_to = _usage_bounds(terms, fixed_charges)
    return Windows(
        from_datetime=start,
        to_datetime=end,
        charges_from_datetime=charges_from,
        charges_to_datetime=charges_to,
        charges_duration=None if charges is None else charges.days,
        fixed_charges_from_datetime=fixed_from,
        fixed_charges_to_datetime=fixed_to,
        fixed_charges_duration=None if fixed_charges is None else fixed_charges.days,
        duration=base_period.days,
        base_period=base_period,
    )


def ends_inside_period(terms: SubscriptionTerms, at: datetime) -> bool:
    """A downgrade that takes effect inside the old plan's period: on a monthly split day of a longer period.

    The period begun is then billed up to the day before, as after an upgrade. The reference bills the period before
    once more and never the begun one.
    """
    if not terms.is_terminated_at(at) or terms.successor != Successor.DOWNGRADE:
        return False
    today = local_date(at, terms.zone)
    return period_of(terms.schedule, today).start != today


def finished_period(terms: SubscriptionTerms, at: datetime) -> Windows | None:
    """Termination on the first day of a period, before the periodic run has billed the period just finished (2.7).

    The windows of that finished period, computed as if the subscription were still active. The caller bills them
    instead of the new period's stub of a day, unless a periodic invoice of that period exists. None where the rule
    does not apply: a successor, not terminated, or terminated on another day. Where only a month of a monthly split
    has finished, only the split windows are those of the finished month.
    """
    if not terms.is_terminated_at(at) or terms.successor != Successor.NONE or at - ONE_DAY < terms.started_at:
        return None
    whole = windows(replace(terms, terminated_at=None), at)
    if _follows_period_end(terms.schedule, at, terms.zone):
        return whole
    if not (terms.charges_are_split or terms.fixed_charges_are_split):
        return None
    if not _follows_period_end(monthly(terms.schedule), at, terms.zone):
        return None
    finished = windows(terms, at)
    if terms.charges_are_split:
        finished = replace(
            finished,
            charges_from_datetime=whole.charges_from_datetime,
            charges_to_datetime=whole.charges_to_datetime,
            charges_duration=whole.charges_duration,
        )
    if terms.fixed_charges_are_split:
        finished = replace(
            finished,
            fixed_charges_from_datetime=whole.fixed_charges_from_datetime,
            fixed_charges_to_datetime=whole.fixed_charges_to_datetime,
            fixed_charges_duration=whole.fixed_charges_duration,
        )
    return finished


def follow_previous_window(computed_from: datetime, previous_to: datetime) -> datetime:
    """The start of a usage window after the customer's time zone has changed (section 2.8).

    The second after the previous window's end, so that no usage is billed twice or left out; the computed start when
    the two are 26 hours or more apart. Call it only if the previous invoice was made in another zone.
    """
    following = previous_to.replace(microsecond=0) + timedelta(seconds=1)
    return following if abs(following - computed_from) < ZONE_CHANGE_LIMIT else computed_from


def after_zone_change(computed: Windows, previous: Windows) -> Windows:
    """`computed` with its usage and fixed-charge windows joined to those of the previous invoice."""
    charges_from, fixed_from = computed.charges_from_datetime, computed.fixed_charges_from_datetime
    if charges_from and previous.charges_to_datetime:
        charges_from = follow_previous_window(charges_from, previous.charges_to_datetime)
    if fixed_from and previous.fixed_charges_to_datetime:
        fixed_from = follow_previous_window(fixed_from, previous.fixed_charges_to_datetime)
    return replace(computed, charges_from_datetime=charges_from, fixed_charges_from_datetime=fixed_from)


def _follows_period_end(schedule: Schedule, at: datetime, zone: ZoneInfo) -> bool:
    """Whether the period that contained the instant a day before ended less than a day ago."""
    last = period_of(schedule, local_date(at - ONE_DAY, zone)).end
    return timedelta(0) <= at - end_of_day(last, zone) < ONE_DAY


def _period_in_arrears(
    terms: SubscriptionTerms, schedule: Schedule, today: date, terminated: bool, current: bool
) -> Period:
    """The period of what is billed in arrears: the one before today's, or today's if it is cut short."""
    this_period = period_of(schedule, today)
    if current:
        return this_period
    if terminated and (terms.successor == Successor.NONE or this_period.start != today):
        return this_period
    return period_of(schedule, day_in_previous_period(schedule, today))


def _base_bounds(terms: SubscriptionTerms, period: Period, terminated: bool) -> tuple[datetime, datetime]:
    """Cut at the local midnight of the first day, and at the termination."""
    start = start_of_day(period.start, terms.zone)
    if start < terms.started_at:
        start = start_of_day(local_date(terms.started_at, terms.zone), terms.zone)
    end = end_of_day(period.end, terms.zone)
    if terminated and terms.terminated_at is not None and end > terms.terminated_at:
        end = rounded_to_second(terms.terminated_at)
    return start, max(end, terms.started_at)


def _usage_bounds(terms: SubscriptionTerms, period: Period | None) -> tuple[datetime | None, datetime | None]:
    """Cut at the exact instants of start and termination, whenever the bill is made."""
    if period is None:
        return None, None
    start = max(start_of_day(period.start, terms.zone), terms.started_at)
    end = end_of_day(period.end, terms.zone)
    if terms.terminated_at is not None and terms.terminated_at <= end:
        end = terms.terminated_at
    return start, max(end, terms.started_at)
