"""Who a command is done for: what the activity log and the security log say of it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

__all__ = ["SYSTEM", "Author", "Origin"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from: its User-Agent, empty if it sent none, and the address of the caller."""

    user_agent: str
    address: str


@dataclass(frozen=True, slots=True)
class Author:
    """source: "api" with the key, "front" with the user, or "system" with neither. origin: of the request, if any."""

    source: str
    user_id: UUID | None = None
    api_key_id: UUID | None = None
    origin: Origin | None = None


SYSTEM = Author("system")
