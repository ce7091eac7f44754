"""The tables and worked examples of the subscriptions handbook, section 2."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.subscriptions.instants import days_between, end_of_day, local_date, start_of_day
from domain.subscriptions.terms import Successor
from domain.subscriptions.windows import Windows, after_zone_change, finished_period, follow_previous_window, windows
from tests.domain.subscriptions.builders import UTC_ZONE, day, instant, subscription

START = "2024-01-31T10:00"


def dates(window: tuple[datetime | None, datetime | None], zone: ZoneInfo = UTC_ZONE) -> tuple[str, str]:
    assert window[0] is not None
    assert window[1] is not None
    return local_date(window[0], zone).isoformat(), local_date(window[1], zone).isoformat()


def base(found: Windows) -> tuple[datetime, datetime]:
    return found.from_datetime, found.to_datetime


def charges(found: Windows) -> tuple[datetime | None, datetime | None]:
    return found.charges_from_datetime, found.charges_to_datetime


def fixed_charges(found: Windows) -> tuple[datetime | None, datetime | None]:
    return found.fixed_charges_from_datetime, found.fixed_charges_to_datetime


TABLE = [
    ("weekly", "calendar", "2024-02-05", ("2024-01-31", "2024-02-04"), (5, 7), ("2024-02-05", "2024-02-11"), 7),
    ("weekly", "anniversary", "2024-02-07", ("2024-01-31", "2024-02-06"), (7, 7), ("2024-02-07", "2024-02-13"), 7),
    ("monthly", "calendar", "2024-02-01", ("2024-01-31", "2024-01-31"), (1, 31), ("2024-02-01", "2024-02-29"), 29),
    ("monthly", "anniversary", "2024-02-29", ("2024-01-31", "2024-02-28"), (29, 29), ("2024-02-29", "2024-03-30"), 31),
    ("monthly", "anniversary", "2024-03-31", ("2024-02-29", "2024-03-30"), (31, 31), ("2024-03-31", "2024-04-29"), 30),
    ("monthly", "anniversary", "2024-04-30", ("2024-03-31", "2024-04-29"), (30, 30), ("2024-04-30", "2024-05-30"), 31),
    ("monthly", "anniversary", "2026-03-31", ("2026-02-28", "2026-03-30"), (31, 31), ("2026-03-31", "2026-04-29"), 30),
    ("quarterly", "calendar", "2024-04-01", ("2024-01-31", "2024-03-31"), (61, 91), ("2024-04-01", "2024-06-30"), 91),
    (
        "quarterly",
        "anniversary",
        "2024-04-30",
        ("2024-01-31", "2024-04-29"),
        (90, 90),
        ("2024-04-30", "2024-07-30"),
        92,
    ),
    (
        "quarterly",
        "anniversary",
        "2024-07-31",
        ("2024-04-30", "2024-07-30"),
        (92, 92),
        ("2024-07-31", "2024-10-30"),
        92,
    ),
    (
        "semiannual",
        "calendar",
        "2024-07-01",
        ("2024-01-31", "2024-06-30"),
        (152, 182),
        ("2024-07-01", "2024-12-31"),
        184,
    ),
    (
        "semiannual",
        "anniversary",
        "2024-07-31",
        ("2024-01-31", "2024-07-30"),
        (182, 182),
        ("2024-07-31", "2025-01-30"),
        184,
    ),
    ("yearly", "calendar", "2025-01-01", ("2024-01-31", "2024-12-31"), (336, 366), ("2025-01-01", "2025-12-31"), 365),
    (
        "yearly",
        "anniversary",
        "2025-01-31",
        ("2024-01-31", "2025-01-30"),
        (366, 366),
        ("2025-01-31", "2026-01-30"),
        365,
    ),
]


@pytest.mark.parametrize(("interval", "billing_time", "at", "cover", "cover_days", "following", "length"), TABLE)
def test_billing_days_of_section_2_3(
    interval: str,
    billing_time: str,
    at: str,
    cover: tuple[str, str],
    cover_days: tuple[int, int],
    following: tuple[str, str],
    length: int,
) -> None:
    arrears = subscription(interval, billing_time, START)
    advance = replace(arrears, pay_in_advance=True)
    assert arrears.is_billing_day(day(at))
    bill = windows(arrears, instant(at + "T01:00"))
    assert dates(base(bill)) == dates(charges(bill)) == dates(fixed_charges(bill)) == cover
    assert (days_between(*base(bill), UTC_ZONE), bill.duration) == cover_days
    assert bill.charges_duration == bill.fixed_charges_duration == cover_days[1]
    if cover[0] == "2024-01-31":
        assert bill.charges_from_datetime == instant(START)
        assert bill.from_datetime == instant("2024-01-31")
    ahead = windows(advance, instant(at + "T01:00"))
    assert dates(base(ahead)) == following
    assert ahead.duration == length
    assert charges(ahead) == charges(bill)


@pytest.mark.parametrize(
    ("interval", "billing_time", "end"),
    [
        ("weekly", "calendar", "2024-02-04"),
        ("weekly", "anniversary", "2024-02-06"),
        ("monthly", "calendar", "2024-01-31"),
        ("monthly", "anniversary", "2024-02-28"),
        ("quarterly", "calendar", "2024-03-31"),
        ("quarterly", "anniversary", "2024-04-29"),
        ("semiannual", "calendar", "2024-06-30"),
        ("semiannual", "anniversary", "2024-07-30"),
        ("yearly", "calendar", "2024-12-31"),
        ("yearly", "anniversary", "2025-01-30"),
    ],
)
def test_first_advance_bill_covers_the_period_begun_and_no_usage(interval: str, billing_time: str, end: str) -> None:
    terms = subscription(interval, billing_time, START, pay_in_advance=True)
    bill = windows(terms, terms.started_at)
    assert base(bill) == (instant("2024-01-31"), instant(end + "T23:59:59.999999"))
    assert charges(bill) == fixed_charges(bill) == (terms.started_at, terms.started_at)


@pytest.mark.parametrize(
    ("interval", "anchor", "at", "cover", "length"),
    [
        ("monthly", "2024-12-29", "2025-02-28", ("2025-01-29", "2025-02-27"), 30),
        ("monthly", "2024-12-29", "2025-03-29", ("2025-02-28", "2025-03-28"), 29),
        ("monthly", "2024-12-29", "2025-04-29", ("2025-03-29", "2025-04-28"), 31),
        ("monthly", "2024-12-30", "2025-02-28", ("2025-01-30", "2025-02-27"), 29),
        ("monthly", "2024-12-30", "2025-03-30", ("2025-02-28", "2025-03-29"), 30),
        ("monthly", "2024-12-30", "2025-04-30", ("2025-03-30", "2025-04-29"), 31),
        ("monthly", "2024-12-31", "2025-02-28", ("2025-01-31", "2025-02-27"), 28),
        ("monthly", "2024-12-31", "2025-03-31", ("2025-02-28", "2025-03-30"), 31),
        ("monthly", "2024-12-31", "2025-04-30", ("2025-03-31", "2025-04-29"), 30),
        ("monthly", "2024-12-31", "2025-05-31", ("2025-04-30", "2025-05-30"), 31),
        ("quarterly", "2024-11-30", "2025-02-28", ("2024-11-30", "2025-02-27"), 90),
        ("quarterly", "2024-11-30", "2025-05-30", ("2025-02-28", "2025-05-29"), 91),
        ("quarterly", "2024-11-30", "2025-08-30", ("2025-05-30", "2025-08-29"), 92),
        ("quarterly", "2024-11-30", "2025-11-30", ("2025-08-30", "2025-11-29"), 92),
        ("semiannual", "2024-08-31", "2025-02-28", ("2024-08-31", "2025-02-27"), 181),
        ("semiannual", "2024-08-31", "2025-08-31", ("2025-02-28", "2025-08-30"), 184),
        ("yearly", "2024-02-29", "2025-02-28", ("2024-02-29", "2025-02-27"), 365),
        ("yearly", "2024-02-29", "2027-02-28", ("2026-02-28", "2027-02-27"), 365),
        ("yearly", "2024-02-29", "2028-02-29", ("2027-02-28", "2028-02-28"), 366),
    ],
)
def test_more_anchors_of_section_2_3(interval: str, anchor: str, at: str, cover: tuple[str, str], length: int) -> None:
    terms = subscription(interval, "anniversary", anchor + "T10:00")
    assert terms.is_billing_day(day(at))
    bill = windows(terms, instant(at))
    assert dates(base(bill)) == cover
    assert bill.duration == length


def test_new_york_month_with_a_change_of_clocks() -> None:
    terms = subscription("monthly", "calendar", "2024-03-05T10:00", zone="America/New_York")
    bill = windows(terms, instant("2024-04-01T04:00"))
    assert base(bill) == (instant("2024-03-05T05:00"), instant("2024-04-01T03:59:59.999999"))
    assert bill.charges_from_datetime == instant("2024-03-05T10:00")
    assert (days_between(*base(bill), terms.zone), bill.duration) == (27, 31)


@pytest.mark.parametrize(("to", "days"), [("2024-04-15T10:00", 15), ("2024-04-15", 15), ("2024-04-14T23:59:59.9", 14)])
def test_days_touched(to: str, days: int) -> None:
    assert days_between(instant("2024-04-01"), instant(to), UTC_ZONE) == days


def test_days_are_those_of_the_local_clock() -> None:
    zone = ZoneInfo("Europe/Paris")
    for month, days in ((3, 31), (10, 31), (6, 30)):
        first = start_of_day(datetime(2024, month, 1, tzinfo=UTC).date(), zone)
        last = end_of_day(datetime(2024, month, days, tzinfo=UTC).date(), zone)
        assert days_between(first, last, zone) == days


def test_no_day_is_counted_backwards() -> None:
    assert days_between(instant("2024-04-15"), instant("2024-04-01"), UTC_ZONE) == 0


SPLIT = subscription("yearly", "anniversary", "2024-01-31T01:00", bill_charges_monthly=True)


def test_charges_by_month_of_a_yearly_plan_section_2_6() -> None:
    bill = windows(SPLIT, instant("2024-02-29T02:00"))
    assert base(bill) == (instant("2024-01-31"), instant("2024-01-31T01:00"))
    assert charges(bill) == (instant("2024-01-31T01:00"), instant("2024-02-28T23:59:59.999999"))
    assert fixed_charges(bill) == (None, None)
    assert dates(charges(windows(SPLIT, instant("2024-03-31T02:00")))) == ("2024-02-29", "2024-03-30")
    bill = windows(SPLIT, instant("2025-01-31T02:00"))
    assert dates(base(bill)) == ("2024-01-31", "2025-01-30")
    assert dates(charges(bill)) == ("2024-12-31", "2025-01-30")
    assert fixed_charges(bill) == (instant("2024-01-31T01:00"), instant("2025-01-30T23:59:59.999999"))
    assert (bill.charges_duration, bill.fixed_charges_duration) == (31, 366)


def test_fixed_charges_by_month_leave_usage_to_the_opening_month() -> None:
    terms = replace(SPLIT, bill_charges_monthly=False, bill_fixed_charges_monthly=True)
    bill = windows(terms, instant("2024-03-31T02:00"))
    assert charges(bill) == (None, None)
    assert dates(fixed_charges(bill)) == ("2024-02-29", "2024-03-30")
    assert dates(charges(windows(terms, instant("2024-03-15"), current_usage=True))) == ("2024-01-31", "2025-01-30")
    assert dates(charges(windows(terms, instant("2025-01-31T02:00")))) == ("2024-01-31", "2025-01-30")


def test_semiannual_calendar_split_opens_in_january_and_july() -> None:
    terms = subscription("semiannual", "calendar", "2024-01-01", bill_charges_monthly=True)
    filled = [
        month
        for month in range(1, 13)
        if windows(terms, datetime(2025, month, 1, tzinfo=UTC)).fixed_charges_from_datetime
    ]
    assert filled == [1, 7]
    assert all(terms.is_billing_day(datetime(2025, month, 1, tzinfo=UTC).date()) for month in range(1, 13))


def test_both_families_by_month_are_always_filled() -> None:
    terms = replace(SPLIT, bill_fixed_charges_monthly=True)
    bill = windows(terms, instant("2024-03-31T02:00"))
    assert dates(charges(bill)) == dates(fixed_charges(bill)) == ("2024-02-29", "2024-03-30")


def test_split_flags_mean_nothing_for_a_monthly_plan() -> None:
    plain = subscription("monthly", "calendar", START)
    flagged = replace(plain, bill_charges_monthly=True, bill_fixed_charges_monthly=True)
    assert windows(plain, instant("2024-04-01")) == windows(flagged, instant("2024-04-01"))


def test_midday_termination_of_a_split_plan_bills_the_month_begun() -> None:
    terms = subscription(
        "yearly", "calendar", "2024-01-01", bill_charges_monthly=True, terminated_at="2024-05-20T10:00"
    )
    bill = windows(terms, instant("2024-05-20T10:00"))
    assert charges(bill) == (instant("2024-05-01"), instant("2024-05-20T10:00"))
    assert base(bill) == fixed_charges(bill) == (instant("2024-01-01"), instant("2024-05-20T10:00"))


def test_downgrade_on_a_monthly_split_day_bills_what_has_begun_once() -> None:
    at = "2024-05-01T00:10"
    terms = subscription(
        "yearly",
        "calendar",
        "2023-01-01",
        bill_charges_monthly=True,
        terminated_at=at,
        successor=Successor.DOWNGRADE,
    )
    bill = windows(terms, instant(at))
    assert base(bill) == (instant("2024-01-01"), instant(at))
    assert dates(charges(bill)) == ("2024-04-01", "2024-04-30")
    assert fixed_charges(bill) == (instant("2024-01-01"), instant(at))


def test_termination_cuts_the_period_begun() -> None:
    at = "2024-04-15T10:00:00.400"
    terms = subscription("monthly", "calendar", "2024-01-01", terminated_at=at)
    bill = windows(terms, instant(at))
    assert base(bill) == (instant("2024-04-01"), instant("2024-04-15T10:00"))
    assert charges(bill) == (instant("2024-04-01"), instant(at))
    advance = windows(replace(terms, pay_in_advance=True), instant(at))
    assert (base(advance), charges(advance)) == (base(bill), charges(bill))


def test_upgrade_bills_the_period_begun_of_either_kind_of_plan() -> None:
    at = "2024-04-15T10:00"
    terms = subscription(
        "monthly", "anniversary", "2024-01-10", terminated_at=at, successor=Successor.UPGRADE, pay_in_advance=True
    )
    bill = windows(terms, instant("2024-04-15T10:00:01"))
    assert charges(bill) == (instant("2024-04-10"), instant(at))
    assert charges(windows(replace(terms, pay_in_advance=False), instant(at))) == charges(bill)


def test_downgrade_bills_the_finished_period_of_an_arrears_plan() -> None:
    at = "2024-06-01T00:15:49"
    terms = subscription("monthly", "calendar", "2024-03-01", terminated_at=at, successor=Successor.DOWNGRADE)
    bill = windows(terms, instant(at))
    assert dates(base(bill)) == dates(charges(bill)) == ("2024-05-01", "2024-05-31")


def test_termination_after_the_billing_instant_is_not_seen() -> None:
    terms = subscription("monthly", "calendar", "2024-03-01", terminated_at="2024-06-10")
    bill = windows(terms, instant("2024-06-01"))
    assert dates(base(bill)) == ("2024-05-01", "2024-05-31")


def test_start_and_end_on_the_same_day() -> None:
    terms = subscription("monthly", "calendar", "2024-03-05T10:00", terminated_at="2024-03-05T15:00")
    bill = windows(terms, instant("2024-03-05T15:00"))
    assert base(bill) == (instant("2024-03-05"), instant("2024-03-05T15:00"))
    assert charges(bill) == (instant("2024-03-05T10:00"), instant("2024-03-05T15:00"))


def test_termination_on_the_first_day_can_bill_the_finished_period() -> None:
    at = "2023-10-01T00:15"
    terms = subscription("monthly", "calendar", "2023-08-01", zone="Europe/Paris", terminated_at=at)
    finished = finished_period(terms, instant(at))
    assert finished is not None
    assert dates(base(finished), terms.zone) == ("2023-09-01", "2023-09-30")
    assert dates(charges(finished), terms.zone) == ("2023-09-01", "2023-09-30")


@pytest.mark.parametrize(
    ("at", "successor"),
    [
        ("2023-10-02T00:15", Successor.NONE),
        ("2023-09-15T10:00", Successor.NONE),
        ("2023-10-01T00:15", Successor.UPGRADE),
    ],
)
def test_no_finished_period_on_other_days_or_with_a_successor(at: str, successor: Successor) -> None:
    terms = subscription("monthly", "calendar", "2023-08-01", terminated_at=at, successor=successor)
    assert finished_period(terms, instant(at)) is None


def test_no_finished_period_when_it_started_less_than_a_day_ago() -> None:
    terms = subscription("monthly", "calendar", "2023-09-30T12:00", terminated_at="2023-10-01T10:00")
    assert finished_period(terms, instant("2023-10-01T10:00")) is None


def test_finished_month_of_a_split_plan_leaves_the_base_fee_to_the_termination() -> None:
    at = "2024-05-01T00:15"
    terms = subscription("yearly", "calendar", "2024-01-01", bill_charges_monthly=True, terminated_at=at)
    finished = finished_period(terms, instant(at))
    assert finished is not None
    assert base(finished) == (instant("2024-01-01"), instant(at))
    assert dates(charges(finished)) == ("2024-04-01", "2024-04-30")


def test_usage_joins_after_a_change_of_time_zone() -> None:
    previous = windows(subscription("monthly", "calendar", "2024-01-01", zone="UTC"), instant("2024-03-01T12:00"))
    tokyo = subscription("monthly", "calendar", "2024-01-01", zone="Asia/Tokyo")
    joined = after_zone_change(windows(tokyo, instant("2024-04-01T12:00")), previous)
    assert joined.charges_from_datetime == joined.fixed_charges_from_datetime == instant("2024-03-01")
    assert joined.charges_to_datetime == instant("2024-03-31T14:59:59.999999")


def test_a_gap_of_a_day_and_more_is_no_change_of_zone() -> None:
    computed = instant("2024-03-05")
    assert follow_previous_window(computed, computed - timedelta(hours=26)) == instant("2024-03-03T22:00:01")
    assert follow_previous_window(computed, computed - timedelta(hours=26, seconds=1)) == computed
