"""Which thresholds of an alert were crossed since the last look."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.metering.alert_crossing import MOST_STEPS, AlertThreshold, crossed


def once(*values: int) -> list[AlertThreshold]:
    return [AlertThreshold(Decimal(value), f"at {value}") for value in values]


def step(value: int) -> AlertThreshold:
    return AlertThreshold(Decimal(value), "step", recurring=True)


def values(thresholds: list[AlertThreshold], previous: int, current: int, *, decreasing: bool = False) -> list[int]:
    found = crossed(thresholds, Decimal(previous), Decimal(current), decreasing=decreasing)
    return [int(each.value) for each in found]


@pytest.mark.parametrize(
    ("thresholds", "previous", "current", "expected"),
    [
        ([*once(10, 30, 50), step(100)], 30, 351, [50, 150, 250, 350]),
        (once(10, 30, 50), 0, 9, []),
        (once(10, 30, 50), 0, 30, [10, 30]),
        (once(10, 30, 50), 30, 30, []),
        (once(10, 30, 50), 60, 5, []),
        ([step(100)], 0, 99, []),
        ([step(100)], 0, 250, [100, 200]),
        ([step(100)], 200, 250, []),
        ([*once(50), step(100)], 150, 160, []),
        ([], 0, 10, []),
    ],
)
def test_upwards_a_threshold_is_crossed_when_it_is_reached(
    thresholds: list[AlertThreshold], previous: int, current: int, expected: list[int]
) -> None:
    assert values(thresholds, previous, current) == expected


@pytest.mark.parametrize(
    ("thresholds", "previous", "current", "expected"),
    [
        (once(75, 50, 25), 100, 70, [75]),
        (once(75, 50, 25), 70, 10, [50, 25]),
        (once(75, 50, 25), 10, 100, []),
        (once(50, -50), 45, -55, [-50]),
        ([*once(0), step(10)], 5, -25, [0, -10, -20]),
        ([step(10)], 5, -25, [-10, -20]),
    ],
)
def test_downwards_it_is_the_same_mirrored(
    thresholds: list[AlertThreshold], previous: int, current: int, expected: list[int]
) -> None:
    assert values(thresholds, previous, current, decreasing=True) == expected


def test_a_step_carries_the_code_of_its_threshold_and_the_value_that_was_crossed() -> None:
    found = crossed([*once(10), step(100)], Decimal(0), Decimal(110))
    assert [(each.code, each.recurring) for each in found] == [("at 10", False), ("step", True)]


def test_of_very_many_steps_the_last_ones_are_told() -> None:
    found = values([step(1)], 0, 1_000_000_000)
    assert len(found) == MOST_STEPS
    assert found[-1] == 1_000_000_000


@given(
    st.lists(st.integers(-100, 100), unique=True, max_size=5),
    st.none() | st.integers(5, 50),
    st.lists(st.integers(-200, 200), min_size=2, max_size=10).map(sorted),
    st.booleans(),
)
def test_looking_often_tells_the_same_as_looking_once(
    fixed: list[int], repeated: int | None, figures: list[int], mirrored: bool
) -> None:
    """On the way up (or down) each threshold is told once, however many looks there are."""
    thresholds = once(*fixed) + ([step(repeated)] if repeated else [])
    if mirrored:
        figures = figures[::-1]
    one_by_one = [value for a, b in pairwise(figures) for value in values(thresholds, a, b, decreasing=mirrored)]
    assert one_by_one == values(thresholds, figures[0], figures[-1], decreasing=mirrored)
