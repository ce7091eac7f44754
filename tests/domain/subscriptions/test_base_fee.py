"""The base fee: the worked examples of the subscriptions handbook, section 4.3."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.subscriptions.base_fee import BaseFee, History, Reason, base_fee, day_price
from domain.subscriptions.terms import SubscriptionTerms, Successor
from domain.subscriptions.trial import in_trial, trial_ends_at
from domain.subscriptions.windows import windows
from tests.domain.subscriptions.builders import day, instant, subscription


def fee(terms: SubscriptionTerms, at: str, plan_amount_cents: int, **history: Any) -> BaseFee:
    past = History(**{"created_at": terms.started_at, **history})
    return base_fee(terms, windows(terms, instant(at)), instant(at), plan_amount_cents, past)


@pytest.mark.parametrize(
    ("interval", "start", "at", "advance", "amount", "cents"),
    [
        ("monthly", "2024-02-10", "2024-03-01", False, 10000, 6897),
        ("monthly", "2024-02-10", "2024-02-10", True, 10000, 6897),
        ("weekly", "2024-05-15", "2024-05-15", True, 7000, 5000),
        ("quarterly", "2024-02-10", "2024-02-10", True, 90000, 50440),
        ("semiannual", "2024-02-10", "2024-02-10", True, 180000, 140440),
        ("yearly", "2024-02-10", "2024-02-10", True, 366000, 326000),
        ("yearly", "2024-02-10", "2025-01-01", False, 366000, 326000),
    ],
)
def test_first_calendar_period(interval: str, start: str, at: str, advance: bool, amount: int, cents: int) -> None:
    found = fee(subscription(interval, "calendar", start, pay_in_advance=advance), at, amount)
    assert (found.amount_cents, found.reason) == (cents, Reason.FIRST_PERIOD)


@pytest.mark.parametrize("interval", ["weekly", "monthly", "quarterly", "semiannual", "yearly"])
def test_first_anniversary_period_costs_the_plan_amount(interval: str) -> None:
    arrears = subscription(interval, "anniversary", "2024-01-31T10:00")
    advance = replace(arrears, pay_in_advance=True)
    assert fee(advance, "2024-01-31T10:00", 10007) == BaseFee(
        Decimal(10007), Reason.FULL_PERIOD, windows(advance, instant("2024-01-31T10:00")).duration, fee_length(advance)
    )
    first_billing_day = next(
        f"2024-{month:02d}-{number:02d}" if month <= 12 else "2025-01-31"
        for month, number in [(2, 7), (2, 29), (4, 30), (7, 31), (13, 31)]
        if arrears.is_billing_day(day(f"2024-{month:02d}-{number:02d}" if month <= 12 else "2025-01-31"))
    )
    found = fee(arrears, first_billing_day, 10007)
    assert (found.amount, found.reason) == (Decimal(10007), Reason.FIRST_PERIOD)


def fee_length(terms: SubscriptionTerms) -> int:
    return windows(terms, terms.started_at).duration


def test_termination_bills_the_days_used() -> None:
    terms = subscription("monthly", "calendar", "2024-01-01", terminated_at="2024-04-15T10:00")
    found = fee(terms, "2024-04-15T10:00", 10000, has_earlier_base_fee=True)
    assert (found.amount_cents, found.reason, found.days) == (5000, Reason.TERMINATION, 15)


def test_upgrade_day_belongs_to_the_new_plan() -> None:
    at = "2024-04-15T10:00"
    old = subscription("monthly", "calendar", "2024-01-01", terminated_at=at, successor=Successor.UPGRADE)
    found = fee(old, "2024-04-15T10:00:01", 10000, has_earlier_base_fee=True)
    assert (found.amount_cents, found.days) == (4667, 14)
    new = subscription("monthly", "calendar", at, subscription_at="2024-01-01", pay_in_advance=True)
    first = fee(new, "2024-04-15T10:00:01", 20000, has_predecessor=True, predecessor_upgraded=True, invoices_count=1)
    assert (first.amount_cents, first.reason) == (10667, Reason.AFTER_UPGRADE)


def test_upgraded_plan_bills_the_full_amount_from_its_second_invoice() -> None:
    new = subscription("monthly", "calendar", "2024-04-15", pay_in_advance=True)
    past = {"has_predecessor": True, "predecessor_upgraded": True, "has_earlier_base_fee": True, "invoices_count": 2}
    assert fee(new, "2024-05-01", 20000, **past).reason is Reason.FULL_PERIOD


@pytest.mark.parametrize(
    ("start", "plan", "successor_amount"),
    [("2024-03-05T12:12", 1000, 871), ("2024-03-12T12:12", 1500, 968), ("2024-03-12T13:12", 1900, 1226)],
)
def test_several_upgrades_in_one_month(start: str, plan: int, successor_amount: int) -> None:
    terms = subscription("monthly", "calendar", start, pay_in_advance=True, subscription_at="2024-03-05T12:12")
    assert fee(terms, start, plan, predecessor_upgraded=True, has_predecessor=True).amount_cents == successor_amount


def test_downgrade_into_a_yearly_anniversary_divides_by_the_whole_year() -> None:
    terms = subscription("yearly", "anniversary", "2023-11-19", subscription_at="2023-07-19", pay_in_advance=True)
    found = fee(terms, "2023-11-19", 118800, has_predecessor=True)
    assert (found.days, found.length, found.amount_cents) == (243, 366, 78875)


def test_started_by_upgrade_and_terminated_within_a_quarter() -> None:
    terms = subscription(
        "quarterly",
        "anniversary",
        "2024-05-20",
        subscription_at="2024-01-15",
        terminated_at="2024-06-20T10:00",
    )
    found = fee(terms, "2024-06-20T10:00", 91000, has_predecessor=True, predecessor_upgraded=True)
    assert (found.days, found.length, found.amount_cents) == (32, 91, 32000)


def test_finished_period_is_full_after_an_earlier_base_fee() -> None:
    terms = subscription("monthly", "calendar", "2024-01-15")
    assert fee(terms, "2024-03-01", 9900, has_earlier_base_fee=True).amount == 9900


@pytest.mark.parametrize(
    ("start", "advance", "reason"),
    [
        ("2024-04-10", True, Reason.FULL_PERIOD),
        ("2024-04-10", False, Reason.FIRST_PERIOD),
        ("2024-03-31", False, Reason.FULL_PERIOD),
    ],
)
def test_backdated_start(start: str, advance: bool, reason: Reason) -> None:
    terms = subscription("monthly", "calendar", start, pay_in_advance=advance)
    assert fee(terms, "2024-05-01", 3000, created_at=instant("2024-04-20")).reason is reason


def test_downgrade_on_a_split_day_is_a_termination_without_its_day() -> None:
    terms = subscription(
        "yearly",
        "calendar",
        "2023-01-01",
        bill_charges_monthly=True,
        terminated_at="2024-05-01T00:10",
        successor=Successor.DOWNGRADE,
    )
    found = fee(terms, "2024-05-01T00:10", 36600, has_earlier_base_fee=True)
    assert (found.days, found.amount_cents, found.reason) == (121, 12100, Reason.TERMINATION)


TRIAL = subscription("monthly", "calendar", "2024-03-05T12:12", pay_in_advance=True)


def test_trial_that_ends_inside_the_window_counts_from_its_end() -> None:
    found = fee(TRIAL, "2024-03-15T12:15", 5000000, trial_end=trial_ends_at(TRIAL.started_at, Decimal(10)))
    assert (found.days, found.amount_cents) == (17, 2741935)


def test_trial_over_the_whole_window_costs_nothing() -> None:
    found = fee(TRIAL, "2024-03-05T12:12", 5000000, trial_end=trial_ends_at(TRIAL.started_at, Decimal(45)))
    assert (found.amount_cents, found.days) == (0, 0)


def test_trial_turns_a_full_amount_into_days() -> None:
    terms = replace(TRIAL, pay_in_advance=True)
    found = fee(
        terms,
        "2024-04-19T13:01",
        5000000,
        trial_end=trial_ends_at(terms.started_at, Decimal(45)),
        has_earlier_base_fee=True,
    )
    assert (found.days, found.length, found.amount_cents) == (12, 30, 2000000)


def test_trial_end_on_the_first_day_bills_the_whole_month() -> None:
    terms = subscription("monthly", "calendar", "2024-03-22T12:12", zone="Europe/Paris", pay_in_advance=True)
    found = fee(terms, "2024-04-01T13:01", 5000000, trial_end=trial_ends_at(terms.started_at, Decimal(10)))
    assert found.amount_cents == 5000000


def test_trial_runs_from_the_first_start_until_its_end() -> None:
    start, ten_days = instant("2024-03-05T12:12"), Decimal(10)
    assert trial_ends_at(start, Decimal("0.5")) == instant("2024-03-06T00:12")
    assert in_trial(start, ten_days, None, instant("2024-03-15T12:11"))
    assert not in_trial(start, ten_days, None, instant("2024-03-15T12:12"))
    assert not in_trial(start, ten_days, None, instant("2024-03-04"))
    assert not in_trial(start, None, None, start)
    assert not in_trial(start, ten_days, instant("2024-03-05T13:00"), instant("2024-03-06"))


def test_half_a_month_of_section_15() -> None:
    terms = subscription("monthly", "calendar", "2024-04-16")
    assert fee(terms, "2024-05-01", 9900).amount_cents == 4950
    assert day_price(9900, terms, day("2024-04-20")) == 330


@given(
    amount=st.integers(0, 10**9),
    cut=st.integers(1, 29),
    hour=st.integers(0, 23),
)
def test_an_upgrade_splits_the_month_without_losing_a_day(amount: int, cut: int, hour: int) -> None:
    at = f"2024-04-{cut + 1:02d}T{hour:02d}:30"
    old = subscription("monthly", "calendar", "2024-01-01", terminated_at=at, successor=Successor.UPGRADE)
    new = subscription("monthly", "calendar", at, subscription_at="2024-01-01", pay_in_advance=True)
    spent = fee(old, at, amount, has_earlier_base_fee=True)
    started = fee(new, at, amount, predecessor_upgraded=True, has_predecessor=True, invoices_count=1)
    assert spent.days + started.days == 30
    assert abs(spent.amount + started.amount - amount) < Decimal("1e-60")
