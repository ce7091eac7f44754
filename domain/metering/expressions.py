"""What an expression makes of an event. Source: handbook, metering 3.2 and 3.3.

Sums, differences and products are exact; a quotient has 100 digits. What would need more than 2,000 digits to be
written down is refused like any other failure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
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
from functools import lru_cache
from typing import Any, Final, NamedTuple

from domain.catalog.expression_syntax import Call, Chain, Constant, InvalidExpression, Negated, Node, Variable, parse
from domain.kernel.money import ONE, ZERO, decimal_text
from infrastructure import exact_json

__all__ = ["EvaluationFailed", "Expression", "InvalidExpression", "Subject", "expression", "result_text"]

DIGITS: Final = 2_000
QUOTIENT_DIGITS: Final = 100
MOST_DECIMALS: Final = 1_000
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
_ROUNDINGS: Final = {"round": ROUND_HALF_UP, "ceil": ROUND_CEILING, "floor": ROUND_FLOOR}

_NO_PLACES: Final = Constant(ZERO)

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?")

Value = Decimal | str


class EvaluationFailed(ValueError):
    """The expression has no value for this event; the text says why, in the words of the interface."""


class Subject(NamedTuple):
    """The event that is looked at. timestamp: whole Unix seconds. properties: JSON values, numbers as Decimals."""

    code: str
    timestamp: int
    properties: Mapping[str, Any]


_Step = Callable[[Decimal, Subject], Decimal]
"""What makes the next result of a chain from the one before."""


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression made ready for many events. timestamp: whether it looks at the event's."""

    value: Callable[[Subject], Value]
    timestamp: bool

    def evaluate(self, subject: Subject) -> Value:
        """The number or text that the expression makes of an event. Raises EvaluationFailed."""
        try:
            return self.value(subject)
        except DecimalException:
            raise EvaluationFailed("Number out of range") from None


@lru_cache(maxsize=4_096)
def expression(text: str) -> Expression:
    """The expression that a text is; kept by its text. Raises InvalidExpression."""
    return Expression(_value_of(parse(text)), "event.timestamp" in text)


def result_text(value: Value) -> str:
    """A result as it is stored and answered: "3.0" for a number."""
    return decimal_text(value) if isinstance(value, Decimal) else value


# A tree becomes functions within functions once, so that an event costs calls and no look at the tree.
def _value_of(node: Node) -> Callable[[Subject], Value]:
    match node:
        case Constant():
            constant = node.value
            return lambda _: constant
        case Variable(property=str(name)):
            return lambda subject: _property(name, subject.properties)
        case Variable(name="code"):
            return lambda subject: subject.code
        case Call(name="concat"):
            parts = [_value_of(argument) for argument in node.arguments]
            return lambda subject: "".join([_text(part(subject)) for part in parts])
        case _:
            return _number_of(node)


def _number_of(node: Node) -> Callable[[Subject], Decimal]:
    """As _value_of, where nothing but a number will do."""
    match node:
        case Constant(value=Decimal() as constant):
            return lambda _: constant
        case Variable(property=str(name)):
            return lambda subject: _number_in(name, subject.properties)
        case Variable(name="timestamp"):
            return lambda subject: Decimal(subject.timestamp)
        case Negated():
            negated = _number_of(node.node)
            return lambda subject: _EXACT.minus(negated(subject))
        case Chain():
            return _chained(_number_of(node.first), [_step_of(_COMBINED[sign], each) for sign, each in node.rest])
        case Call(name="least" | "greatest"):
            chosen = min if node.name == "least" else max
            numbers = [_number_of(argument) for argument in node.arguments]
            return lambda subject: chosen([number(subject) for number in numbers])
        case Call(name="round" | "ceil" | "floor"):
            return _rounding(_ROUNDINGS[node.name], *node.arguments)
        case _:
            value = _value_of(node)
            return lambda subject: _number(value(subject))


def _chained(first: Callable[[Subject], Decimal], steps: list[_Step]) -> Callable[[Subject], Decimal]:
    if len(steps) == 1:
        (only,) = steps
        return lambda subject: only(first(subject), subject)

    def chained(subject: Subject) -> Decimal:
        result = first(subject)
        for step in steps:
            result = step(result, subject)
        return result

    return chained


def _step_of(combine: Callable[[Decimal, Decimal], Decimal], operand: Node) -> _Step:
    if isinstance(operand, Constant) and isinstance(operand.value, Decimal):
        constant = operand.value
        return lambda result, _: combine(result, constant)
    right = _number_of(operand)
    return lambda result, subject: combine(result, right(subject))


def _rounding(mode: str, argument: Node, places: Node = _NO_PLACES) -> Callable[[Subject], Decimal]:
    number = _number_of(argument)
    if isinstance(places, Constant) and isinstance(places.value, Decimal) and places.value <= MOST_DECIMALS:
        fixed = int(places.value)
        step = _step(-fixed)
        return lambda subject: _rounded(mode, number(subject), fixed, step)
    decimals = _number_of(places)

    def rounded(subject: Subject) -> Decimal:
        value, wanted = number(subject), decimals(subject)
        if abs(wanted) > MOST_DECIMALS:
            raise EvaluationFailed("Number out of range")
        return _rounded(mode, value, int(wanted), _step(-int(wanted)))

    return rounded


def _rounded(mode: str, number: Decimal, decimals: int, step: Decimal) -> Decimal:
    """What has no more decimals than the step, 10^-decimals, stays as it is."""
    try:
        rounded = number.quantize(step, mode, _ROUNDING)
    except InvalidOperation:  # with that many decimals it has too many digits
        if -int(number.as_tuple().exponent) > decimals:
            raise
        return number
    # To look at the digits takes as long as to round; a number that was changed had more decimals for certain.
    return rounded if rounded != number or -int(number.as_tuple().exponent) > decimals else number


@lru_cache(maxsize=2 * MOST_DECIMALS + 1)
def _step(exponent: int) -> Decimal:
    return ONE.scaleb(exponent, _ROUNDING)


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


def _number_in(name: str, properties: Mapping[str, Any]) -> Decimal:
    value = properties.get(name)
    if type(value) is int and -_USUAL < value < _USUAL:
        return Decimal(value)
    if type(value) is int or type(value) is Decimal:
        return _within(Decimal(value))
    return _number(_property(name, properties))


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


def _divided(left: Decimal, right: Decimal) -> Decimal:
    if not right:
        raise EvaluationFailed("Division by zero")
    return _QUOTIENT.divide(left, right)


def _text(value: Value) -> str:
    return format(value, "f") if isinstance(value, Decimal) else value


_COMBINED: Final[dict[str, Callable[[Decimal, Decimal], Decimal]]] = {
    "+": _EXACT.add, "-": _EXACT.subtract, "*": _EXACT.multiply, "/": _divided,
}  # fmt: skip
