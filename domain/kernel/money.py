"""Exact amounts: the decimal context, the named roundings, cents and text.

An amount is a Decimal in units of its currency ("12.345" EUR) until it becomes a fee; from then on it is an integer of
minor units ("cents": 1235). Nothing here reads a float.

Importing this module installs the decimal context, because a price computed in Python's default context of 28 digits
would be rounded silently. An entry point that starts threads calls `install_decimal_context` first all the same, so
that the main thread is covered whichever thread imported this module.
"""

import decimal
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Final

from domain.kernel.currencies import currency_of

DIGITS: Final = 80
"""Significant digits of every computation. The widest product of accepted inputs needs about 60."""

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)
HUNDRED: Final = Decimal(100)

_STEPS: Final = tuple(Decimal(1).scaleb(-digits) for digits in range(41))


def install_decimal_context() -> None:
    """Makes 80 digits and half-up the rule for the current thread and for every thread started later.

    Threads take their context from `decimal.DefaultContext` when they first compute; asyncio tasks inherit the context
    of the thread that made them. Safe to call more than once.
    """
    for context in (decimal.DefaultContext, decimal.getcontext()):
        context.prec = DIGITS
        context.rounding = ROUND_HALF_UP


install_decimal_context()


def round_half_up(value: Decimal, digits: int = 0) -> Decimal:
    """`value` with `digits` decimals (0 to 40), ties away from zero: 2.345 → 2.35, -2.345 → -2.35."""
    return value.quantize(_STEPS[digits], ROUND_HALF_UP)


def round_up(value: Decimal, digits: int = 0) -> Decimal:
    """`value` with `digits` decimals, towards plus infinity (the "ceil at 5 decimals" of prorated units)."""
    return value.quantize(_STEPS[digits], ROUND_CEILING)


def truncate(value: Decimal, digits: int = 0) -> Decimal:
    """`value` with `digits` decimals, the rest cut off (towards zero)."""
    return value.quantize(_STEPS[digits], ROUND_DOWN)


def round_cents(value: Decimal) -> int:
    """A number of cents rounded half up to an integer."""
    return int(value.quantize(ONE, ROUND_HALF_UP))


def to_cents(amount: Decimal, currency: str) -> int:
    """An amount in units of `currency`, rounded half up to its exponent, in minor units.

    JPY 123.5 → 124; EUR 12.345 → 1235. For MRO, whose exponent and subunit do not fit each other (one decimal, five
    subunits), what is left of a subunit after rounding is cut off, as an integer column does.
    Raises UnknownCurrencyError.
    """
    known = currency_of(currency)
    return int(amount.quantize(_STEPS[known.exponent], ROUND_HALF_UP) * known.subunit_to_unit)


def from_cents(cents: int | Decimal, currency: str) -> Decimal:
    """Minor units (whole or precise) in units of `currency`. Raises UnknownCurrencyError."""
    return Decimal(cents) / currency_of(currency).subunit_to_unit


def decimal_text(value: Decimal) -> str:
    """Plain notation with at least one decimal and no superfluous zero: "4.0", "123.45", "0.00001"."""
    text = str(value)  # in half the time of format(), and the same wherever there is no exponent
    if "E" in text:
        text = format(value, "f")
    if "." in text:
        text = text.rstrip("0")
        if text[-1] == ".":
            text += "0"
    else:
        text += ".0"
    return "0.0" if text == "-0.0" else text
