"""Texts that no row can hold (NUL characters, unpaired surrogates) are refused at the door, wherever they stand."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLError, StringValueNode
from graphql.validation import ValidationRule

from domain.kernel.validation import storable

__all__ = ["StorableTextsRule", "unstorable"]


class StorableTextsRule(ValidationRule):
    """Refuses a document with such a text among its literals."""

    def enter_string_value(self, node: StringValueNode, *_: object) -> None:
        if not storable(node.value):
            extensions = {"status": 422, "code": "value_is_invalid"}
            self.report_error(GraphQLError("A text contains NUL or unpaired surrogates", node, extensions=extensions))


MAX_DEPTH = 64


def unstorable(value: Any, path: tuple[str, ...] = ()) -> tuple[str, ...] | None:
    """Where in the variables such a text stands, or None. What is nested too deep to look at counts as one."""
    if len(path) > MAX_DEPTH:
        return path
    if isinstance(value, str):
        return None if storable(value) else path
    if isinstance(value, dict):
        for key, item in value.items():
            found = path if not storable(key) else unstorable(item, (*path, key))
            if found is not None:
                return found
    if isinstance(value, list):
        for index, item in enumerate(value):
            found = unstorable(item, (*path, str(index)))
            if found is not None:
                return found
    return None
