"""Periods and days leave no hole and do not overlap: all intervals, anchors and time zones."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.subscriptions.calendar import (
    ONE_DAY,
    BillingTime,
    Interval,
    Schedule,
    day_in_previous_period,
    is_billing_day,
    period_length,
    period_of,
)
from domain.subscriptions.instants import days_between, end_of_day, local_date, start_of_day
from domain.subscriptions.terms import SubscriptionTerms, Successor
from domain.subscriptions.windows import windows

days = st.dates(date(2000, 1, 1), date(2099, 12, 31))
schedules = st.builds(Schedule, st.sampled_from(Interval), st.sampled_from(BillingTime), days)
zones = st.sampled_from(
    [
        ZoneInfo(name)
        for name in ("UTC", "Europe/Paris", "America/Sao_Paulo", "Asia/Tehran", "Pacific/Apia", "Asia/Kolkata")
    ]
)


instants = st.integers(0, 20 * 365 * 86_400).map(
    lambda seconds: datetime(2010, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@given(schedule=schedules, day=days)
def test_periods_tile_the_days(schedule: Schedule, day: date) -> None:
    period = period_of(schedule, day)
    assert day in period
    assert period_of(schedule, period.start) == period_of(schedule, period.end) == period
    assert period_of(schedule, period.end + ONE_DAY).start == period.end + ONE_DAY
    assert period_of(schedule, period.start - ONE_DAY).end == period.start - ONE_DAY


@given(schedule=schedules, day=days)
def test_a_billing_day_is_the_first_of_a_period_and_its_base_date_lies_in_the_one_before(
    schedule: Schedule, day: date
) -> None:
    period = period_of(schedule, day)
    assert is_billing_day(schedule, day) == (day == period.start)
    before = period_of(schedule, day_in_previous_period(schedule, period.start))
    assert before.end + ONE_DAY == period.start


@given(schedule=schedules, day=days)
def test_lengths_are_those_of_the_interval(schedule: Schedule, day: date) -> None:
    least, most = {
        Interval.WEEKLY: (7, 7),
        Interval.MONTHLY: (28, 31),
        Interval.QUARTERLY: (89, 92),
        Interval.SEMIANNUAL: (181, 184),
        Interval.YEARLY: (365, 366),
    }[schedule.interval]
    assert least <= period_length(schedule, day) <= most


@given(schedule=schedules, day=days)
def test_the_billing_day_table_of_section_3_2(schedule: Schedule, day: date) -> None:
    """The handbook's own words, beside the rule `a period starts today`."""
    anchor, last = schedule.anchor, (day + ONE_DAY).month != day.month
    monthly = day.day == anchor.day or (last and day.day <= anchor.day)
    calendar = schedule.billing_time is BillingTime.CALENDAR
    expected = {
        Interval.WEEKLY: day.isoweekday() == (1 if calendar else anchor.isoweekday()),
        Interval.MONTHLY: day.day == 1 if calendar else monthly,
        Interval.QUARTERLY: day.day == 1 and day.month in (1, 4, 7, 10)
        if calendar
        else monthly and day.month % 3 == anchor.month % 3,
        Interval.SEMIANNUAL: day.day == 1 and day.month in (1, 7)
        if calendar
        else monthly and day.month % 6 == anchor.month % 6,
        Interval.YEARLY: (day.day, day.month) == (1, 1) if calendar else monthly and day.month == anchor.month,
    }
    assert is_billing_day(schedule, day) == expected[schedule.interval]
    if schedule.interval in (Interval.YEARLY, Interval.SEMIANNUAL):
        assert is_billing_day(schedule, day, monthly_split=True) == (day.day == 1 if calendar else monthly)


@given(
    schedule=schedules,
    zone=zones,
    started=instants,
    split=st.booleans(),
)
def test_arrears_bills_in_a_row_cover_all_time_from_the_start(
    schedule: Schedule, zone: ZoneInfo, started: datetime, split: bool
) -> None:
    terms = SubscriptionTerms(
        schedule.interval,
        schedule.billing_time,
        False,
        zone,
        subscription_at=started,
        started_at=started,
        bill_charges_monthly=split,
        bill_fixed_charges_monthly=split,
    )
    day, bills = local_date(started, zone), []
    for _ in range(800):
        day += ONE_DAY
        if terms.is_billing_day(day):
            bills.append(windows(terms, start_of_day(day, zone) + timedelta(minutes=10)))
    assert len(bills) >= 2
    assert bills[0].charges_from_datetime == started
    for before, after in pairwise(bills):
        assert before.charges_to_datetime is not None
        assert after.charges_from_datetime == before.charges_to_datetime + timedelta(microseconds=1)
        assert before.fixed_charges_to_datetime == before.charges_to_datetime
        assert after.charges_duration is not None
        assert days_between(after.charges_from_datetime, after.charges_to_datetime or started, zone) in (
            after.charges_duration,
            after.charges_duration - 1,  # a date that the zone skipped
        )


