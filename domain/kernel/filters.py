"""Values of filters, from the interface or from JSON that was stored of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

from domain.kernel.ids import parse_id

__all__ = ["day_of", "id_of", "ids_of"]

NOBODY: Final = UUID(int=0)
"""An id that can't exist matches nothing."""


def id_of(text: object) -> UUID | None:
    """None only where nothing is asked for."""
    return None if text is None else parse_id(text) or NOBODY


def ids_of(texts: Sequence[object] | None) -> list[UUID] | None:
    """None where nothing is asked for, which an empty list is as well."""
    return [parse_id(text) or NOBODY for text in texts] if texts else None


def day_of(value: date | str | None) -> date | None:
    """A date, also from its ISO text."""
    return date.fromisoformat(value) if isinstance(value, str) else value
