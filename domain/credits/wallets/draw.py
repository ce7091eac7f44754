"""Which money an outbound movement takes: pure. Source: handbook, credits 5.3."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

__all__ = ["NotEnough", "Source", "draw"]


class NotEnough(Exception):
    """The sources hold less than what was to be taken."""


@dataclass(slots=True)
class Source:
    """A settled inbound movement and what is left of it, in cents. It shrinks as it is drawn from."""

    id: UUID
    remaining_cents: int
    priority: int
    granted: bool
    created_at: datetime


def draw(sources: Iterable[Source], cents: int) -> list[tuple[Source, int]]:
    """Takes an amount: the lowest priority number first, granted before purchased, then the oldest.

    The sources are lowered. Raises NotEnough, and takes nothing then.
    """
    ordered = sorted(
        (source for source in sources if source.remaining_cents > 0),
        key=lambda each: (each.priority, not each.granted, each.created_at, each.id),
    )
    if sum(source.remaining_cents for source in ordered) < cents:
        raise NotEnough
    drawn: list[tuple[Source, int]] = []
    for source in ordered:
        if cents <= 0:
            break
        taken = min(source.remaining_cents, cents)
        source.remaining_cents -= taken
        cents -= taken
        drawn.append((source, taken))
    return drawn
