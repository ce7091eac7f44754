"""Codes of charges that were sent without one."""

import pytest

from domain.catalog.charge_terms import generated_code


@pytest.mark.parametrize(
    ("taken", "code"),
    [
        ([], "calls"),
        (["other"], "calls"),
        (["calls"], "calls_2"),
        (["calls", "calls_2"], "calls_3"),
        (["calls", "calls_9", "calls_x", "my_calls_40", "calls_4_5"], "calls_10"),
        (["calls_7"], "calls"),
        (["calls", "calls_" + "9" * 30], "calls_2"),
    ],
)
def test_the_metrics_code_is_taken_and_then_numbered(taken: list[str], code: str) -> None:
    assert generated_code("calls", taken) == code


def test_a_code_with_the_signs_of_patterns_is_taken_literally() -> None:
    assert generated_code("a.b", ["a.b", "aXb_5"]) == "a.b_2"
