"""The scalars of the interface: what goes out and what is taken in.

Use these names in types and inputs; plain `str`, `bool`, `int` (32 bits), `float` and `strawberry.ID` stand for String,
Boolean, Int, Float and ID. A resolver may return what the row holds: `int` for BigInt, `datetime` for ISO8601DateTime,
`UUID` for ID, `Decimal` for Float. `to_params` makes a Float of an input the Decimal that was sent. Source: handbook,
platform 2.7.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NewType

import strawberry
from graphql import GraphQLError, ValueNode, value_from_ast_untyped
from graphql.language import FloatValueNode, IntValueNode, ListValueNode, ObjectValueNode, VariableNode
from strawberry.types.scalar import ScalarDefinition

from domain.kernel.validation import clean_json, parse_instant

__all__ = [
    "JSON",
    "SCALARS",
    "BigInt",
    "ChargeFilterValues",
    "HttpStatus",
    "ISO8601Date",
    "ISO8601DateTime",
    "ObfuscatedString",
    "SentNumber",
    "exact",
]

BigInt = NewType("BigInt", int)
"""An amount in minor units or a large count: 64 bits, written as text, read from text or number."""

ISO8601DateTime = NewType("ISO8601DateTime", datetime)
ISO8601Date = NewType("ISO8601Date", date)
JSON = NewType("JSON", object)
ObfuscatedString = NewType("ObfuscatedString", str)
ChargeFilterValues = NewType("ChargeFilterValues", dict[str, list[str]])
HttpStatus = NewType("HttpStatus", str)

BIGGEST = 2**63 - 1


class SentNumber(float):
    """A fraction of a request's variables: a float for GraphQL's own checks, with the exact number that was sent."""

    __slots__ = ("sent",)
    sent: Decimal

    @classmethod
    def read(cls, text: str) -> SentNumber:
        number = cls(text)
        number.sent = Decimal(text)
        return number


def exact(value: float) -> Decimal:
    """The number that was sent; of a literal in the document the shortest that reads as this float."""
    return value.sent if isinstance(value, SentNumber) else Decimal(repr(value))


def _exact_json(value: Any) -> Any:
    if isinstance(value, float):
        return exact(value)
    if isinstance(value, dict):
        return {key: _exact_json(item) for key, item in value.items()}
    return [_exact_json(item) for item in value] if isinstance(value, list) else value


def _big_int(value: Any) -> int:
    if isinstance(value, str) and len(value) <= 20 and value.isascii() and value.lstrip("+-").isdigit():
        try:
            value = int(value)
        except ValueError:
            value = None
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > BIGGEST:
        raise GraphQLError("BigInt cannot represent this value: a whole number of 64 bits is wanted.")
    return value


def _instant(value: Any) -> datetime:
    instant = parse_instant(value)
    if instant is None:
        raise GraphQLError("ISO8601DateTime cannot represent this value: an ISO 8601 date and time is wanted.")
    return instant


def _instant_out(value: Any) -> str:
    assert isinstance(value, datetime), "an ISO8601DateTime is a datetime"
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _date(value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise GraphQLError("ISO8601Date cannot represent this value: YYYY-MM-DD is wanted.") from None


def _json(value: Any) -> object:
    if not clean_json(value):
        raise GraphQLError("JSON cannot hold this value: NUL characters, depth and digits have limits.")
    return _exact_json(value)


def _obfuscated(value: Any) -> str:
    return "•" * 8 + "…" + str(value)[-3:]


def _filter_values(value: Any) -> dict[str, list[str]]:
    """Keys and values become texts; a null list becomes empty."""
    if not isinstance(value, Mapping) or not clean_json(value):
        raise GraphQLError("ChargeFilterValues cannot represent this value: an object of lists is wanted.")
    return {
        str(key): [str(item) for item in (items if isinstance(items, list) else [] if items is None else [items])]
        for key, items in value.items()
    }


def _http_status(value: Any) -> int | str:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else text


def _same(value: Any) -> Any:
    return value


def _literal(node: ValueNode, variables: Mapping[str, Any] | None = None) -> Any:
    """A value written in the document itself, its numbers exact."""
    if isinstance(node, IntValueNode):
        return int(node.value) if len(node.value) <= 1000 else Decimal("Infinity")
    if isinstance(node, FloatValueNode):
        try:
            return Decimal(node.value)
        except InvalidOperation:
            return Decimal("Infinity")
    if isinstance(node, ListValueNode):
        return [_literal(item, variables) for item in node.values]
    if isinstance(node, ObjectValueNode):
        return {field.name.value: _literal(field.value, variables) for field in node.fields}
    if isinstance(node, VariableNode):
        return (variables or {}).get(node.name.value)
    return value_from_ast_untyped(node)


def _scalar(name: str, parse: Any, serialize: Any, specified_by_url: str | None = None) -> ScalarDefinition:
    def literal(node: ValueNode, variables: Mapping[str, Any] | None = None) -> Any:
        return parse(_literal(node, variables))

    return strawberry.scalar(
        name=name, parse_value=parse, serialize=serialize, parse_literal=literal, specified_by_url=specified_by_url
    )


_RFC3339 = "https://tools.ietf.org/html/rfc3339"

SCALARS: dict[object, ScalarDefinition] = {
    BigInt: _scalar("BigInt", _big_int, str),
    ISO8601DateTime: _scalar("ISO8601DateTime", _instant, _instant_out, _RFC3339),
    ISO8601Date: _scalar("ISO8601Date", _date, lambda value: value.isoformat()[:10], _RFC3339),
    JSON: _scalar("JSON", _json, _same),
    ObfuscatedString: _scalar("ObfuscatedString", str, _obfuscated),
    ChargeFilterValues: _scalar("ChargeFilterValues", _filter_values, _same),
    HttpStatus: _scalar("HttpStatus", _http_status, _http_status),
}
"""What the schema maps to each Python name."""
