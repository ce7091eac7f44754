"""Recurring revenue over months."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from domain.insight.months import add_months, months_between, recurring_revenue

D = Decimal


def test_a_fee_of_one_month_lies_in_the_month_of_issue() -> None:
    assert recurring_revenue(D(1000), 1, date(2024, 3, 9), in_advance=True) == {date(2024, 3, 1): D(1000)}


def test_a_year_in_arrears_goes_backwards_and_the_oldest_takes_the_remainder() -> None:
    spread = recurring_revenue(D(1000), 3, date(2024, 1, 1), in_advance=False)
    assert spread == {date(2024, 1, 1): D(333), date(2023, 12, 1): D(333), date(2023, 11, 1): D(334)}


def test_a_quarter_in_advance_goes_forwards_by_the_days_left() -> None:
    assert recurring_revenue(D(9000), 3, date(2024, 1, 1), in_advance=True) == {
        date(2024, 1, 1): D(3000), date(2024, 2, 1): D(3000), date(2024, 3, 1): D(3000)
    }  # fmt: skip
    assert recurring_revenue(D(9300), 3, date(2024, 1, 22), in_advance=True) == {
        date(2024, 1, 1): D(1000), date(2024, 2, 1): D(3100), date(2024, 3, 1): D(3100), date(2024, 4, 1): D(2100)
    }  # fmt: skip


@given(st.integers(0, 10**12), st.integers(1, 13), st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.booleans())
def test_the_parts_sum_to_the_fee(cents: int, months: int, issued: date, in_advance: bool) -> None:
    spread = recurring_revenue(D(cents), months, issued, in_advance=in_advance)
    assert abs(sum(spread.values(), D(0)) - cents) < D("0.000001")
    assert months <= len(spread) <= months + 1
    assert list(months_between(min(spread), max(spread))) == sorted(spread)
    assert all(part >= D("-0.000001") for part in spread.values()) or not in_advance
    assert add_months(min(spread), len(spread) - 1) == max(spread)
