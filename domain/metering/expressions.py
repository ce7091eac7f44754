"""What an expression makes of an event. Source: handbook, metering 3.2 and 3.3.

Sums, differences and products are exact; a quotient has 100 digits. What would need more than 2,000 digits to be
written down is refused like any other failure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_UP,
    Context,
    Decimal,
    DecimalException,
    Inexact,
    InvalidOperation,
    Overflow,
    Subnormal,
    Underflow,
)
from typing import Any, Final

from domain.catalog.expression_syntax import Call, Chain, Constant, InvalidExpression, Negated, Node, Variable, parse
from domain.kernel.money import decimal_text
from infrastructure import exact_json

__all__ = ["EvaluationFailed", "InvalidExpression", "Subject", "evaluate", "parse", "result_text"]

DIGITS: Final = 2_000
QUOTIENT_DIGITS: Final = 100
MOST_DECIMALS: Final = 1_000

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
_ROUNDINGS: Final = {"round": ROUND_HALF_UP, "ceil": ROUND_CEILING, "floor": ROUND_FLOOR}

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?")

Value = Decimal | str


class EvaluationFailed(ValueError):
    """The expression has no value for this event; the text says why, in the words of the interface."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The event that is looked at. timestamp: whole Unix seconds. properties: JSON values, numbers as Decimals."""

    code: str
    timestamp: int
    properties: Mapping[str, Any]


def evaluate(node: Node, subject: Subject) -> Value:
    """The number or text that an expression makes of an event. Raises EvaluationFailed."""
    try:
        return _value(node, subject)
    except DecimalException:
        raise EvaluationFailed("Number out of range") from None


def result_text(value: Value) -> str:
    """A result as it is stored and answered: "3.0" for a number."""
    return decimal_text(value) if isinstance(value, Decimal) else value


def _value(node: Node, subject: Subject) -> Value:
    match node:
        case Constant():
            return node.value
        case Variable(property=str(name)):
            return _property(name, subject.properties)
        case Variable(name=name):
            return Decimal(subject.timestamp) if name == "timestamp" else subject.code
        case Negated():
            return _EXACT.minus(_number(_value(node.node, subject)))
        case Chain():
            result = _number(_value(node.first, subject))
            for sign, operand in node.rest:
                result = _combined(sign, result, _number(_value(operand, subject)))
            return result
        case Call():
            return _called(node.name, [_value(argument, subject) for argument in node.arguments])


def _property(name: str, properties: Mapping[str, Any]) -> Value:
    """A number, or a text; a text that reads as a number is one."""
    if name not in properties:
        raise EvaluationFailed(f"Variable: {name} not found")
    value = properties[name]
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return _within(Decimal(value))
    if not isinstance(value, str):
        value = "" if value is None else exact_json.dump_text(value)
    return _read(value)


def _read(text: str) -> Value:
    return _within(Decimal(text)) if len(text) <= DIGITS and _NUMBER.fullmatch(text) else text


def _within(number: Decimal) -> Decimal:
    """Raises EvaluationFailed for a number whose plain notation would be endless."""
    if number and not -DIGITS <= number.adjusted() <= DIGITS:
        raise EvaluationFailed("Number out of range")
    return number


def _number(value: Value) -> Decimal:
    if isinstance(value, str):
        value = _read(value)
    if not isinstance(value, Decimal):
        raise EvaluationFailed("Expected a decimal")
    return value


def _combined(sign: str, left: Decimal, right: Decimal) -> Decimal:
    if sign == "+":
        return _EXACT.add(left, right)
    if sign == "-":
        return _EXACT.subtract(left, right)
    if sign == "*":
        return _EXACT.multiply(left, right)
    if not right:
        raise EvaluationFailed("Division by zero")
    return _QUOTIENT.divide(left, right)


def _called(name: str, arguments: list[Value]) -> Value:
    if name == "concat":
        return "".join(format(one, "f") if isinstance(one, Decimal) else one for one in arguments)
    numbers = [_number(one) for one in arguments]
    if name == "least":
        return min(numbers)
    if name == "greatest":
        return max(numbers)
    return _rounded(name, numbers[0], numbers[1] if len(numbers) > 1 else Decimal(0))


def _rounded(name: str, number: Decimal, decimals: Decimal) -> Decimal:
    if abs(decimals) > MOST_DECIMALS:
        raise EvaluationFailed("Number out of range")
    step = Decimal(1).scaleb(-int(decimals))
    if -int(decimals) <= int(number.as_tuple().exponent):
        return number
    return number.quantize(step, _ROUNDINGS[name], _ROUNDING)
