"""Expressions: what is one, and what it makes of an event. Every expected value is from the handbook or plain
arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.metering.expressions import EvaluationFailed, InvalidExpression, expression, result_text

PROPERTIES: dict[str, Any] = {
    "a": "1", "b": Decimal("2.50"), "n": 3, "word": "abc", "nothing": None, "yes": True, "list": [1, 2],
    "signed": "-4.5", "Big_1": "1e3", "space": " 5",
}  # fmt: skip


def value(text: str, properties: Mapping[str, Any] = PROPERTIES) -> str:
    return result_text(expression(text).evaluate("api_call", 1_700_000_000, properties))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("event.properties.a + event.properties.b", "3.5"),
        ("event.properties.a", "1.0"),
        ("event.properties.n * 2", "6.0"),
        ("event.properties.Big_1 + 1", "1001.0"),
        ("event.properties.word", "abc"),
        ("event.code", "api_call"),
        ("event.timestamp", "1700000000.0"),
        ("2 + 3 * 4", "14.0"),
        ("(2 + 3) * 4", "20.0"),
        ("10 - 4 - 3", "3.0"),
        ("24 / 4 / 3", "2.0"),
        ("-2 * -3", "6.0"),
        ("5 - -event.properties.signed", "0.5"),
        ("  1+   2 ", "3.0"),
        ("round(2.5)", "3.0"),
        ("round(-2.5)", "-3.0"),
        ("ROUND(1.005, 2)", "1.01"),
        ("Round(1250, -2)", "1300.0"),
        ("ceil(1.21, 1)", "1.3"),
        ("CEIL(-1.5)", "-1.0"),
        ("Floor(-1.21, 1)", "-1.3"),
        ("floor(1299, -2)", "1200.0"),
        ("least(3, 1, 2)", "1.0"),
        ("GREATEST(event.properties.a, event.properties.n)", "3.0"),
        ("concat(event.properties.word, '-', event.code, 1)", "abc-api_call1"),
        ("concat('it is \"so\"')", 'it is "so"'),
        ("concat(event.properties.yes, event.properties.nothing)", "true"),
        ("round (1.4)", "1.0"),
        ("0.1 + 0.2", "0.3"),
    ],
)
def test_values(text: str, expected: str) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", " ", ".5", "5.", "1e3", "1_000", "--1", "1 +", "+1", "* 2", "1 2", "(1", "1)", "()", "\t1", "1\n+ 2",
        "1\u00a0+ 2",
        "event", "event.property.a", "event.properties", "event.properties.", "event.properties.1a",
        "event.properties.a.b", "event.properties.a-b", "event.properties._a", "event.properties.é", "event.codes",
        "event.timestamp1", "Event.code", "rOUND(1)", "round()", "round(1, 2, 3)", "ceil(1,)", "concat()", "least()",
        "max(1, 2)", "'open", "'a''b'", '"a"', "1 % 2", "2 ** 3", "1 = 1", "٣", "a", "round 1", "1,2",
    ],
)  # fmt: skip
def test_what_is_not_an_expression(text: str) -> None:
    with pytest.raises(InvalidExpression):
        expression(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("event.properties.missing + 1", "Variable: missing not found"),
        ("event.properties.word * 2", "Expected a decimal"),
        ("-event.properties.word", "Expected a decimal"),
        ("round(event.properties.word)", "Expected a decimal"),
        ("round(1, 'x')", "Expected a decimal"),
        ("least('x', 1)", "Expected a decimal"),
        ("event.properties.space + 1", "Expected a decimal"),
        ("event.properties.yes + 1", "Expected a decimal"),
        ("1 / 0", "Division by zero"),
        ("1 / (event.properties.a - 1)", "Division by zero"),
        ("round(1, 100000)", "Number out of range"),
    ],
)
def test_what_has_no_value(text: str, sentence: str) -> None:
    with pytest.raises(EvaluationFailed) as failed:
        value(text)
    assert str(failed.value) == sentence


def test_a_quotient_has_a_hundred_digits() -> None:
    assert value("1 / 3") == "0." + "3" * 100
    assert value("2 / 3") == "0." + "6" * 99 + "7"


@pytest.mark.parametrize("huge", ["1e999999", "-1e-999999", Decimal("1e3000"), 10**2500])
def test_numbers_that_could_not_be_written_down_are_refused(huge: object) -> None:
    with pytest.raises(EvaluationFailed, match="out of range"):
        value("event.properties.x * 1", {"x": huge})


def test_a_product_that_grows_without_end_is_refused() -> None:
    with pytest.raises(EvaluationFailed, match="out of range"):
        value(" * ".join(["event.properties.x"] * 30), {"x": "9" * 100})


def test_deep_and_long_texts_are_refused_and_do_not_hang() -> None:
    assert value("(" * 40 + "1" + ")" * 40) == "1.0"
    assert value(" + ".join(["1"] * 2_000)) == "2000.0"
    for text in ("-(" * 3_000 + "1" + ")" * 3_000, "round(" * 1_000 + "1" + ")" * 1_000, "1+" * 6_000 + "1"):
        with pytest.raises(InvalidExpression):
            expression(text)


# Expressions made at random, beside what Python's decimals make of the same tree.

NUMBERS = st.decimals(min_value=0, max_value=10**9, places=4, allow_nan=False, allow_infinity=False)
Pair = tuple[str, Decimal]
HUNDRED = Context(prec=100, rounding=ROUND_HALF_UP)
ENOUGH = Context(prec=2_000)


def literal(number: Decimal) -> Pair:
    return format(number, "f"), number


def combined(parts: tuple[Pair, str, Pair]) -> Pair:
    (left, first), sign, (right, second) = parts
    with localcontext(ENOUGH):
        result = {
            "+": lambda: first + second,
            "-": lambda: first - second,
            "*": lambda: first * second,
            "/": lambda: HUNDRED.divide(first, second) if second else first,
        }[sign]()
    if sign == "/" and not second:
        return left, first
    return f"({left}) {sign} ({right})", result


def rounded(parts: tuple[str, Pair, int]) -> Pair:
    name, (text, number), decimals = parts
    way = {"round": ROUND_HALF_UP, "ceil": ROUND_CEILING, "floor": ROUND_FLOOR}[name]
    with localcontext(ENOUGH):
        step = Decimal(1).scaleb(-decimals)
        result = (number / step).quantize(Decimal(1), way) * step
    return f"{name}({text}, {decimals})", result


def negated(pair: Pair) -> Pair:
    return f"-({pair[0]})", pair[1].copy_negate()


TREES = st.recursive(
    NUMBERS.map(literal),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(combined),
        st.tuples(st.sampled_from(["round", "ceil", "floor"]), inner, st.integers(-3, 6)).map(rounded),
        inner.map(negated),
    ),
    max_leaves=12,
)


@given(TREES)
@settings(deadline=None, max_examples=200)
def test_generated_expressions_are_decimal_arithmetic(tree: Pair) -> None:
    text, expected = tree
    found = expression(text).evaluate("c", 0, {})
    assert found == expected, text


@given(st.lists(st.tuples(st.sampled_from("+-*"), st.integers(0, 999)), min_size=1, max_size=20))
@settings(deadline=None, max_examples=200)
def test_without_brackets_precedence_and_order_are_pythons(parts: list[tuple[str, int]]) -> None:
    text = "7 " + " ".join(f"{sign} {number}" for sign, number in parts)
    assert expression(text).evaluate("c", 0, {}) == eval(text)


@given(st.text(alphabet="event.propisa()+-*/,'1290 \t\n_rundclt", max_size=40))
@settings(deadline=None, max_examples=300)
def test_any_text_is_an_expression_or_is_refused(text: str) -> None:
    try:
        found = expression(text)
    except InvalidExpression:
        return
    try:
        found.evaluate("c", 0, {})
    except EvaluationFailed:
        return
