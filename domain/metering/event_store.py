"""What any store of events must answer. PostgreSQL is one; a columnar store fits behind the same interface.

The contract is tested in tests/domain/metering/test_event_store.py, against examples and a naive reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Protocol

from domain.kernel.money import ZERO
from domain.kernel.pagination import Page, PageRequest
from domain.metering.usage import EventPosition, Group, UsageQuestion

__all__ = ["MAX_NUMBER_LENGTH", "NUMBER", "CountedEvent", "EventStore", "RawUsage"]

# What a property must look like to be read as a number; anything else is passed over (handbook, metering 8.2). Longer
# texts are no numbers either: a limit keeps the stored value within what an index entry can hold.
NUMBER: Final = r"^-?[0-9]+(\.[0-9]+)?$"
MAX_NUMBER_LENGTH: Final = 100


@dataclass(frozen=True, slots=True)
class RawUsage:
    """What the store measured of one group of one question; exact, nothing divided, rounded or carried over.

    group: () without groups. units: before rounding; a prorated question's whole units, a weighted sum's Σ value.
    carried: prorated sums: the units from before the window.
    weighed: weighted sums: Σ value * seconds until the window's end. Prorated: Σ value * days until the last day, or
        the days each value was held.
    position: latest values: where the event stands that has it.
    values, weights: with_values: what happened, in time order, and the days each weighs (prorated only).
    """

    units: Decimal
    events_count: int
    group: Group = ()
    carried: Decimal = ZERO
    weighed: Decimal = ZERO
    values: tuple[Decimal, ...] = ()
    weights: tuple[int, ...] = ()
    precise_total_amount_cents: Decimal = ZERO
    last_event_at: datetime | None = None
    position: EventPosition | None = None


@dataclass(frozen=True, slots=True)
class CountedEvent:
    """An event behind a usage. value: what the aggregation read of it, as text; None where events are just counted."""

    transaction_id: str
    timestamp: datetime
    created_at: datetime
    properties: Mapping[str, Any]
    value: str | None


class EventStore(Protocol):
    """Answers questions of one shape, for one organization."""

    async def counted(self, question: UsageQuestion, group: Group, request: PageRequest) -> Page[CountedEvent]:
        """A page of the events that take part in one group of a question, latest use first. Of a page past the end
        the number of all is not known, it is 0. Where units are carried, the events before the window belong to it."""
        ...

    async def aggregate(self, questions: Sequence[UsageQuestion]) -> list[list[RawUsage]]:
        """For each question, in order, its groups with at least one event that takes part (zero or one of them without
        `group_by`). Any number of questions costs a fixed number of statements."""
        ...
