"""From a model's price to the columns of a fee: the one place where charge amounts are rounded (handbook, 7.2, 11)."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from domain.kernel.currencies import currency_of
from domain.kernel.money import HUNDRED, ZERO, round_half_up, truncate
from domain.pricing.priceable import Price, Priceable

STORED_DECIMALS: Final = 15
"""Decimals of the precise columns."""


@dataclass(frozen=True, slots=True)
class PricingUnitAmounts:
    """What the fee cost in the pricing unit, before conversion; its cents are hundredths of the unit."""

    amount_cents: int
    precise_amount_cents: Decimal
    unit_amount_cents: int
    precise_unit_amount: Decimal
    conversion_rate: Decimal


@dataclass(frozen=True, slots=True)
class FeeAmounts:
    """amount, unit_amount: in units of the currency, unrounded, after conversion and with negatives as 0."""

    units: Decimal
    amount: Decimal
    unit_amount: Decimal
    amount_cents: int
    precise_amount_cents: Decimal
    unit_amount_cents: int
    precise_unit_amount: Decimal
    amount_details: dict[str, Any]
    pricing_unit: PricingUnitAmounts | None = None


def fee_amounts(price: Price, usage: Priceable, currency: str, *, conversion_rate: Decimal | None = None) -> FeeAmounts:
    """The fee's columns for one price. amount_cents is rounded half up, unit_amount_cents is cut off.

    Negative units or a negative amount make units, amount and unit amount 0; the details keep what was computed.
    conversion_rate: the charge is priced in a pricing unit worth so many units of `currency`; the price is rounded to
    hundredths of the pricing unit before it is converted.
    Raises UnknownCurrencyError.
    """
    units = usage.shown_units
    amount, unit_amount = price.amount, price.unit_amount
    if amount < 0 or units < 0 or usage.units < 0:
        units = amount = unit_amount = ZERO

    pricing_unit = None
    if conversion_rate is not None:
        pricing_unit = PricingUnitAmounts(
            amount_cents=int(round_half_up(amount, 2) * HUNDRED),
            precise_amount_cents=stored(amount * HUNDRED),
            unit_amount_cents=int(unit_amount * HUNDRED),
            precise_unit_amount=stored(unit_amount),
            conversion_rate=conversion_rate,
        )
        amount = pricing_unit.amount_cents * conversion_rate / HUNDRED
        unit_amount = pricing_unit.unit_amount_cents * conversion_rate / HUNDRED

    known = currency_of(currency)
    subunit = known.subunit_to_unit
    return FeeAmounts(
        units=units,
        amount=amount,
        unit_amount=unit_amount,
        amount_cents=int(round_half_up(amount, known.exponent) * subunit),
        precise_amount_cents=stored(amount * subunit),
        unit_amount_cents=int(truncate(unit_amount * subunit)),
        precise_unit_amount=stored(unit_amount),
        amount_details=price.amount_details,
        pricing_unit=pricing_unit,
    )


def stored(value: Decimal) -> Decimal:
    """As the precise columns hold it: 15 decimals."""
    return round_half_up(value, STORED_DECIMALS)
