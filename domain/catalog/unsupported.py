"""Fields that clients know and this server does not act on: never ignored, refused unless they ask for nothing."""

from __future__ import annotations

from collections.abc import Mapping

from domain.kernel.validation import Reader

__all__ = ["UNSUPPORTED", "refuse_unsupported"]

UNSUPPORTED = "unsupported_value"


def refuse_unsupported(read: Reader, fields: Mapping[str, object]) -> None:
    """Adds `unsupported_value` for every field that is present with another meaning than its default.

    fields: name → the default beside the empty values (null, "", [], {}), which are always accepted.
    """
    for name, default in fields.items():
        value = read.params.get(name)
        if value is None or value == "" or value == [] or value == {}:
            continue
        if type(value) is type(default) and value == default:
            continue
        if isinstance(default, bool) and isinstance(value, str) and value.lower() == str(default).lower():
            continue
        read.add(name, UNSUPPORTED)
