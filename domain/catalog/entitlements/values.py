"""What privileges may be set to, how that is stored and how it is shown: pure. Source: handbook, platform 19."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from domain.kernel.validation import INVALID, MAX_TEXT, TOO_LONG, storable

__all__ = ["NOT_AN_OPTION", "VALUE_TYPES", "options_of", "shown_value", "stored_value"]

VALUE_TYPES: Final = ("string", "integer", "boolean", "select")
NOT_AN_OPTION: Final = "value_not_in_select_options"

_CANONICAL = re.compile(r"0|-?[1-9][0-9]{0,18}")
"""Numbers of at most 19 digits."""


def options_of(config: Mapping[str, Any]) -> list[str]:
    """The options of a select."""
    return list(config.get("select_options") or ())


def stored_value(value_type: str, config: Mapping[str, Any], sent: object) -> tuple[str, str | None]:
    """The text a value is kept as, and what is wrong with it, if anything.

    An integer is a number or canonical digits, a boolean is one or the word, a select is one of its options.
    """
    if value_type == "integer":
        text = str(sent) if isinstance(sent, int) and not isinstance(sent, bool) else sent
        return _judged(text, INVALID if not isinstance(text, str) or not _CANONICAL.fullmatch(text) else None)
    if value_type == "boolean":
        text = str(sent).lower() if isinstance(sent, bool | str) else sent
        return _judged(text, None if text in ("true", "false") else INVALID)
    if value_type == "select":
        return _judged(sent, None if sent in options_of(config) else NOT_AN_OPTION)
    if isinstance(sent, str) and len(sent) > MAX_TEXT:
        return "", TOO_LONG
    return _judged(sent, None if isinstance(sent, str) and sent.strip() and storable(sent) else INVALID)


def _judged(text: object, wrong: str | None) -> tuple[str, str | None]:
    return ("", wrong) if wrong else (str(text), None)


def shown_value(value_type: str, text: str) -> int | bool | str:
    """A stored text as REST shows it: integers and booleans as such."""
    if value_type == "integer":
        return int(text)
    return text == "true" if value_type == "boolean" else text
