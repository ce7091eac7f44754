"""Which EU tax a customer has, and the rates."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.catalog.eu_tax_rules import Address, all_taxes, code_after_check, code_without_check, vat_number
from domain.catalog.eu_vat_rates import STANDARD_RATES, TERRITORIES, standard_rate
from domain.kernel.countries import COUNTRIES, EU_COUNTRIES

DAY = date(2026, 1, 1)
CODES = {tax.code for tax in all_taxes(DAY)}
numbers = st.sampled_from([None, "", "US-111", "DE136695976", "fr 40 303 265 045", "EL094259216", "IE6433435F"])
addresses = st.builds(
    Address,
    st.sampled_from([None, *COUNTRIES]),
    st.one_of(st.none(), st.text(max_size=8), st.sampled_from(["97410", "35001", "9500-123", "78266", "6691"])),
    numbers,
)


@pytest.mark.parametrize(
    ("country", "zipcode", "number", "code"),
    [
        (None, None, None, "fr_standard"),
        ("IT", None, None, "it_standard"),
        ("US", None, None, "tax_exempt"),
        ("US", None, "US-111", "tax_exempt"),
        ("FR", "97410", None, "fr_standard"),
        ("FR", "97410", "FR40303265045", "fr_exception_reunion"),
        ("PT", "9500-123", None, "pt_exception_azores"),
        ("AT", "6991", "DE136695976", "at_exception_mittelberg"),
        ("DE", None, "DE136695976", None),
        (None, None, "DE136695976", None),
        ("US", None, "DE136695976", None),
    ],
)
def test_examples_without_a_check(
    country: str | None, zipcode: str | None, number: str | None, code: str | None
) -> None:
    assert code_without_check("FR", Address(country, zipcode, number)) == (code and f"lago_eu_{code}")


@pytest.mark.parametrize(
    ("entity", "number", "valid", "code"),
    [
        ("FR", "DE136695976", True, "reverse_charge"),
        ("DE", "DE136695976", True, "de_standard"),
        ("GR", "EL094259216", True, "gr_standard"),
        ("FR", "DE136695976", False, "de_standard"),
    ],
)
def test_examples_after_a_check(entity: str, number: str, valid: bool, code: str) -> None:
    assert code_after_check(entity, Address("DE", None, number), valid=valid) == f"lago_eu_{code}"


@given(st.sampled_from(sorted(EU_COUNTRIES)), addresses, st.booleans())
def test_every_customer_gets_a_tax_that_is_made_and_only_real_numbers_are_checked(
    entity: str, address: Address, valid: bool
) -> None:
    code = code_without_check(entity, address)
    if code is None:
        assert vat_number(address.number)
        code = code_after_check(entity, address, valid=valid)
    assert code in CODES
    assert (code == "lago_eu_reverse_charge") <= (valid and vat_number(address.number) is not None)


def test_rates_are_those_of_the_day_and_cover_the_union() -> None:
    assert set(STANDARD_RATES) == set(EU_COUNTRIES)
    assert {territory.country for territory in TERRITORIES} <= set(EU_COUNTRIES)
    assert len({tax.code for tax in all_taxes(DAY)}) == len(list(all_taxes(DAY)))
    days = [date(2023, 12, 31), date(2024, 1, 1), date(2025, 7, 1)]
    assert [standard_rate("EE", day) for day in days] == [Decimal(20), Decimal(22), Decimal(24)]


def test_numbers_are_written_like_the_register_writes_them() -> None:
    assert vat_number(" fr 40 303 265 045") == "FR40303265045"
    assert vat_number("GR094259216") == "EL094259216"
    assert [vat_number(each) for each in (None, "", "136695976", "DE136695970", "x" * 1000)] == [None] * 5
