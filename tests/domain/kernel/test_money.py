"""Currencies, roundings and text of amounts."""

import subprocess
import sys
import threading
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.currencies import CURRENCIES, UnknownCurrencyError, currency_of
from domain.kernel.money import (
    decimal_text,
    from_cents,
    install_decimal_context,
    round_cents,
    round_half_up,
    round_up,
    to_cents,
    truncate,
)

LONG = Decimal("12345678901234567890.12345678901234567891")


def test_there_are_142_currencies() -> None:
    assert len(CURRENCIES) == 142
    assert {"TND", "OMR", "IQD", "LYD"}.isdisjoint(CURRENCIES)
    assert (currency_of("HUF").exponent, currency_of("MGA").subunit_to_unit) == (0, 1)


@pytest.mark.parametrize("code", ["TND", "eur", "", "EURO", "\x00"])
def test_other_codes_are_refused(code: str) -> None:
    with pytest.raises(UnknownCurrencyError):
        currency_of(code)


def test_sixty_digits_are_kept_in_every_thread() -> None:
    found: list[Decimal] = []
    thread = threading.Thread(target=lambda: found.append(LONG * LONG))
    thread.start()
    thread.join()
    digits = int(str(LONG).replace(".", ""))
    for product in (*found, LONG * LONG):
        assert int(product.scaleb(40)) == digits * digits


def test_the_context_holds_after_a_thread_changed_its_own() -> None:
    script = """
import decimal, threading
decimal.getcontext()
from domain.kernel.money import install_decimal_context
install_decimal_context()
precisions = [decimal.getcontext().prec]
thread = threading.Thread(target=lambda: precisions.append(decimal.getcontext().prec))
thread.start(); thread.join()
print(min(precisions))
"""
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(answer.stdout) >= 60


def test_installing_the_context_twice_changes_nothing() -> None:
    install_decimal_context()
    assert Decimal(1) / 3 == Decimal("0." + "3" * 80)


@pytest.mark.parametrize(
    ("value", "digits", "half_up", "up", "cut"),
    [
        ("2.345", 2, "2.35", "2.35", "2.34"),
        ("-2.345", 2, "-2.35", "-2.34", "-2.34"),
        ("2.341", 2, "2.34", "2.35", "2.34"),
        ("0.5", 0, "1", "1", "0"),
        ("-0.5", 0, "-1", "0", "0"),
    ],
)
def test_named_roundings(value: str, digits: int, half_up: str, up: str, cut: str) -> None:
    number = Decimal(value)
    assert round_half_up(number, digits) == Decimal(half_up)
    assert round_up(number, digits) == Decimal(up)
    assert truncate(number, digits) == Decimal(cut)


@pytest.mark.parametrize(
    ("amount", "currency", "cents"),
    [
        ("12.345", "EUR", 1235),
        ("123.5", "JPY", 124),
        ("0.0005", "BHD", 1),
        ("-12.345", "EUR", -1235),
        ("1.1", "MRO", 5),
    ],
)
def test_cents_are_rounded_to_the_currencys_exponent(amount: str, currency: str, cents: int) -> None:
    assert to_cents(Decimal(amount), currency) == cents


def test_round_cents_is_half_up() -> None:
    assert [round_cents(Decimal(each)) for each in ("0.5", "1.5", "2.4999", "-0.5")] == [1, 2, 2, -1]


@given(cents=st.integers(-(10**18), 10**18), currency=st.sampled_from(sorted(set(CURRENCIES) - {"MRO"})))
def test_cents_survive_the_way_to_an_amount_and_back(cents: int, currency: str) -> None:
    assert to_cents(from_cents(cents, currency), currency) == cents


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("4", "4.0"),
        ("123.4500", "123.45"),
        ("1E+3", "1000.0"),
        ("0E-10", "0.0"),
        ("-0.0", "0.0"),
        ("0.00001", "0.00001"),
    ],
)
def test_decimal_text_is_plain_with_at_least_one_decimal(value: str, text: str) -> None:
    assert decimal_text(Decimal(value)) == text


@given(value=st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**20), max_value=10**20))
def test_decimal_text_keeps_the_value(value: Decimal) -> None:
    text = decimal_text(value)
    assert Decimal(text) == value
    assert "." in text
    assert "E" not in text
