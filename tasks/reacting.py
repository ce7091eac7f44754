"""What reactions to events are made of: the ids that events carry, in parts that fit into a job's arguments."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar
from uuid import UUID

from domain.kernel.events import DomainEvent
from domain.kernel.jobs import JobRequest
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["CHUNK", "Reaction", "chunks", "ids_of"]

CHUNK = 500
"""Ids in one job's arguments at most."""
Item = TypeVar("Item")
Reaction = Callable[[UnitOfWork, Sequence[Any]], Awaitable[Iterable[JobRequest]]]


def ids_of(events: Sequence[DomainEvent], field: str) -> list[UUID]:
    """The ids of all events, each once, in order."""
    return list(dict.fromkeys(each for event in events for each in getattr(event, field)))


def chunks(items: Sequence[Item], size: int = CHUNK) -> Iterator[Sequence[Item]]:
    """The items in parts of that size."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
