"""Graduated with prorated units: the checks of the pricing handbook, section 6.9."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.pricing.models import price
from domain.pricing.priceable import Priceable
from tests.domain.pricing.builders import decimals, ranges

TWO = {"graduated_ranges": ranges((0, 5, "10", "100"), (6, None, "5", "50"))}
THREE = {"graduated_ranges": ranges((0, 5, "10", "100"), (6, 15, "5", "50"), (16, None, "2", "0"))}


def prorated(properties: dict[str, Any], whole: tuple[Decimal, ...], weighed: tuple[Decimal, ...]) -> Decimal:
    usage = Priceable(
        units=sum(weighed, Decimal(0)),
        full_units=sum(whole, Decimal(0)),
        event_values=whole,
        prorated_values=weighed,
    )
    return price("graduated", properties, usage, prorated=True).amount


@pytest.mark.parametrize(
    ("whole", "weighed", "amount"),
    [
        ((5, 5, 10, -6), ("3.5", "2.66667", "2", "-2.2"), "197.33"),
        ((2, 5, 10, -6), ("1.4", "2.66667", "2", "-2.2"), "184.33"),
        ((5, -2), ("3.5", "-1"), "125"),
        ((4, 2, -3), ("2.8", "1", "-0.6"), "180.5"),
        ((5, 2, -4, 10), ("3.5", "1", "-1.6", "2"), "190"),
        ((1,), ("0.7",), "107"),
        ((5, -100), ("2", "-33.33"), "0"),
        ((), (), "100"),
    ],
)
def test_two_ranges(whole: tuple[int, ...], weighed: tuple[str, ...], amount: str) -> None:
    assert round(prorated(TWO, decimals(*whole), decimals(*weighed)), 2) == Decimal(amount)


def test_one_event_over_three_ranges() -> None:
    assert prorated(THREE, decimals(75), decimals(75)) == 370


def test_units_added_and_removed_within_thirty_days() -> None:
    properties = {"graduated_ranges": ranges((0, 5, "10", "0"), (6, None, "4", "1"))}
    amount = prorated(properties, decimals(3, 4, -2), (Decimal(3), Decimal(8) / 3, Decimal(-11) / 15))
    assert round(amount, 4) == Decimal("46.7333")


def test_fixed_charge_is_one_pair_of_whole_and_prorated_units() -> None:
    properties = {"graduated_ranges": ranges((0, 10, "10", "0"), (11, None, "8", "5"))}
    usage = Priceable(units=Decimal("16.666666"), full_units=Decimal(20))
    answer = price("graduated", properties, usage, prorated=True)
    assert round(answer.amount, 6) == Decimal("154.999994")
    assert answer.amount_details == {}


def test_lists_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="every event"):
        prorated(TWO, decimals(1, 2), decimals(1))


values = st.lists(st.integers(-20, 40), min_size=1, max_size=12)


@given(whole=values)
def test_a_value_of_zero_or_any_sequence_ends_with_an_amount_that_is_not_negative(whole: list[int]) -> None:
    for properties in (TWO, THREE):
        assert prorated(properties, decimals(*whole), decimals(*whole)) >= 0


@given(whole=st.lists(st.integers(1, 40), min_size=1, max_size=12))
def test_units_held_for_the_whole_period_cost_what_graduated_units_cost(whole: list[int]) -> None:
    units = sum(whole)
    for properties in (TWO, THREE):
        plain = price("graduated", properties, Priceable(units=Decimal(units))).amount
        assert prorated(properties, decimals(*whole), decimals(*whole)) == plain
