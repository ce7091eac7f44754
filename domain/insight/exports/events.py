"""What happens to exports."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.kernel.events import DomainEvent

__all__ = ["DataExportsExpired", "DataExportsRequested"]


@dataclass(frozen=True, slots=True)
class DataExportsRequested(DomainEvent):
    """Users asked for files, which are made by jobs."""

    export_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class DataExportsExpired(DomainEvent):
    """The links to these have ended: their files may go."""

    export_ids: tuple[UUID, ...]
