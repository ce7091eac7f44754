"""Identifiers: UUID version 7, so that ids made later sort later and index pages stay warm."""

from __future__ import annotations

from uuid import UUID

import uuid_utils

__all__ = ["new_id", "new_id_text", "parse_id"]


def new_id() -> UUID:
    """A new identifier, ordered by real time of creation within a process."""
    return UUID(int=uuid_utils.uuid7().int)


def new_id_text() -> str:
    """As `new_id`, as text: five times as fast, for rows that are written in bulk."""
    return str(uuid_utils.uuid7())


def parse_id(text: object) -> UUID | None:
    """The UUID that a client wrote, or None for anything else: an id that can't exist is simply not found."""
    if isinstance(text, UUID):
        return text
    if not isinstance(text, str) or len(text) > 64:
        return None
    try:
        return UUID(text)
    except ValueError:
        return None
