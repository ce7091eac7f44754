"""Values of charge filters: when two are the same, and the codes made of them."""

from __future__ import annotations

from domain.catalog.cascade import alike
from domain.catalog.charge_filter_terms import filter_code, same_values


def test_the_order_of_keys_and_values_does_not_count() -> None:
    assert same_values({"a": ["1", "2"], "b": ["3"]}) == same_values({"b": ["3"], "a": ["2", "1"]})
    assert same_values({"a": ["1"]}) != same_values({"a": ["1", "2"]})
    assert same_values({"a": ["1"]}) != same_values({"b": ["1"]})


def test_a_code_is_a_slug_with_a_digest_and_numbered_when_taken() -> None:
    first = filter_code({"region": ["us", "eu"], "cloud": ["aws"]}, ())
    assert first.startswith("cloud-aws-region-eu-us-")
    assert len(first.rsplit("-", 1)[1]) == 8
    assert filter_code({"cloud": ["aws"], "region": ["eu", "us"]}, {first}) == f"{first}_2"
    assert filter_code({"cloud": ["aws"], "region": ["eu", "us"]}, {first, f"{first}_2"}) == f"{first}_3"


def test_values_without_a_letter_have_a_code_as_well() -> None:
    assert len(filter_code({"é": ["ü"]}, ())) == 8
    assert len(filter_code({"key": ["v" * 5000]}, ())) < 120


def test_prices_are_alike_when_their_numbers_are() -> None:
    assert alike({"amount": "1.0"}, {"amount": "1"})
    assert alike({"ranges": [{"to": None, "from": 0}]}, {"ranges": [{"from": "0", "to": None}]})
    assert not alike({"amount": "1"}, {"amount": "2"})
    assert not alike({"amount": "1"}, {"amount": "1", "free": 1})
    assert not alike({"a": ["x"]}, {"a": ["x", "y"]})
    assert not alike({"a": True}, {"a": 1.5})
    assert not alike({"a": "NaN"}, {"a": "nan"})
