"""What usage of a period will come to."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.insight.forecast import Forecast, deviation, forecast
from domain.insight.forecasted_usage import forecasted
from domain.insight.periods import GRANULARITIES, first_day, last_day, periods_between

D = Decimal
amounts = st.decimals(0, 10**9, places=2)


def test_a_period_goes_on_as_it_began() -> None:
    # 30 in 10 of 30 days: 60 more. Past periods of 2 and 4 a day differ by a third of their average: 20.
    assert forecast(D(30), 10, 30, [D(2), D(4)]) == Forecast(D(70), D(90), D(110))
    assert deviation([D(2), D(4)]) == D(1) / D(3)


def test_before_its_first_day_has_ended_a_period_is_as_those_before() -> None:
    assert forecast(D(0), 0, 10, [D(3), D(3)]) == Forecast(D(30), D(30), D(30))


def test_without_a_past_the_band_is_a_fifth() -> None:
    assert forecast(D(10), 1, 2, []) == Forecast(D(18), D(20), D(22))
    assert forecast(D(0), 0, 31, []) == Forecast(D(0), D(0), D(0))


@given(amounts, st.integers(1, 31), st.data(), st.lists(amounts, max_size=5))
def test_forecasts_hold_what_was_used_and_meet_at_the_end(
    used: Decimal, length: int, data: st.DataObject, past: list[Decimal]
) -> None:
    ended = data.draw(st.integers(0, length))
    found = forecast(used, ended, length, past)
    assert used <= found.conservative <= found.realistic <= found.optimistic
    assert found.optimistic - found.realistic == found.realistic - found.conservative
    if ended == length:
        assert found == Forecast(used, used, used)


@given(st.sampled_from(GRANULARITIES), st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 100))
def test_periods_follow_each_other_without_a_gap(granularity: str, start: date, days: int) -> None:
    firsts = list(periods_between(granularity, start, start + timedelta(days=days)))
    assert firsts[0] <= start <= last_day(granularity, firsts[0])
    assert firsts[-1] <= start + timedelta(days=days) <= last_day(granularity, firsts[-1])
    for first, following in pairwise(firsts):
        assert last_day(granularity, first) + timedelta(days=1) == following
    assert all(first_day(granularity, last_day(granularity, first)) == first for first in firsts)


def test_months_by_hand() -> None:
    # January: 310 in 31 days, 10 a day; February: 580 in 29, 20 a day. The average is 15, they differ from it by 5, a
    # third. Of March 10 of 31 days have ended with 100: 10 a day, 210 more, a band of 70.
    used = {date(2024, month, 1): (D(amount), D(amount) / 10) for month, amount in ((1, 310), (2, 580), (3, 100))}
    rows = forecasted("monthly", "USD", used, date(2023, 6, 1), date(2024, 4, 30), date(2024, 3, 11))
    assert [row.first for row in rows] == [date(2024, month, 1) for month in (1, 2, 3, 4)]
    assert rows[0].amounts == Forecast(D(310), D(310), D(310))
    running, coming = rows[2].amounts, rows[3].amounts
    assert running == Forecast(D(240), D(310), D(380))
    # April, 30 days: as the past, 15 a day.
    assert coming == Forecast(D(300), D(450), D(600))
    assert rows[2].unit_counts == Forecast(D(24), D(31), D(38))
