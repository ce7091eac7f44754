"""Every table and worked example of the pricing handbook, section 6."""

from decimal import Decimal
from typing import Any

import pytest

from domain.pricing.models import charge_model, price
from domain.pricing.percentage import Percentage, running_counts, running_totals
from domain.pricing.priceable import Priceable
from tests.domain.pricing.builders import (
    GRADUATED_A,
    GRADUATED_PERCENTAGE,
    MEETING,
    PACKAGE,
    VOLUME,
    decimals,
    priced,
    ranges,
)


def test_standard_multiplies_units_by_the_unit_price() -> None:
    answer = priced("standard", {"amount": "0.015"}, "3.333")
    assert (answer.amount, answer.unit_amount, answer.amount_details) == (Decimal("0.049995"), Decimal("0.015"), {})


def test_standard_prorated_prices_prorated_units_and_divides_by_whole_ones() -> None:
    answer = priced("standard", {"amount": "10"}, "9.64517", full_units=Decimal(29))
    assert answer.amount == Decimal("96.4517")
    assert round(answer.unit_amount, 15) == Decimal("3.325920689655172")


@pytest.mark.parametrize(
    ("units", "amount", "unit_amount"),
    [
        ("0", "2", "0"),
        ("1", "12", "12"),
        ("10", "102", "10.2"),
        ("10.5", "107.5", "10.238095238"),
        ("11", "110", "10"),
        ("12", "115", "9.583333333"),
        ("21", "163", "7.761904762"),
        ("25", "183", "7.32"),
    ],
)
def test_graduated_fills_the_ranges_in_order(units: str, amount: str, unit_amount: str) -> None:
    answer = priced("graduated", GRADUATED_A, units)
    assert answer.amount == Decimal(amount)
    assert round(answer.unit_amount, 9) == Decimal(unit_amount)


@pytest.mark.parametrize(("units", "amount"), [("0.05", "0.5"), ("0.5", "3"), ("1.5", "6.5"), ("0.1", "1"), ("0", "0")])
def test_graduated_ranges_that_meet_count_the_units_between_their_bounds(units: str, amount: str) -> None:
    assert priced("graduated", MEETING, units).amount == Decimal(amount)


def test_graduated_details_show_the_ranges_reached_and_nothing_more() -> None:
    assert priced("graduated", GRADUATED_A, "12").amount_details == {
        "graduated_ranges": [
            {
                "from_value": 0,
                "to_value": 10,
                "flat_unit_amount": "2.0",
                "per_unit_amount": "10.0",
                "units": "10.0",
                "per_unit_total_amount": "100.0",
                "total_with_flat_amount": "102.0",
            },
            {
                "from_value": 11,
                "to_value": 20,
                "flat_unit_amount": "3.0",
                "per_unit_amount": "5.0",
                "units": "2.0",
                "per_unit_total_amount": "10.0",
                "total_with_flat_amount": "13.0",
            },
        ]
    }


def test_graduated_details_of_no_units_show_a_price_of_zero_beside_the_flat_amount() -> None:
    (only,) = priced("graduated", GRADUATED_A, 0).amount_details["graduated_ranges"]
    assert (only["per_unit_amount"], only["units"], only["total_with_flat_amount"]) == ("0.0", "0.0", "2.0")


def test_details_are_not_shared_between_prices() -> None:
    first = priced("graduated", GRADUATED_A, 25).amount_details
    first["graduated_ranges"][0]["units"] = "spoiled"
    assert priced("graduated", GRADUATED_A, 25).amount_details["graduated_ranges"][0]["units"] == "10.0"


@pytest.mark.parametrize(("units", "amount"), [(0, 0), (50, 0), (51, 5), (150, 5), (151, 10), ("150.01", 10)])
def test_package_charges_every_begun_package_beyond_the_free_units(units: str | int, amount: int) -> None:
    assert priced("package", PACKAGE, units).amount == amount


