"""Charges paid in advance: the sequences of the pricing handbook, section 8."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.money import ZERO
from domain.pricing.models import charge_model
from domain.pricing.pay_in_advance import InstantUsage, instant_usage, pay_in_advance_fee, price_event
from domain.pricing.percentage import Percentage, running_totals
from domain.pricing.priceable import Price, Priceable
from tests.domain.pricing.builders import GRADUATED_A, GRADUATED_PERCENTAGE, MEETING, PACKAGE, decimals


def sequence(model_name: str, properties: dict[str, Any], values: Sequence[Decimal]) -> list[Price]:
    """The price of each event of a sum, without running maximum: every value is positive."""
    model = charge_model(model_name, properties)
    prices = []
    for count in range(1, len(values) + 1):
        so_far = tuple(values[:count])
        totals: tuple[Decimal, ...] = ()
        if isinstance(model, Percentage):
            totals = running_totals(so_far, model.free_events, model.free_amount)
        including = Priceable(units=sum(so_far, ZERO), events_count=count, event_values=so_far, running_totals=totals)
        prices.append(price_event(model, instant_usage(including, billed_units=so_far[-1])))
    return prices


@pytest.mark.parametrize(
    ("model", "properties", "values", "amounts"),
    [
        ("package", PACKAGE, (60, 80, 20, 200), ("5", "0", "5", "10")),
        (
            "percentage",
            {"rate": "5", "fixed_amount": "1", "free_units_per_total_aggregation": "120"},
            (100, 10, 20, 20),
            ("0", "0", "1.50", "2.00"),
        ),
        ("percentage", {"rate": "5", "fixed_amount": "1", "free_units_per_events": 2}, (8, 5, 3), ("0", "0", "1.15")),
        (
            "percentage",
            {"rate": "5", "fixed_amount": "1", "free_units_per_total_aggregation": "250"},
            (100, 100, 100, 100),
            ("0", "0", "3.50", "6.00"),
        ),
        (
            "percentage",
            {
                "rate": "1",
                "fixed_amount": "0.5",
                "per_transaction_min_amount": "1.75",
                "per_transaction_max_amount": "2",
            },
            (100, 1000, 10000),
            ("1.75", "2", "2"),
        ),
    ],
)
def test_fees_of_a_sequence(
    model: str, properties: dict[str, Any], values: tuple[int, ...], amounts: tuple[str, ...]
) -> None:
    assert [each.amount for each in sequence(model, properties, decimals(*values))] == [*decimals(*amounts)]


def test_graduated_charges_the_first_ranges_flat_amount_to_the_first_event() -> None:
    fees = sequence("graduated", GRADUATED_A, decimals(*[1] * 21))
    assert [fees[number - 1].amount for number in (1, 2, 10, 11, 12, 21)] == [12, 10, 10, 8, 5, 8]


def test_standard_bills_only_above_the_running_maximum() -> None:
    model = charge_model("standard", {"amount": "10"})
    fees = []
    # sum 10, -4, 3, 5, 2: running totals, what is billed of each, what is shown of each (metering handbook, 11.3)
    for total, billed, shown in ((10, 10, 10), (6, 0, 0), (9, 0, 3), (14, 4, 4), (16, 2, 2)):
        usage = instant_usage(
            Priceable(units=Decimal(total), events_count=1),
            billed_units=Decimal(billed),
            shown_units=Decimal(shown),
        )
        fees.append(pay_in_advance_fee(model, usage, "EUR"))
    assert [fee.amount_cents for fee in fees] == [10000, 0, 0, 4000, 2000]
    assert [fee.units for fee in fees] == [10, 0, 3, 4, 2]
    assert [fee.unit_amount_cents for fee in fees] == [1000, 0, 0, 1000, 1000]


def test_prorated_standard_prices_the_prorated_billed_units() -> None:
    units = Decimal("0.53334")
    usage = instant_usage(Priceable(units=units, events_count=1), billed_units=units, shown_units=Decimal(1))
    fee = pay_in_advance_fee(charge_model("standard", {"amount": "10"}), usage, "EUR")
    assert (fee.amount_cents, fee.precise_amount_cents, fee.units) == (533, Decimal("533.34"), Decimal(1))
    assert fee.precise_unit_amount == Decimal("5.33")


def test_percentage_details_are_differences() -> None:
    properties = {"rate": "5", "fixed_amount": "1", "free_units_per_total_aggregation": "120"}
    assert sequence("percentage", properties, decimals(100, 10, 20))[-1].amount_details == {
        "units": "20.0",
        "free_units": "10.0",
        "paid_units": "10.0",
        "free_events": "0.0",
        "paid_events": "1.0",
        "rate": "5.0",
        "per_unit_total_amount": "0.5",
        "fixed_fee_total_amount": "1.0",
        "fixed_fee_unit_amount": "1.0",
        "min_max_adjustment_total_amount": "0.0",
    }


def test_graduated_percentage_details_are_differences_by_range() -> None:
    first, second = sequence("graduated_percentage", GRADUATED_PERCENTAGE, decimals(8, 4))
    (only,) = first.amount_details["graduated_percentage_ranges"]
    assert (only["units"], only["flat_unit_amount"], only["total_with_flat_amount"]) == ("8.0", "200.0", "200.08")
    assert only["per_unit_total_amount"] == "25.01"
    low, high = second.amount_details["graduated_percentage_ranges"]
    assert (low["units"], low["flat_unit_amount"], low["total_with_flat_amount"]) == ("2.0", "0.0", "0.02")
    assert (high["units"], high["flat_unit_amount"], high["total_with_flat_amount"]) == ("2.0", "300.0", "300.04")


def test_dynamic_charges_what_the_event_carries() -> None:
    model = charge_model("dynamic", {})
    including = Priceable(units=Decimal(5), events_count=2, precise_total_amount_cents=Decimal("30.5"), currency="EUR")
    usage = instant_usage(including, billed_units=Decimal(2), precise_total_amount_cents=Decimal("12.5"))
    assert pay_in_advance_fee(model, usage, "EUR").precise_amount_cents == Decimal("12.5")


def test_custom_charges_the_difference_of_the_programs_amounts() -> None:
    after = Priceable(units=Decimal(7), custom_amount=Decimal("3.5"))
    usage = InstantUsage(after, replace(after, units=Decimal(4), custom_amount=Decimal(2)), Decimal(3))
    fee = pay_in_advance_fee(charge_model("custom", {}), usage, "EUR")
    assert (fee.amount_cents, fee.precise_unit_amount) == (150, Decimal("0.5"))


def test_volume_cannot_be_paid_in_advance() -> None:
    model = charge_model("volume", {"volume_ranges": []})
    with pytest.raises(ValueError, match="in advance"):
        price_event(model, instant_usage(Priceable(units=Decimal(1)), billed_units=Decimal(1)))


def test_pricing_unit_is_rounded_before_it_is_converted() -> None:
    usage = instant_usage(Priceable(units=Decimal(1), events_count=1), billed_units=Decimal(1))
    model = charge_model("standard", {"amount": "12.345"})
    fee = pay_in_advance_fee(model, usage, "EUR", conversion_rate=Decimal("0.25"))
    assert fee.pricing_unit is not None
    assert (fee.pricing_unit.amount_cents, fee.amount_cents) == (1235, 309)


positive = st.lists(st.decimals("0.01", "60", places=2), min_size=1, max_size=10)


@pytest.mark.parametrize(
    ("model", "properties"),
    [
        ("standard", {"amount": "0.7"}),
        ("package", PACKAGE),
        ("graduated", GRADUATED_A),
        ("graduated", MEETING),
        ("graduated_percentage", GRADUATED_PERCENTAGE),
        ("percentage", {"rate": "3", "fixed_amount": "0.2"}),
        ("percentage", {"rate": "3", "per_transaction_min_amount": "1", "per_transaction_max_amount": "1.5"}),
    ],
)
@given(values=positive)
def test_fees_of_a_sequence_sum_to_the_price_in_arrears(
    model: str, properties: dict[str, Any], values: list[Decimal]
) -> None:
    arrears = charge_model(model, properties).price(
        Priceable(units=sum(values, ZERO), events_count=len(values), event_values=tuple(values))
    )
    assert sum((each.amount for each in sequence(model, properties, values)), ZERO) == arrears.amount
