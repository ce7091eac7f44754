"""From the schema to arguments of its fields: what a client could mean, with a few places of it hostile.

`sent(field, names)` is a strategy of `Sent`: the arguments as JSON text, so that numbers that no encoder writes (1e400,
thirty digits) can stand in it, and the places that were made hostile.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    get_named_type,
)
from hypothesis import strategies as st

__all__ = ["Place", "Sent", "sent"]

Place = tuple[str | int, ...]
Draw = Callable[[st.SearchStrategy[Any]], Any]

DEEPEST = 7
"""Optional inputs nested deeper than this are left out."""


@dataclass(frozen=True)
class Sent:
    """The variables of one request."""

    text: str
    hostile: dict[Place, str]


@dataclass(frozen=True)
class Raw:
    """JSON as it is written."""

    text: str


def deep(levels: int) -> Any:
    value: Any = "deep"
    for level in range(levels):
        value = [value] if level % 2 else {"k": value}
    return value


TEXTS: list[Any] = [
    "", " ", "\n\t", "x" * 255, "x" * 256, "x" * 70_000, "\x00", "a\x00b", Raw('"\\ud800"'), Raw('"a\\udfff"'), "NaN",
    "Infinity", "-Infinity", "1e400", "1e30", "1e5", "1e-400", str(10**30), "9" * 400, "-0", "-0.0", "-1", "0",
    "0.00000000000000000000000001", "0x10", "٣", "1_000", " 5 ", "+3", ".5", "5.", "null", "{}", "%s %(a)s {0}", "🎉",
    "'; DROP TABLE events; --", "\u202e\u200b", "9999-12-31T23:59:59Z", "true", str(uuid4()), None,
]  # fmt: skip
IDS: list[Any] = ["", "not-an-id", "0", 5, "x" * 5_000, "\x00", "00000000-0000-0000-0000-000000000000", None]
INTS: list[Any] = [
    0, -1, 2**31 - 1, -(2**31), 2**31, Raw(str(10**30)), Raw("1.5"), Raw("1e400"), Raw("-0.0"), "5", True, [], None,
]  # fmt: skip
BIG_INTS: list[Any] = [
    "0", "-1", "-0", str(2**63 - 1), str(2**63), str(-(2**63)), str(10**30), "NaN", "1e3", "1.5", "٣", "", Raw("1.5"),
    Raw("1e30"), True, 2**53 + 1, None,
]  # fmt: skip
FLOATS: list[Any] = [
    0, -1, Raw("-0.0"), Raw("1e308"), Raw("-1e308"), Raw("5e-324"), Raw("1e400"), Raw("1e30"), Raw(str(10**30)),
    Raw("0.1234567890123456789012345678901"), "NaN", "5", True, None,
]  # fmt: skip
INSTANTS: list[Any] = [
    "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00",
    "1969-07-20T20:17:40Z", "2024-02-30T00:00:00Z", "2024-02-29T24:00:00Z", "10000-01-01T00:00:00Z", "now", "",
    "2024-W01-1", "2024-03-10T02:30:00-05:00", "1969-07-20", 0, Raw("253402300800"), "x" * 50, None,
]  # fmt: skip
ENDS_OF_TIME: list[Any] = ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "1969-07-20T20:17:40Z"]
DAYS: list[Any] = ["9999-12-31", "0001-01-01", "1969-07-20", "2024-02-30", "10000-01-01", "", "today", 0, None]
BOOLEANS: list[Any] = ["true", 1, "", None]
ENUMS: list[Any] = ["bogus", "", "EUR ", 0, True, None]
DOCUMENTS: list[Any] = [
    [], {}, "x", 0, None, deep(20), deep(70), {"": ""}, {"a\x00": 1}, {"a": "\x00"}, Raw('{"a": 1e400}'), True,
    Raw('{"a": ' + "9" * 4_000 + "}"), Raw('{"a": "\\ud800"}'), {str(n): n for n in range(2_000)}, ["x"] * 2_000,
    {"region": None}, {"region": "eu"}, {"region": [None]}, {"region": [["eu"]]}, {"region": ["moon"]},
    {"moon": ["eu"]},
    {"region": []}, {"region": ["__ALL_FILTER_VALUES__", "eu"]}, {"region": ["eu"] * 500},
]  # fmt: skip
OBJECTS: list[Any] = [{}, [], "x", 0, None, {"__typename": "x"}]
BY_SCALAR: dict[str, list[Any]] = {
    "String": TEXTS, "ID": IDS, "Int": INTS, "BigInt": BIG_INTS, "Float": FLOATS, "ISO8601DateTime": INSTANTS,
    "ISO8601Date": DAYS, "Boolean": BOOLEANS, "JSON": DOCUMENTS, "ChargeFilterValues": DOCUMENTS,
}  # fmt: skip

MEANT: dict[str, list[Any]] = {
    "amount": ["1", "2.5"], "details": ["{}"], "documentLocale": ["en", "fr"], "email": ["a@example.com"],
    "expression": ["event.properties.a * 2"], "externalCustomerId": ["cust"], "fieldName": ["value"], "key": ["region"],
    "perUnitAmount": ["1"], "flatAmount": ["0"], "rateAmount": ["1"], "grantedCredits": ["5"], "paidCredits": ["5"],
    "rate": ["10"], "unitPreciseAmount": ["1.5"], "units": ["2"], "url": ["https://example.com/hook"],
    "webhookUrl": ["https://example.com/hook"], "thresholdCredits": ["1"], "targetOngoingBalance": ["10"],
    "voidedCredits": ["1"], "to": ["a@example.com"], "cc": ["a@example.com"], "bcc": ["a@example.com"],
    "bccEmails": ["a@example.com"], "zipcode": ["75001"], "order": ["name"], "page": [1, 2], "limit": [1, 20],
    "amountCents": ["100", "2000"], "unitAmountCents": ["100"], "minAmountCents": ["0", "10"], "freeUnits": ["1"],
    "packageSize": ["10"], "fromValue": [0], "toValue": [None], "creditAmountCents": ["1"], "refundAmountCents": ["0"],
    "offsetAmountCents": ["0"], "roundingPrecision": [0, 2, -1], "conversionRate": [1.5], "percentageRate": [10],
    "trialPeriod": [0, 3], "months": [1, 12], "values": ["eu"], "shortName": ["CR"], "priority": [1, 20],
    "pricingGroupKeys": ["cloud"], "frequencyDuration": [2], "netPaymentTerm": [0, 30], "maxAttempts": [3],
    "freeUnitsPerEvents": ["1"], "freeUnitsPerTotalAggregation": ["1"], "fixedAmount": ["1"], "country": ["FR"],
    "perTransactionMinAmount": ["1"], "perTransactionMaxAmount": ["3"], "documentNumberPrefix": ["ABC-1"],
    "invoiceGracePeriod": [0, 3], "paidTopUpMinAmountCents": ["1"], "paidTopUpMaxAmountCents": ["100000"],
}  # fmt: skip
"""What a field of this name usually holds."""
MEANT_ENUMS = ["EUR", "monthly", "standard", "sum_agg", "finalized", "Europe/Paris", "TZ_EUROPE_PARIS"]
TIERS = [
    {"fromValue": 0, "toValue": 10, "perUnitAmount": "1", "flatAmount": "2"},
    {"fromValue": 11, "toValue": None, "perUnitAmount": "1", "flatAmount": "2"},
]
TERMS: dict[str, dict[str, Any]] = {
    "standard": {"amount": "1"},
    "graduated": {"graduatedRanges": TIERS},
    "volume": {"volumeRanges": TIERS},
    "package": {"amount": "1", "freeUnits": 1, "packageSize": 10},
    "percentage": {"rate": "1", "fixedAmount": "1"},
    "graduated_percentage": {"graduatedPercentageRanges": [
        {"fromValue": 0, "toValue": None, "rate": "1", "flatAmount": "2"},
    ]},
}  # fmt: skip


@st.composite
def sent(draw: Draw, field: GraphQLField, root: str, names: Names) -> Sent:
    """Arguments of a root field; mostly with one to three hostile places."""
    made = {
        name: _meant(draw, argument.type, name, (root,), names)
        for name, argument in field.args.items()
        if isinstance(argument.type, GraphQLNonNull) or draw(st.booleans())
    }
    kinds: dict[str, GraphQLInputType] = {name: argument.type for name, argument in field.args.items()}
    hostile: dict[Place, str] = {}
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2, 3]))):
        places = list(_places(made, kinds, root))
        if not places:
            break
        place, kind = draw(st.sampled_from(places))
        value = _hostile(draw, kind, place, root, names, _at(made, place))
        # A copy, because what is put there may be changed by the next.
        _put(made, place, copy.deepcopy(value))
        hostile[place] = _text(value)[:80]
    return Sent(_text(made), hostile)


def _meant(draw: Draw, kind: GraphQLInputType, name: str, path: tuple[str, ...], names: Names) -> Any:
    """A value as a client would send it."""
    if isinstance(kind, GraphQLNonNull):
        kind = kind.of_type
    if isinstance(kind, GraphQLList):
        count = draw(st.sampled_from([0, 1, 1, 1, 2]))
        return [_meant(draw, kind.of_type, name, path, names) for _ in range(count)]
    if isinstance(kind, GraphQLInputObjectType):
        return _object(draw, kind, path, names)
    if isinstance(kind, GraphQLEnumType):
        usual = [each for each in MEANT_ENUMS if each in kind.values]
        return draw(st.sampled_from(usual * 4 + list(kind.values)[:20]))
    known = names.known(name, path)
    if known is not None:
        return _one_of(draw, known)
    if name == "code":
        return f"c{uuid4().hex[:10]}"
    if name in MEANT and kind.name in ("String", "Int", "BigInt", "Float"):
        value = draw(st.sampled_from(MEANT[name]))
        return float(value) if kind.name == "Float" and value is not None else value
    match kind.name:
        case "ID":
            return str(uuid4())
        case "Boolean":
            return draw(st.booleans())
        case "Int" | "Float":
            return draw(st.integers(1, 30))
        case "BigInt":
            return str(draw(st.integers(1, 3000)))
        case "ISO8601DateTime":
            return draw(st.sampled_from(["2024-03-05T10:00:00Z", "2026-01-31T23:59:59Z", "2030-06-01T00:00:00Z"]))
        case "ISO8601Date":
            return draw(st.sampled_from(["2024-03-05", "2030-06-01"]))
        case "ChargeFilterValues":
            return draw(
                st.sampled_from([{"region": ["eu"]}, {"region": ["us", "eu"]}, {"region": ["__ALL_FILTER_VALUES__"]}])
            )
        case "JSON":
            return {"a": 1}
    return f"{name} {draw(st.integers(0, 99))}"


def _one_of(draw: Draw, found: list[Any]) -> Any:
    """One of what is there by now. What is drawn must not depend on how many there are."""
    place = draw(st.integers(0, 3))
    return found[place % len(found)] if found else str(uuid4())


def _object(draw: Draw, kind: GraphQLInputObjectType, path: tuple[str, ...], names: Names) -> dict[str, Any]:
    made: dict[str, Any] = {}
    share = draw(st.sampled_from([0, 1, 1, 3]))
    for name, field in kind.fields.items():
        if name == "clientMutationId":
            continue
        nested = isinstance(get_named_type(field.type), GraphQLInputObjectType)
        wanted = isinstance(field.type, GraphQLNonNull)
        if not wanted and len(path) < DEEPEST:
            wanted = draw(st.integers(0, 5 if nested else 3)) < share
        if wanted:
            made[name] = _meant(draw, field.type, name, (*path, kind.name), names)
    if "chargeModel" in kind.fields and "properties" in kind.fields and draw(st.integers(0, 4)):
        models = [each for each in TERMS if each in _values(kind.fields["chargeModel"].type)]
        model = draw(st.sampled_from(models))
        made |= {"chargeModel": model, "properties": TERMS[model]}
    return json.loads(json.dumps(made)) if "properties" in made else made


def _values(kind: GraphQLInputType) -> list[str]:
    named = get_named_type(kind)
    return list(named.values) if isinstance(named, GraphQLEnumType) else []


def _places(value: Any, kinds: dict[str, GraphQLInputType], root: str) -> Iterator[tuple[Place, GraphQLInputType]]:
    """Every place of the arguments with its type; an absent field of an input counts as a place as well."""

    def of(value: Any, kind: GraphQLInputType, place: Place) -> Iterator[tuple[Place, GraphQLInputType]]:
        yield place, kind
        if isinstance(kind, GraphQLNonNull):
            kind = kind.of_type
        if isinstance(kind, GraphQLList) and isinstance(value, list):
            for index, item in enumerate(value):
                yield from of(item, kind.of_type, (*place, index))
        if isinstance(kind, GraphQLInputObjectType) and isinstance(value, dict):
            for name, field in kind.fields.items():
                if name in value:
                    yield from of(value[name], field.type, (*place, name))
                elif name != "clientMutationId":
                    yield (*place, name), field.type

    for name, kind in kinds.items():
        if name in value:
            yield from of(value[name], kind, (name,))
        else:
            yield (name,), kind


def _hostile(draw: Draw, kind: GraphQLInputType, place: Place, root: str, names: Names, old: Any) -> Any:
    """What nobody should send there; mostly of the type that is asked for."""
    if isinstance(kind, GraphQLNonNull):
        kind = kind.of_type
    if draw(st.integers(0, 7)) == 0:
        kind_name = draw(st.sampled_from(sorted(BY_SCALAR)))
        return draw(st.sampled_from(BY_SCALAR[kind_name]))
    if isinstance(kind, GraphQLList):
        item = old[0] if isinstance(old, list) and old else None
        many = [item] * draw(st.sampled_from([2, 40, 1500]))
        return draw(st.sampled_from([[], [None], many, many, [[]], item, None]))
    if isinstance(kind, GraphQLInputObjectType):
        return draw(st.sampled_from(OBJECTS))
    if isinstance(kind, GraphQLEnumType):
        return draw(st.sampled_from([*ENUMS, *list(kind.values)]))
    assert isinstance(kind, GraphQLScalarType)
    name = next((str(each) for each in reversed(place) if isinstance(each, str)), "")
    foreign = names.foreign(name, (root,))
    if foreign is not None and draw(st.booleans()):
        return _one_of(draw, foreign)
    if kind.name == "ISO8601DateTime" and draw(st.booleans()):
        return draw(st.sampled_from(ENDS_OF_TIME))
    return draw(st.sampled_from(BY_SCALAR.get(kind.name, TEXTS)))


def _at(value: Any, place: Place) -> Any:
    for key in place:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _put(made: Any, place: Place, value: Any) -> None:
    holder, key = _at(made, place[:-1]), place[-1]
    if isinstance(holder, list) and isinstance(key, int):
        holder[key] = value
    if isinstance(holder, dict):
        holder[key] = value


def _text(value: Any) -> str:
    """JSON with raw pieces in it."""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(key))}: {_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_text, value)) + "]"
    return json.dumps(value)


class Names:
    """What is there: values of fields that name something of the organization, and the same of another's."""

    def known(self, name: str, path: tuple[str, ...]) -> list[Any] | None:
        """None for a field that names nothing."""
        raise NotImplementedError

    def foreign(self, name: str, path: tuple[str, ...]) -> list[Any] | None:
        raise NotImplementedError
