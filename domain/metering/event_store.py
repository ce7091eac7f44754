"""What any store of events must answer. PostgreSQL is one; a columnar store fits behind the same interface.

The contract is tested in tests/domain/metering/test_event_store.py, against examples and a naive reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

from domain.metering.usage import UsageQuestion

__all__ = ["MAX_NUMBER_LENGTH", "NUMBER", "EventStore", "RawUsage"]

# What a property must look like to be read as a number; anything else is passed over (handbook, metering 8.2). Longer
# texts are no numbers either: a limit keeps the stored value within what an index entry can hold.
NUMBER: Final = r"^-?[0-9]+(\.[0-9]+)?$"
MAX_NUMBER_LENGTH: Final = 100


@dataclass(frozen=True, slots=True)
class RawUsage:
    """Units before rounding, and how many events took part."""

    units: Decimal
    events_count: int


class EventStore(Protocol):
    """Answers questions of one shape, for one organization."""

    async def aggregate(self, questions: Sequence[UsageQuestion]) -> list[RawUsage]:
        """One answer for each question, in order. Any number of questions costs a fixed number of statements."""
        ...