@pytest.mark.parametrize(
    ("units", "details"),
    [
        (0, ("0.0", "0.0", 0, "0.0")),
        (20, ("50.0", "0.0", 100, "5.0")),
        (50, ("50.0", "0.0", 100, "5.0")),
        (151, ("50.0", "101.0", 100, "5.0")),
    ],
)
def test_package_details(units: int, details: tuple[Any, ...]) -> None:
    shown = priced("package", PACKAGE, units).amount_details
    assert tuple(shown.values()) == details


def percentage_of(values: tuple[int, ...], **properties: Any) -> tuple[Decimal, dict[str, Any]]:
    model = Percentage.read(properties)
    events = decimals(*values)
    usage = Priceable(
        units=sum(events, Decimal(0)),
        events_count=len(events),
        event_values=events,
        running_totals=running_totals(events, model.free_events, model.free_amount),
    )
    answer = price("percentage", properties, usage)
    return answer.amount, answer.amount_details


TENS = (10, 20, 30, 40, 50)


@pytest.mark.parametrize(
    ("values", "properties", "free_units", "free_events", "share", "fixed", "amount"),
    [
        ((50, 100, 250, 400), ("1.3", "2", 3, "250"), "250.0", 2, "7.15", "4.0", "11.15"),
        ((100, 100, 100, 100), ("5", "1", None, "250"), "250.0", 2, "7.5", "2.0", "9.5"),
        # the event that reaches the free amount to the cent is a paying one: its total is not below the amount
        ((100, 150, 50), ("5", "1", None, "250"), "250.0", 1, "2.5", "2.0", "4.5"),
        (TENS, ("2", "0.5", 3, None), "60.0", 3, "1.8", "1.0", "2.8"),
        (TENS, ("2", "0.5", 3, "25"), "25.0", 1, "2.5", "2.0", "4.5"),
        (TENS, ("2", "0.5", None, None), "0.0", 0, "3.0", "2.5", "5.5"),
    ],
)
def test_percentage_free_units(
    values: tuple[int, ...],
    properties: tuple[Any, ...],
    free_units: str,
    free_events: int,
    share: str,
    fixed: str,
    amount: str,
) -> None:
    keys = ("rate", "fixed_amount", "free_units_per_events", "free_units_per_total_aggregation")
    total, details = percentage_of(values, **dict(zip(keys, properties, strict=True)))
    assert total == Decimal(amount)
    assert (details["free_units"], details["free_events"]) == (free_units, free_events)
    assert (details["per_unit_total_amount"], details["fixed_fee_total_amount"]) == (share, fixed)
    assert details["paid_events"] == len(values) - free_events


@pytest.mark.parametrize(
    ("properties", "amount"),
    [
        ({"fixed_amount": "0"}, "16.142"),
        ({"fixed_amount": "2"}, "18.691"),
        ({"free_units_per_events": 2}, "12"),
        ({"free_units_per_total_aggregation": "30"}, "13.794"),
        ({"free_units_per_events": 3, "free_units_per_total_aggregation": "10000"}, "2.691"),
    ],
)
def test_percentage_with_bounds_prices_each_event_by_itself(properties: dict[str, Any], amount: str) -> None:
    bounds = {"rate": "2.99", "per_transaction_min_amount": "1.75", "per_transaction_max_amount": "12"}
    total, _ = percentage_of((10, 80, 10000), **bounds, **properties)
    assert total == Decimal(amount)


def test_percentage_shows_what_the_bounds_changed() -> None:
    _, details = percentage_of((10, 80, 10000), rate="2.99", per_transaction_max_amount="12")
    assert details["min_max_adjustment_total_amount"] == "-287.0"


def test_percentage_bounds_can_be_ignored() -> None:
    bounds = {"rate": "2.99", "per_transaction_min_amount": "1.75", "per_transaction_max_amount": "12"}
    model = Percentage.read(bounds, transaction_bounds=False)
    events = decimals(10, 80, 10000)
    assert model.price(Priceable(units=Decimal(10090), events_count=3, event_values=events)).amount == Decimal(
        "301.691"
    )


