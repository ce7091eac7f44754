"""Who a command is done for: what the activity log says of it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

__all__ = ["SYSTEM", "Author"]


@dataclass(frozen=True, slots=True)
class Author:
    """source: "api" with the key, "front" with the user, or "system" with neither."""

    source: str
    user_id: UUID | None = None
    api_key_id: UUID | None = None


SYSTEM = Author("system")
