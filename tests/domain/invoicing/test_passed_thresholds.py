"""Which usage thresholds are passed, and how far it is to the next."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.invoicing.passed_thresholds import Threshold, completions, passed, passed_amount

NOW = datetime(2024, 3, 1, tzinfo=UTC)
FIXED = [Threshold(cents, cents) for cents in (10, 20, 31, 40)]
STEP = Threshold("R", 5, recurring=True)
TEN = Threshold("R", 10, recurring=True)


@pytest.mark.parametrize(
    ("thresholds", "invoiced", "current", "expected"),
    [
        ([*FIXED, STEP], 0, 45, [10, 20, 31, 40, "R"]),
        ([*FIXED, STEP], 9, 20, [10, 20]),
        ([*FIXED, STEP], 11, 10, [20]),
        ([*FIXED, STEP], 40, 5, ["R"]),
        ([*FIXED, STEP], 41, 4, ["R"]),
        ([*FIXED, STEP], 50, 0, []),
        ([TEN], 0, 7, []),
        ([TEN], 11, 9, ["R"]),
        ([TEN], 202, 8, ["R"]),
        # Ten of them billed by a progressive invoice of the period before.
        ([*FIXED, STEP], 10, 21, [20, 31]),
        ([*FIXED, STEP], 51, 4, ["R"]),
        (FIXED, 0, -1, []),
        ([], 0, 100, []),
    ],
)
def test_the_thresholds_between_what_was_billed_and_all_usage_are_passed(
    thresholds: list[Threshold], invoiced: int, current: int, expected: list[object]
) -> None:
    assert [each.id for each in passed(thresholds, invoiced_cents=invoiced, current_cents=current)] == expected


amounts = st.integers(1, 10_000)


@given(st.lists(amounts, unique=True, max_size=6), st.none() | amounts, st.lists(st.integers(0, 5_000), max_size=12))
def test_a_fixed_threshold_is_passed_once_whatever_the_steps(
    fixed: list[int], step: int | None, uses: list[int]
) -> None:
    """Usage comes in steps, and each crossing bills all there is: every fixed threshold up to the end is passed once,
    and the recurring one at most once a step."""
    thresholds = [Threshold(cents, cents) for cents in fixed]
    if step is not None:
        thresholds.append(Threshold("R", step, recurring=True))
    billed = total = 0
    seen: list[object] = []
    for use in uses:
        total += use
        found = passed(thresholds, invoiced_cents=billed, current_cents=total - billed)
        assert len({each.id for each in found}) == len(found)
        seen += [each.id for each in found if not each.recurring]
        if found:
            billed = total
    assert sorted(seen) == sorted(cents for cents in fixed if cents <= total)  # type: ignore[type-var]
    assert passed(thresholds, invoiced_cents=billed, current_cents=0) == []


def test_a_recurring_threshold_passes_its_last_full_step() -> None:
    assert passed_amount(TEN, 37) == 30
    assert passed_amount(FIXED[0], 37) == 10


def listed(thresholds: list[Threshold], lifetime: int) -> list[tuple[int, Fraction | int]]:
    return [(each.amount_cents, each.ratio) for each in completions(thresholds, lifetime_cents=lifetime, now=NOW)]


def test_the_way_to_the_next_threshold_is_a_part_of_one() -> None:
    assert listed(FIXED, 25) == [(10, 1), (20, 1), (31, Fraction(5, 11)), (40, 0)]
    assert listed([*FIXED, TEN], 25)[-2:] == [(40, 0), (50, 0)]
    assert listed([*FIXED, TEN], 57) == [(10, 1), (20, 1), (31, 1), (40, 1), (50, 1), (60, Fraction(7, 10))]
    assert listed([TEN], 7) == [(10, Fraction(7, 10))]
    assert listed([TEN], 1_000_007)[-2:] == [(1_000_000, 1), (1_000_010, Fraction(7, 10))]
    assert len(listed([TEN], 1_000_007)) == 101


def test_what_was_billed_says_when_a_threshold_was_reached() -> None:
    before = datetime(2024, 2, 1, tzinfo=UTC)
    found = completions(FIXED, lifetime_cents=25, now=NOW, reached={10: before})
    assert [each.reached_at for each in found] == [before, NOW, None, None]
