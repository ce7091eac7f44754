"""Trying an expression on an event that is not stored. Source: handbook, metering 3.4."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from domain.kernel import clock
from domain.kernel.errors import ValidationFailed
from domain.kernel.validation import MANDATORY, Params, clean_json
from domain.metering.expressions import EvaluationFailed, InvalidExpression, result_text
from domain.metering.expressions import expression as ready
from infrastructure import exact_json

__all__ = ["evaluate_expression"]

_LAST_SECOND: Final = 253_402_300_799


def evaluate_expression(params: Params) -> str:
    """The value of `expression` for `event` (code, timestamp, properties), as a text.

    Raises ValidationFailed: {"expression": ["value_is_mandatory" or "invalid_expression"]}, and
    {"event": ["invalid_event"]} when the expression has no value for the event or the event can't be read.
    """
    expression = params.get("expression")
    if expression is None or (isinstance(expression, str) and not expression.strip()):
        raise ValidationFailed({"expression": [MANDATORY]})
    try:
        if not isinstance(expression, str):
            raise InvalidExpression
        known = ready(expression)
    except InvalidExpression:
        raise ValidationFailed({"expression": ["invalid_expression"]}) from None
    try:
        return result_text(known.evaluate(*_event(params.get("event"))))
    except EvaluationFailed:
        raise ValidationFailed({"event": ["invalid_event"]}) from None


def _event(event: object) -> tuple[str, int, dict[str, str]]:
    """Its code, timestamp and properties."""
    if event is None:
        event = {}
    if not isinstance(event, Mapping) or not clean_json(event):
        raise EvaluationFailed("not an event")
    properties = event.get("properties")
    if properties is None:
        properties = {}
    if not isinstance(properties, Mapping):
        raise EvaluationFailed("not an event")
    code = event.get("code")
    texts = {key: _text(value) for key, value in properties.items()}
    return "" if code is None else _text(code), _seconds(event.get("timestamp")), texts


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else exact_json.dump_text(value)


def _seconds(timestamp: object) -> int:
    """Whole Unix seconds of a number or a numeric text; nothing means now."""
    if timestamp is None or timestamp == "":
        return int(clock.now().timestamp() // 1)
    if isinstance(timestamp, bool) or not isinstance(timestamp, int | Decimal | str):
        raise EvaluationFailed("not an instant")
    try:
        number = Decimal(timestamp)
    except InvalidOperation:
        raise EvaluationFailed("not an instant") from None
    if not number.is_finite() or abs(number) > _LAST_SECOND:
        raise EvaluationFailed("not an instant")
    return int(number // 1) - (1 if number % 1 < 0 else 0)