@given(
    schedule=schedules,
    zone=zones,
    started=instants,
    later=st.timedeltas(timedelta(0), timedelta(days=800)),
    advance=st.booleans(),
    successor=st.sampled_from([Successor.NONE, Successor.UPGRADE]),
)
def test_no_window_leaves_the_life_of_the_subscription(
    schedule: Schedule,
    zone: ZoneInfo,
    started: datetime,
    later: timedelta,
    advance: bool,
    successor: Successor,
) -> None:
    ended = started + later
    terms = SubscriptionTerms(
        schedule.interval,
        schedule.billing_time,
        advance,
        zone,
        subscription_at=started,
        started_at=started,
        terminated_at=ended,
        successor=successor,
    )
    bill = windows(terms, ended)
    assert bill.charges_from_datetime is not None
    assert bill.charges_to_datetime is not None
    assert started <= bill.charges_from_datetime <= bill.charges_to_datetime == ended
    assert local_date(started, zone) <= local_date(bill.from_datetime, zone)
    assert bill.to_datetime <= ended + timedelta(seconds=1)
    assert days_between(bill.from_datetime, bill.to_datetime, zone) <= bill.duration


@given(schedule=schedules, zone=zones, day=days, cut=st.integers(1, 364))
def test_days_of_the_parts_of_a_period_sum_to_the_whole(
    schedule: Schedule, zone: ZoneInfo, day: date, cut: int
) -> None:
    period = period_of(schedule, day)
    middle = period.start + timedelta(days=cut % period.days)
    whole = days_between(start_of_day(period.start, zone), end_of_day(period.end, zone), zone)
    first = days_between(start_of_day(period.start, zone), start_of_day(middle, zone) - timedelta(microseconds=1), zone)
    rest = days_between(start_of_day(middle, zone), end_of_day(period.end, zone), zone)
    assert (first if middle > period.start else 0) + rest == whole == period.days


def changes_of(zone: ZoneInfo, since: datetime, until: datetime) -> list[datetime]:
    """The weeks around every change of the zone's offset."""
    found, moment = [], since
    while moment < until:
        if moment.astimezone(zone).utcoffset() != (moment + timedelta(days=7)).astimezone(zone).utcoffset():
            found.append(moment)
        moment += timedelta(days=7)
    return found


@pytest.mark.parametrize("part", range(8))
def test_days_tile_time_in_every_zone(part: int) -> None:
    """Around every change of clocks since 1970, and through 2026: half-hour changes, skipped dates and midnights."""
    for name in sorted(available_timezones())[part::8]:
        zone = ZoneInfo(name)
        for change in changes_of(zone, datetime(1970, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)):
            first = change.date() - ONE_DAY
            for day in (first + timedelta(days=n) for n in range(10)):
                start, end = start_of_day(day, zone), end_of_day(day, zone)
                following = start_of_day(day + ONE_DAY, zone)
                assert end + timedelta(microseconds=1) == following, (name, day)
                if start == following:
                    assert local_date(start, zone) > day, (name, day)  # the zone skipped the date
                    continue
                assert local_date(start, zone) == day, (name, day)
                assert local_date(start - timedelta(microseconds=1), zone) < day, (name, day)
                assert start < following, (name, day)


def test_a_skipped_midnight_starts_the_day_at_the_change_of_clocks() -> None:
    sao_paulo = ZoneInfo("America/Sao_Paulo")
    assert start_of_day(date(2018, 11, 4), sao_paulo) == datetime(2018, 11, 4, 3, tzinfo=UTC)
    apia = ZoneInfo("Pacific/Apia")
    assert start_of_day(date(2011, 12, 30), apia) == start_of_day(date(2011, 12, 31), apia)
