"""What an expression makes of an event. Source: handbook, metering 3.2 and 3.3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from functools import lru_cache
from typing import Any

from domain.catalog.expression_syntax import InvalidExpression, parse
from domain.kernel.money import decimal_text
from domain.metering.expression_code import Evaluation, compiled
from domain.metering.expression_operations import EvaluationFailed, Value

__all__ = ["EvaluationFailed", "Expression", "InvalidExpression", "expression", "result_text"]


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression made ready for many events. timestamp: whether it looks at the event's."""

    evaluation: Evaluation
    timestamp: bool

    def evaluate(self, code: str, timestamp: int, properties: Mapping[str, Any]) -> Value:
        """The number or text that the expression makes of an event. Raises EvaluationFailed.

        timestamp: whole Unix seconds. properties: JSON values, numbers as Decimals.
        """
        try:
            return self.evaluation(code, timestamp, properties)
        except DecimalException:
            raise EvaluationFailed("Number out of range") from None


@lru_cache(maxsize=4_096)
def expression(text: str) -> Expression:
    """The expression that a text is; kept by its text. Raises InvalidExpression."""
    return Expression(compiled(parse(text)), "event.timestamp" in text)


def result_text(value: Value) -> str:
    """A result as it is stored and answered: "3.0" for a number."""
    return decimal_text(value) if isinstance(value, Decimal) else value
