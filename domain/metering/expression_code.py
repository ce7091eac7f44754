"""One Python function for an expression, so that an event costs a handful of calls and no look at the tree.

The tree is written out as assignments, each of them one operation, in the order in which the language evaluates:
operands from the left, then what combines them. Nothing that was sent becomes part of the text but property names,
which are letters, digits and underscores; constants are handed in as objects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, cast

from domain.catalog.expression_syntax import Call, Chain, Constant, Negated, Node, Variable
from domain.kernel.money import ZERO
from domain.metering import expression_operations as operations
from domain.metering.expression_operations import MOST_DECIMALS, ROUNDINGS, Value, step

__all__ = ["Evaluation", "compiled"]

Evaluation = Callable[[str, int, Mapping[str, Any]], Value]
"""Of an event's code, timestamp (whole Unix seconds) and properties (JSON values, numbers as Decimals)."""

_NAMES: Final[dict[str, object]] = {
    name: getattr(operations, name)
    for name in (
        "add", "divide", "minus", "multiply", "number", "number_in", "property_in", "quotient", "rounded",
        "rounded_to", "subtract", "text",
    )
} | {"Decimal": Decimal}  # fmt: skip
_SIGNS: Final = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}
_NO_DECIMALS: Final = Constant(ZERO)


def compiled(tree: Node) -> Evaluation:
    """The function of a tree. What it raises: see expression_operations.py."""
    writer = _Writer()
    result = writer.value(tree)
    body = "\n    ".join([*writer.lines, f"return {result}"])
    exec(f"def evaluation(code, timestamp, properties):\n    {body}\n", writer.names)  # noqa: S102
    return cast(Evaluation, writer.names["evaluation"])


class _Writer:
    """Assignments to v0, v1, …; `value` and `number` answer the name under which a node's result stands."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[str, object] = dict(_NAMES)
        self._numbers: dict[str, str] = {}

    def value(self, node: Node) -> str:
        """A number or a text."""
        match node:
            case Constant():
                return self._constant(node.value)
            case Variable(property=str(name)):
                return self._assign(f"property_in({name!r}, properties)")
            case Variable(name="code"):
                return "code"
            case Call(name="concat"):
                parts = [f"text({self.value(argument)})" for argument in node.arguments]
                return self._assign(f"''.join([{', '.join(parts)}])")
            case _:
                return self.number(node)

    def number(self, node: Node) -> str:
        """As `value`, where nothing but a number will do."""
        match node:
            case Constant(value=Decimal() as constant):
                return self._constant(constant)
            case Variable(property=str(name)):
                if name not in self._numbers:
                    self._numbers[name] = self._assign(f"number_in({name!r}, properties)")
                return self._numbers[name]
            case Variable(name="timestamp"):
                return self._assign("Decimal(timestamp)")
            case Negated():
                return self._assign(f"minus({self.number(node.node)})")
            case Chain():
                result = self.number(node.first)
                for sign, operand in node.rest:
                    combine = "quotient" if sign == "/" and _is_number(operand) else _SIGNS[sign]
                    result = self._assign(f"{combine}({result}, {self.number(operand)})")
                return result
            case Call(name="least" | "greatest"):
                choose = "min" if node.name == "least" else "max"
                return self._assign(f"{choose}([{', '.join([self.number(each) for each in node.arguments])}])")
            case Call(name="round" | "ceil" | "floor"):
                return self._rounding(ROUNDINGS[node.name], *node.arguments)
            case _:
                return self._assign(f"number({self.value(node)})")

    def _rounding(self, mode: str, argument: Node, decimals: Node = _NO_DECIMALS) -> str:
        if isinstance(decimals, Constant) and isinstance(decimals.value, Decimal) and decimals.value <= MOST_DECIMALS:
            fixed = int(decimals.value)
            return self._assign(f"rounded({mode!r}, {self.number(argument)}, {fixed}, {self._constant(step(-fixed))})")
        return self._assign(f"rounded_to({mode!r}, {self.number(argument)}, {self.number(decimals)})")

    def _constant(self, value: Value) -> str:
        name = f"c{len(self.names)}"
        self.names[name] = value
        return name

    def _assign(self, call: str) -> str:
        name = f"v{len(self.lines)}"
        self.lines.append(f"{name} = {call}")
        return name


def _is_number(node: Node) -> bool:
    """Whether a divisor is written down, and is not zero."""
    return isinstance(node, Constant) and isinstance(node.value, Decimal) and bool(node.value)
