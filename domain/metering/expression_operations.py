"""The operations of the expression language. Source: handbook, metering 3.2 and 3.3.

Sums, differences and products are exact; a quotient has 100 digits. What would need more than 2,000 digits to be
written down is refused like any other failure. Raised are EvaluationFailed and the exceptions of decimals.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_UP,
    Context,
    Decimal,
    Inexact,
    InvalidOperation,
    Overflow,
    Subnormal,
    Underflow,
)
from functools import lru_cache
from typing import Any, Final

from domain.kernel.money import ONE
from infrastructure import exact_json

__all__ = [
    "MOST_DECIMALS", "ROUNDINGS", "EvaluationFailed", "Value", "add", "divide", "minus", "multiply", "number",
    "number_in", "property_in", "quotient", "rounded", "rounded_to", "step", "subtract", "text",
]  # fmt: skip

DIGITS: Final = 2_000
QUOTIENT_DIGITS: Final = 100
MOST_DECIMALS: Final = 1_000
ROUNDINGS: Final = {"round": ROUND_HALF_UP, "ceil": ROUND_CEILING, "floor": ROUND_FLOOR}

_USUAL: Final = 10**18
"""Whole numbers below need no look at their size."""
_EXACT: Final = Context(
    prec=DIGITS, Emax=DIGITS, Emin=-DIGITS, rounding=ROUND_HALF_UP,
    traps=[InvalidOperation, Inexact, Overflow, Underflow],
)  # fmt: skip
_QUOTIENT: Final = Context(
    prec=QUOTIENT_DIGITS, Emax=DIGITS, Emin=-DIGITS, rounding=ROUND_HALF_UP,
    traps=[InvalidOperation, Overflow, Subnormal, Underflow],
)  # fmt: skip
_ROUNDING: Final = Context(
    prec=DIGITS, Emax=DIGITS, Emin=-DIGITS, traps=[InvalidOperation, Overflow],
)  # fmt: skip
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?")

Value = Decimal | str


class EvaluationFailed(ValueError):
    """The expression has no value for this event; the text says why, in the words of the interface."""


add: Final = _EXACT.add
subtract: Final = _EXACT.subtract
multiply: Final = _EXACT.multiply
minus: Final = _EXACT.minus
quotient: Final = _QUOTIENT.divide
"""By a divisor that is not zero."""


def divide(left: Decimal, right: Decimal) -> Decimal:
    if not right:
        raise EvaluationFailed("Division by zero")
    return quotient(left, right)


def rounded(mode: str, value: Decimal, decimals: int, to: Decimal) -> Decimal:
    """`to`: the step, 10^-decimals. What has no more decimals stays as it is."""
    try:
        result = value.quantize(to, mode, _ROUNDING)
    except InvalidOperation:  # with that many decimals it has too many digits
        if -int(value.as_tuple().exponent) > decimals:
            raise
        return value
    # To look at the digits takes as long as to round; a number that was changed had more decimals for certain.
    return result if result != value or -int(value.as_tuple().exponent) > decimals else value


def rounded_to(mode: str, value: Decimal, decimals: Decimal) -> Decimal:
    """As `rounded`, to decimals that were computed."""
    if abs(decimals) > MOST_DECIMALS:
        raise EvaluationFailed("Number out of range")
    return rounded(mode, value, int(decimals), step(-int(decimals)))


@lru_cache(maxsize=2 * MOST_DECIMALS + 1)
def step(exponent: int) -> Decimal:
    """10^exponent."""
    return ONE.scaleb(exponent, _ROUNDING)


def property_in(name: str, properties: Mapping[str, Any]) -> Value:
    """A number, or a text; a text that reads as a number is one."""
    if name not in properties:
        raise EvaluationFailed(f"Variable: {name} not found")
    value = properties[name]
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return _within(Decimal(value))
    if not isinstance(value, str):
        value = "" if value is None else exact_json.dump_text(value)
    return _read(value)


def number_in(name: str, properties: Mapping[str, Any]) -> Decimal:
    """A property where nothing but a number will do."""
    value = properties.get(name)
    if type(value) is int and -_USUAL < value < _USUAL:
        return Decimal(value)
    if type(value) is int or type(value) is Decimal:
        return _within(Decimal(value))
    return number(property_in(name, properties))


def number(value: Value) -> Decimal:
    if isinstance(value, str):
        value = _read(value)
    if not isinstance(value, Decimal):
        raise EvaluationFailed("Expected a decimal")
    return value


def text(value: Value) -> str:
    return format(value, "f") if isinstance(value, Decimal) else value


def _read(written: str) -> Value:
    return _within(Decimal(written)) if len(written) <= DIGITS and _NUMBER.fullmatch(written) else written


def _within(value: Decimal) -> Decimal:
    """Raises EvaluationFailed for a number whose plain notation would be endless."""
    if value and not -DIGITS <= value.adjusted() <= DIGITS:
        raise EvaluationFailed("Number out of range")
    return value
