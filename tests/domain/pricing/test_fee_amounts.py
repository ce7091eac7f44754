"""From price to fee columns: pricing handbook, sections 7.2 and 11."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.currencies import CURRENCIES, UnknownCurrencyError
from domain.pricing.fee_amounts import fee_amounts
from domain.pricing.models import charge_model
from domain.pricing.priceable import Price, Priceable
from tests.domain.pricing.builders import priced


def test_amount_is_rounded_half_up_and_unit_amount_is_cut_off() -> None:
    usage = Priceable(units=Decimal("9.64517"), full_units=Decimal(29))
    fee = fee_amounts(charge_model("standard", {"amount": "10"}).price(usage), usage, "EUR")
    assert (fee.amount_cents, fee.unit_amount_cents, fee.units) == (9645, 332, Decimal(29))
    assert fee.precise_amount_cents == Decimal("9645.17")
    assert fee.precise_unit_amount == Decimal("3.325920689655172")


@pytest.mark.parametrize(
    ("amount", "currency", "cents"),
    [
        ("0.049995", "EUR", 5),
        ("123.5", "JPY", 124),
        ("1.2345", "KWD", 1235),
        ("1.23455", "CLF", 12346),
        ("2.2", "MRO", 11),
    ],
)
def test_every_currency_rounds_to_its_own_exponent(amount: str, currency: str, cents: int) -> None:
    assert fee_amounts(Price(Decimal(amount), Decimal(0), {}), Priceable(Decimal(1)), currency).amount_cents == cents


@pytest.mark.parametrize(("units", "amount"), [("-1", "5"), ("1", "-5"), ("-1", "-5")])
def test_negative_units_or_amount_bill_nothing_but_keep_the_details(units: str, amount: str) -> None:
    price = Price(Decimal(amount), Decimal(5), {"kept": "yes"})
    fee = fee_amounts(price, Priceable(Decimal(units)), "EUR")
    assert (fee.amount_cents, fee.unit_amount_cents) == (0, 0)
    assert fee.units == fee.amount == fee.precise_amount_cents == fee.precise_unit_amount == 0
    assert fee.amount_details == {"kept": "yes"}


def test_pricing_unit_is_rounded_to_hundredths_before_conversion() -> None:
    price = Price(Decimal("12.345"), Decimal("12.345"), {})
    fee = fee_amounts(price, Priceable(Decimal(1)), "EUR", conversion_rate=Decimal("0.25"))
    assert fee.pricing_unit is not None
    assert (fee.pricing_unit.amount_cents, fee.pricing_unit.unit_amount_cents) == (1235, 1234)
    assert fee.pricing_unit.precise_amount_cents == Decimal("1234.5")
    assert (fee.amount_cents, fee.precise_amount_cents) == (309, Decimal("308.75"))
    assert fee.unit_amount_cents == 308


def test_unknown_currency_is_refused() -> None:
    with pytest.raises(UnknownCurrencyError):
        fee_amounts(Price(Decimal(1), Decimal(1), {}), Priceable(Decimal(1)), "TND")


@given(
    units=st.decimals("0", "100000000", places=5),
    unit_price=st.decimals("0", "1000", places=8),
    currency=st.sampled_from(sorted(CURRENCIES)),
)
def test_rounding_is_never_off_by_more_than_half_a_rounding_step(
    units: Decimal, unit_price: Decimal, currency: str
) -> None:
    usage = Priceable(units)
    fee = fee_amounts(priced("standard", {"amount": str(unit_price)}, units), usage, currency)
    known = CURRENCIES[currency]
    step = Decimal(known.subunit_to_unit).scaleb(-known.exponent)
    slack = Decimal("0.5") if known.code == "MRO" else 0  # what its subunits cannot hold is cut off
    assert abs(fee.amount_cents - fee.precise_amount_cents) <= step / 2 + slack
    assert fee.precise_amount_cents == units * unit_price * known.subunit_to_unit