@pytest.mark.parametrize(("free_events", "free_amount"), [(3, "0"), (0, "4"), (3, "2"), (2, "5.5"), (0, "0")])
def test_cut_off_running_counts_price_as_the_full_list_does(free_events: int, free_amount: str) -> None:
    amount = Decimal(free_amount)
    properties = {"rate": "3", "fixed_amount": "1"}
    if free_events:
        properties["free_units_per_events"] = free_events  # type: ignore[assignment]
    if amount:
        properties["free_units_per_total_aggregation"] = free_amount
    for units in range(15):
        full = decimals(*range(1, units + 1)) if free_events or amount else ()
        by_full, by_cut = (
            priced("percentage", properties, units, events_count=units, running_totals=totals)
            for totals in (full, running_counts(units, free_events, amount))
        )
        assert by_full == by_cut


@pytest.mark.parametrize(
    ("units", "amount"), [("0", "10"), ("100", "210"), ("100.5", "105.5"), ("101", 106), (250, 255)]
)
def test_volume_prices_all_units_by_one_range(units: str | int, amount: str | int) -> None:
    assert priced("volume", VOLUME, units).amount == Decimal(amount)


def test_volume_prorated_chooses_the_range_by_whole_units() -> None:
    properties = {"volume_ranges": ranges((0, 20, "3", "10"), (21, None, "2", "5"))}
    assert priced("volume", properties, "9.64517", full_units=Decimal(29)).amount == Decimal("24.29034")


@pytest.mark.parametrize("units", ["-1", "-0.5", "-250"])
def test_volume_treats_less_than_no_units_as_none(units: str) -> None:
    assert priced("volume", VOLUME, units).amount == 10


def test_volume_prices_a_unit_that_the_ranges_leave_out() -> None:
    properties = {"volume_ranges": ranges((1, 10, "2", "0"), (12, None, "1", "0"))}
    assert priced("volume", properties, 11).amount == 11
    assert priced("volume", properties, 0).amount == 0


def test_volume_details() -> None:
    assert priced("volume", VOLUME, 250).amount_details == {
        "flat_unit_amount": "5.0",
        "per_unit_amount": "1.0",
        "per_unit_total_amount": "250.0",
    }
    assert priced("volume", VOLUME, 0).amount_details["per_unit_amount"] == "0.0"


@pytest.mark.parametrize(
    ("units", "amount"),
    [("0", "200"), ("1", "200.01"), ("10", "200.1"), ("10.5", "500.11"), ("11", "500.12"), ("25", "900.45")],
)
def test_graduated_percentage_has_no_mode_for_ranges_that_meet(units: str, amount: str) -> None:
    assert priced("graduated_percentage", GRADUATED_PERCENTAGE, units).amount == Decimal(amount)


def test_dynamic_amount_is_what_the_events_carry() -> None:
    answer = priced("dynamic", {}, 3, precise_total_amount_cents=Decimal("1234.5678"), currency="EUR", events_count=2)
    assert answer.amount == Decimal("12.345678")
    assert priced("dynamic", {}, 0, precise_total_amount_cents=Decimal(9), currency="EUR").amount == 0
    assert priced("dynamic", {}, 1, precise_total_amount_cents=Decimal(9), currency="JPY").amount == 9
    with pytest.raises(ValueError, match="currency"):
        priced("dynamic", {}, 1, precise_total_amount_cents=Decimal(9))


def test_custom_amount_is_the_programs() -> None:
    answer = priced("custom", {}, 4, custom_amount=Decimal(10))
    assert (answer.amount, answer.unit_amount) == (Decimal(10), Decimal("2.5"))


def test_unknown_model_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown charge model"):
        priced("barter", {}, 1)


def test_a_model_is_read_once_for_equal_properties() -> None:
    one = charge_model("standard", {"amount": "1.25"})
    assert charge_model("standard", {"amount": "1.25"}) is one
    assert charge_model("standard", {"amount": "1.250"}) is not one


def test_whole_and_decimal_bounds_are_read_from_any_json_number() -> None:
    with_decimals = {
        "graduated_ranges": ranges((Decimal(0), Decimal("0.1"), "10", "0"), (Decimal("0.1"), None, "5", "0"))
    }
    with_floats = {"graduated_ranges": ranges((0, 0.1, "10", "0"), (0.1, None, "5", "0"))}
    assert priced("graduated", with_decimals, "0.3").amount == priced("graduated", with_floats, "0.3").amount == 2
