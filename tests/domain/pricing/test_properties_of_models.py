"""What holds for every quantity: models that may not fall do not, and no unit is lost between ranges."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.money import ZERO
from domain.pricing.models import charge_model
from domain.pricing.priceable import Priceable
from tests.domain.pricing.builders import GRADUATED_A, GRADUATED_PERCENTAGE, MEETING, PACKAGE, ranges

quantity = st.decimals("0", "1000000", places=3)
unit_price = st.decimals("0", "100", places=4)


@pytest.mark.parametrize(
    ("model", "properties"),
    [
        ("standard", {"amount": "0.3"}),
        ("graduated", GRADUATED_A),
        ("graduated", MEETING),
        ("graduated_percentage", GRADUATED_PERCENTAGE),
        ("package", PACKAGE),
        ("percentage", {"rate": "1.5", "fixed_amount": "1"}),
    ],
)
@given(one=quantity, other=quantity)
def test_more_units_never_cost_less(model: str, properties: dict[str, Any], one: Decimal, other: Decimal) -> None:
    pricing = charge_model(model, properties)
    low, high = sorted((one, other))
    assert pricing.price(Priceable(low, events_count=1)).amount <= pricing.price(Priceable(high, events_count=1)).amount


@st.composite
def bounds(draw: st.DrawFn, *, meeting: bool) -> list[tuple[int, int | None]]:
    ends = sorted(draw(st.sets(st.integers(1, 500), min_size=1, max_size=6)))
    starts = [0, *((end if meeting else end + 1) for end in ends)]
    return list(zip(starts, [*ends, None], strict=True))


@given(rows=bounds(meeting=True) | bounds(meeting=False), units=st.integers(0, 1000), price=unit_price)
def test_ranges_of_one_price_cost_what_the_units_cost_alone(
    rows: list[tuple[int, int | None]], units: int, price: Decimal
) -> None:
    properties = {"graduated_ranges": ranges(*((start, end, str(price), "0") for start, end in rows))}
    answer = charge_model("graduated", properties).price(Priceable(Decimal(units)))
    assert answer.amount == units * price


@given(rows=bounds(meeting=True), units=quantity, prices=st.lists(unit_price, min_size=7, max_size=7))
def test_units_of_the_ranges_sum_to_the_quantity_and_their_totals_to_the_amount(
    rows: list[tuple[int, int | None]], units: Decimal, prices: list[Decimal]
) -> None:
    tiers = ranges(*((start, end, str(price), "1.5") for (start, end), price in zip(rows, prices, strict=False)))
    answer = charge_model("graduated", {"graduated_ranges": tiers}).price(Priceable(units))
    shown = answer.amount_details["graduated_ranges"]
    assert sum((Decimal(each["units"]) for each in shown), ZERO) == units
    assert sum((Decimal(each["total_with_flat_amount"]) for each in shown), ZERO) == answer.amount


@given(rows=bounds(meeting=False), units=quantity, prices=st.lists(unit_price, min_size=7, max_size=7))
def test_graduated_equals_a_plain_walk_over_the_ranges(
    rows: list[tuple[int, int | None]], units: Decimal, prices: list[Decimal]
) -> None:
    expected = ZERO
    for (start, end), price in zip(rows, prices, strict=False):
        reached = units if end is None or units < end else Decimal(end)
        within = reached if start == 0 else reached - start + 1
        expected += within * price + 2
        if end is None or end >= units:
            break
    tiers = ranges(*((start, end, str(price), "2") for (start, end), price in zip(rows, prices, strict=False)))
    # Adjacent single-unit ranges (0-1, 1-2) cannot come out of these bounds, so the plain mode applies.
    assert charge_model("graduated", {"graduated_ranges": tiers}).price(Priceable(units)).amount == expected


@given(units=st.decimals("0", "1000000000000", places=10), price=st.decimals("0", "1000000000", places=15))
def test_long_numbers_are_not_rounded(units: Decimal, price: Decimal) -> None:
    amount = charge_model("standard", {"amount": format(price, "f")}).price(Priceable(units)).amount
    scaled = int(units.scaleb(10)) * int(price.scaleb(15))
    assert int(amount.scaleb(25)) == scaled
