"""The language of a metric's expression: text in, tree out. Source: handbook, metering 3.1 and 3.2."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import LarkError

__all__ = ["Call", "Chain", "Constant", "InvalidExpression", "Negated", "Node", "Variable", "parse"]

LONGEST: Final = 10_000
DEEPEST: Final = 60
"""Brackets and calls inside each other."""

# Only U+0020 is passed over. A name is taken in three spellings, no other mix of capitals.
GRAMMAR: Final = r"""
    ?sum: product ((PLUS | MINUS) product)*
    ?product: atom ((TIMES | DIVIDED) atom)*
    ?atom: primary
         | MINUS primary                     -> negated
    ?primary: VARIABLE                       -> variable
            | DECIMAL                        -> number
            | TEXT                           -> text
            | NAME "(" sum ("," sum)* ")"    -> call
            | "(" sum ")"

    PLUS: "+"
    MINUS: "-"
    TIMES: "*"
    DIVIDED: "/"
    VARIABLE: "event.timestamp" | "event.code" | /event\.properties\.[A-Za-z][A-Za-z0-9_]*/
    NAME: "ceil" | "CEIL" | "Ceil"
        | "round" | "ROUND" | "Round"
        | "floor" | "FLOOR" | "Floor"
        | "concat" | "CONCAT" | "Concat"
        | "least" | "LEAST" | "Least"
        | "greatest" | "GREATEST" | "Greatest"
    DECIMAL: /[0-9]+(\.[0-9]+)?/
    TEXT: /'[^']*'/
    %ignore " "
"""
ROUNDINGS: Final = frozenset({"ceil", "round", "floor"})
MOST_ROUNDING_ARGUMENTS: Final = 2
_PROPERTY: Final = "event.properties."


class InvalidExpression(ValueError):
    """The text is not an expression."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A number or a text."""

    value: Decimal | str
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Variable:
    """`property`: its name, or None for what `name` says of the event itself: "timestamp" or "code"."""

    name: str
    property: str | None
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Negated:
    node: Node
    depth: int


@dataclass(frozen=True, slots=True)
class Chain:
    """Operations of one precedence, from the left: first, then (sign, operand) pairs."""

    first: Node
    rest: tuple[tuple[str, Node], ...]
    depth: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function by its name in small letters."""

    name: str
    arguments: tuple[Node, ...]
    depth: int


Node = Constant | Variable | Negated | Chain | Call


def _deeper(*nodes: Node) -> int:
    depth = 1 + max(node.depth for node in nodes)
    if depth > DEEPEST:
        raise InvalidExpression(f"more than {DEEPEST} levels")
    return depth


@v_args(inline=True)
class _Tree(Transformer[Token, Node]):
    """Makes nodes while the text is parsed, from the leaves up, so that no depth of the text is a depth of calls."""

    def number(self, token: Token) -> Node:
        return Constant(Decimal(str(token)))

    def text(self, token: Token) -> Node:
        return Constant(str(token)[1:-1])

    def variable(self, token: Token) -> Node:
        name = str(token)
        if name.startswith(_PROPERTY):
            return Variable(name.removeprefix(_PROPERTY), name.removeprefix(_PROPERTY))
        return Variable(name.removeprefix("event."), None)

    def negated(self, _minus: Token, node: Node) -> Node:
        return Negated(node, _deeper(node))

    def sum(self, first: Node, *rest: Any) -> Node:
        pairs = tuple((str(sign), node) for sign, node in zip(rest[::2], rest[1::2], strict=True))
        return Chain(first, pairs, _deeper(first, *(node for _, node in pairs)))

    product = sum

    def call(self, name: Token, *arguments: Node) -> Node:
        function = str(name).lower()
        if function in ROUNDINGS and len(arguments) > MOST_ROUNDING_ARGUMENTS:
            raise InvalidExpression(f"{function} takes a number and a count of decimals")
        return Call(function, arguments, _deeper(*arguments))


_parser: Final = Lark(GRAMMAR, parser="lalr", start="sum", transformer=_Tree())


@lru_cache(maxsize=4_096)
def parse(text: str) -> Node:
    """The tree of an expression; kept by its text. Raises InvalidExpression for anything that is not one, also for a
    text of more than 10,000 characters or 60 levels of brackets."""
    if len(text) > LONGEST:
        raise InvalidExpression("too long")
    try:
        return _parser.parse(text)  # type: ignore[return-value]
    except LarkError as error:
        raise InvalidExpression(str(error)) from None
