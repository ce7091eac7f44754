"""What events bill when a charge is paid in advance: the table of the handbook, metering 11.3."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.metering.running_maximum import RunningState, next_step


def run(aggregation_type: str, values: list[Decimal]) -> Any:
    state: RunningState | None = None
    steps = []
    for value in values:
        step = next_step(aggregation_type, state, value)
        state = step.state
        steps.append((step.billed, step.state))
    return steps


def test_a_sum_bills_only_what_exceeds_the_greatest_total_so_far() -> None:
    steps = run("sum_agg", [Decimal(value) for value in (10, -4, 3, 5, 2)])
    assert [billed for billed, _ in steps] == [10, 0, 0, 4, 2]
    assert [state.current for _, state in steps if state] == [10, 6, 9, 14, 16]
    assert [state.highest for _, state in steps if state] == [10, 10, 10, 14, 16]


def test_a_count_bills_one_for_each_event_and_keeps_nothing() -> None:
    assert run("count_agg", [Decimal(1), Decimal(1)]) == [(1, None), (1, None)]


def test_a_unique_count_bills_an_item_that_comes_back_only_beyond_the_maximum() -> None:
    steps = run("unique_count_agg", [Decimal(value) for value in (1, 1, -1, 0, 1, 1)])
    assert [billed for billed, _ in steps] == [1, 1, 0, 0, 0, 1]


def test_a_first_event_that_removes_bills_nothing_and_starts_at_zero() -> None:
    assert run("unique_count_agg", [Decimal(-1), Decimal(1)]) == [
        (0, RunningState(Decimal(0), Decimal(0))), (1, RunningState(Decimal(1), Decimal(1))),
    ]  # fmt: skip
    assert run("sum_agg", [Decimal(-4)])[0][0] == 0


@given(st.lists(st.integers(0, 50).map(Decimal), min_size=1))
def test_without_negative_values_the_bills_add_up_to_the_total(values: list[Decimal]) -> None:
    assert sum(billed for billed, _ in run("sum_agg", values)) == sum(values)


@given(st.integers(0, 50).map(Decimal), st.lists(st.integers(-50, 50).map(Decimal)))
def test_the_bills_add_up_to_the_greatest_total(first: Decimal, values: list[Decimal]) -> None:
    steps = run("sum_agg", [first, *values])
    assert sum(billed for billed, _ in steps) == max(state.current for _, state in steps if state)
