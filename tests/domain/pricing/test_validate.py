"""Storage filter, defaults and validation of properties: pricing handbook, section 3."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.pricing.models import ChargeModelName, charge_model
from domain.pricing.priceable import Priceable
from domain.pricing.properties import default_properties, stored_properties
from domain.pricing.validate import decimal_of_text, properties_errors
from tests.domain.pricing.builders import GRADUATED_A, GRADUATED_PERCENTAGE, MEETING, PACKAGE, VOLUME, ranges

NOT_DECIMAL_TEXT: list[Any] = [
    None,
    "",
    " ",
    "abc",
    1,
    1.5,
    True,
    "-1",
    "NaN",
    "Infinity",
    "1_000",
    "1e99",
    "\u0661",
    [],
    {},
    "1\x00",
]


@pytest.mark.parametrize("model", list(ChargeModelName))
def test_defaults_are_valid_and_cost_nothing(model: str) -> None:
    properties = default_properties(model)
    assert properties_errors(model, properties) == []
    usage = Priceable(units=Decimal(7), events_count=7, currency="EUR")
    assert charge_model(model, properties).price(usage).amount == 0


@pytest.mark.parametrize(
    ("model", "properties"),
    [
        ("standard", {"amount": "0.000001"}),
        ("standard", {"amount": " 5 "}),
        ("standard", {"amount": "1e3"}),
        ("graduated", GRADUATED_A),
        ("graduated", MEETING),
        ("graduated_percentage", GRADUATED_PERCENTAGE),
        ("volume", VOLUME),
        ("volume", {"volume_ranges": ranges((1, 10, "1", "0"), (12, None, "1", "0"))}),
        ("package", PACKAGE),
        ("percentage", {"rate": "5", "per_transaction_min_amount": "", "per_transaction_max_amount": "0"}),
        ("dynamic", {}),
        ("custom", {"custom_properties": {"any": "thing"}}),
        ("standard", {"amount": "1", "pricing_group_keys": []}),
        ("standard", {"amount": "1", "pricing_group_keys": ["region"], "presentation_group_keys": [{"value": "a"}]}),
        (
            "standard",
            {"amount": "1", "presentation_group_keys": [{"value": "a", "options": {"display_in_invoice": True}}]},
        ),
    ],
)
def test_valid_properties_have_no_errors(model: str, properties: dict[str, Any]) -> None:
    assert properties_errors(model, properties) == []


@pytest.mark.parametrize("value", NOT_DECIMAL_TEXT)
def test_amounts_must_be_decimal_text(value: Any) -> None:
    assert properties_errors("standard", {"amount": value}) == ["invalid_amount"]
    assert properties_errors("percentage", {"rate": value}) == ["invalid_rate"]


@pytest.mark.parametrize(
    ("properties", "errors"),
    [
        ({"package_size": 0, "free_units": -1}, ["invalid_free_units", "invalid_package_size"]),
        ({"package_size": "1", "free_units": "0"}, ["invalid_free_units", "invalid_package_size"]),
        ({"package_size": 1.0, "free_units": None}, ["invalid_free_units", "invalid_package_size"]),
        ({"package_size": True, "free_units": False}, ["invalid_free_units", "invalid_package_size"]),
        ({"package_size": 10**30, "free_units": 0}, ["invalid_package_size"]),
    ],
)
def test_package_counts_must_be_integers(properties: dict[str, Any], errors: list[str]) -> None:
    assert properties_errors("package", {"amount": "1", **properties}) == errors


@pytest.mark.parametrize(
    ("properties", "errors"),
    [
        ({"fixed_amount": 1}, ["invalid_fixed_amount"]),
        ({"fixed_amount": None}, []),
        ({"free_units_per_events": 0}, ["invalid_free_units_per_events"]),
        ({"free_units_per_events": "3"}, ["invalid_free_units_per_events"]),
        ({"free_units_per_total_aggregation": 3}, ["invalid_free_units_per_total_aggregation"]),
        ({"per_transaction_min_amount": "x", "per_transaction_max_amount": -1}, ["invalid_amount", "invalid_amount"]),
        (
            {"per_transaction_min_amount": "2", "per_transaction_max_amount": "1"},
            ["per_transaction_max_lower_than_per_transaction_min"],
        ),
    ],
)
def test_percentage_errors(properties: dict[str, Any], errors: list[str]) -> None:
    assert properties_errors("percentage", {"rate": "1", **properties}) == errors


def test_bounds_per_transaction_are_not_read_where_they_are_ignored() -> None:
    properties = {"rate": "1", "per_transaction_min_amount": "x"}
    assert properties_errors("percentage", properties, transaction_bounds=False) == []


@pytest.mark.parametrize(
    "rows",
    [
        [(2, None)],
        [(-1, None)],
        [(0, 10)],
        [(0, 10), (12, None)],
        [(0, 10), (9, None)],
        [(0, None), (11, None)],
        [(0, 0), (1, None)],
        [(0, "10"), (11, None)],
        [(True, None)],
        [(0, float("nan")), (1, None)],
        [(0, float("inf")), (1, None)],
        [(None, None)],
        [(0, 10**40), (10**40, None)],
    ],
)
def test_ranges_must_follow_one_another_and_end_open(rows: list[tuple[Any, Any]]) -> None:
    properties = {"graduated_ranges": ranges(*((start, end, "1", "0") for start, end in rows))}
    assert set(properties_errors("graduated", properties)) == {"invalid_graduated_ranges"}


@pytest.mark.parametrize("rows", [[(0, 10), (10, None)], [(0, 10), (13, None)], [(0, 10.5), (11, None)]])
def test_volume_ranges_may_not_meet(rows: list[tuple[Any, Any]]) -> None:
    properties = {"volume_ranges": ranges(*((start, end, "1", "0") for start, end in rows))}
    assert "invalid_volume_ranges" in properties_errors("volume", properties)


def test_codes_of_ranges_come_in_order_and_repeat() -> None:
    properties = {"graduated_ranges": [{"from_value": 0, "to_value": 5}, {"from_value": 9, "to_value": None}]}
    one = ["invalid_amount", "invalid_amount"]
    assert properties_errors("graduated", properties) == [*one, *one, "invalid_graduated_ranges"]
    properties = {"graduated_percentage_ranges": [{"from_value": 0, "to_value": None, "flat_amount": "0"}]}
    assert properties_errors("graduated_percentage", properties) == ["invalid_rate"]


@pytest.mark.parametrize("value", [None, [], {}, ""])
def test_missing_ranges_have_their_own_code(value: Any) -> None:
    assert properties_errors("volume", {"volume_ranges": value}) == ["missing_volume_ranges"]


@pytest.mark.parametrize("value", ["text", 5, {"a": 1}, [5], ["x"], [{}] * 2000])
def test_ranges_of_another_type_are_refused(value: Any) -> None:
    assert "invalid_graduated_ranges" in properties_errors("graduated", {"graduated_ranges": value})


@pytest.mark.parametrize("value", ["region", [""], [" "], [1], {"a": 1}, True])
def test_group_keys_are_a_list_of_texts(value: Any) -> None:
    assert properties_errors("dynamic", {"pricing_group_keys": value}) == ["invalid_type"]
    assert properties_errors("dynamic", {"grouped_by": value}) == ["invalid_type"]


@pytest.mark.parametrize(
    ("value", "errors"),
    [
        (["a"], ["invalid_type"]),
        ([{"value": ""}], ["invalid_type"]),
        ([{"value": "a", "extra": 1}], ["invalid_type"]),
        ([{"value": "a", "options": {"display_in_invoice": "yes"}}], ["invalid_type"]),
        ([{"value": "a"}, {"value": "a"}], ["value_is_duplicated"]),
        ([{"value": "a"}, {"value": "b"}, {"value": "c"}], ["too_many_keys"]),
    ],
)
def test_presentation_keys(value: Any, errors: list[str]) -> None:
    assert properties_errors("dynamic", {"presentation_group_keys": value}) == errors
    assert properties_errors("dynamic", {"presentation_group_keys": value}, of_filter=True) == []


def test_other_models_keys_are_dropped_from_storage() -> None:
    sent = {"amount": "1", "rate": "2", "volume_ranges": [], "grouped_by": ["a", ""], "custom_properties": {}}
    assert stored_properties("standard", sent) == {"amount": "1", "pricing_group_keys": ["a"]}
    assert stored_properties("standard", {"rate": "2"}) == {}
    assert stored_properties("standard", {}) == stored_properties("standard", None) == {"amount": "0"}


def test_filters_keep_no_presentation_keys() -> None:
    sent = {"amount": "1", "presentation_group_keys": [{"value": "a"}]}
    assert stored_properties("standard", sent) == sent
    assert stored_properties("standard", sent, of_filter=True) == {"amount": "1"}


@pytest.mark.parametrize(
    ("sent", "kept"), [({"a": 1}, {"a": 1}), ('{"a":1}', {"a": 1}), ("{", {}), ("[1]", {}), (3, {})]
)
def test_custom_properties_are_kept_as_an_object(sent: Any, kept: dict[str, Any]) -> None:
    stored = stored_properties("custom", {"custom_properties": sent}, custom_metric=True)
    assert stored == {"custom_properties": kept}


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = ["amount", "rate", "free_units", "package_size", "graduated_ranges", "volume_ranges", "pricing_group_keys"]


@given(
    model=st.sampled_from(list(ChargeModelName)),
    properties=st.dictionaries(st.sampled_from([*KEYS, "presentation_group_keys", "free_units_per_events"]), json),
)
def test_any_json_gets_an_answer_and_what_passes_can_be_priced(model: str, properties: dict[str, Any]) -> None:
    stored = stored_properties(model, properties)
    if not properties_errors(model, stored):
        charge_model(model, stored).price(Priceable(units=Decimal("3.5"), events_count=2, currency="EUR"))


@given(text=st.text(max_size=100))
def test_any_text_is_a_decimal_or_none(text: str) -> None:
    number = decimal_of_text(text)
    assert number is None or 0 <= number < 10**20
