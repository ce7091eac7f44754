"""CSV that a spreadsheet reads and does not execute. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from domain.kernel.format import instant
from domain.kernel.money import decimal_text
from infrastructure import exact_json

__all__ = ["cell", "csv_text"]

# What a spreadsheet takes for the beginning of a formula, the wide forms of East Asian keyboards as well. Some cut
# blanks off first, so the first character that is no blank counts.
_FORMULA: Final = frozenset("=+-@＝＋－＠")  # noqa: RUF001
_BLANK_FORMULA: Final = ("\t", "\r", "\n")


def cell(value: Any) -> str:
    """A value as text: dates ISO 8601, instants UTC, objects as JSON, null empty.

    A text that a spreadsheet might execute gets an apostrophe before it, which spreadsheets take as "this is text".
    Numbers are ours and stay numbers, negative ones too.
    """
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            return decimal_text(value)
        case datetime():
            return instant(value)
        case date():
            return value.isoformat()
        case str():
            return _harmless(value)
        case dict() | list():
            return _harmless(exact_json.dump_text(value))
    return str(value)


def _harmless(text: str) -> str:
    if text.lstrip()[:1] in _FORMULA or text.startswith(_BLANK_FORMULA):
        return f"'{text}"
    return text


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    """Lines as RFC 4180 has them: commas, quotes where needed, CRLF."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([cell(value) for value in row] for row in rows)
    return out.getvalue()
