"""How many units were used: the question that invoicing and current usage ask, for many subscriptions at once.

    questions = [UsageQuestion(key=charge.id, external_subscription_id="sub", code="calls", field_name=None,
                               aggregation_type="count_agg", from_=period.start, to=period.end), ...]
    usage = await measure(work, questions)
    usage[charge.id].units

Any number of questions cost at most one statement for each type of aggregation (two while the stored values of a
changed metric are being filled in).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.rounding import rounded

__all__ = ["AGGREGATIONS", "Usage", "UsageQuestion", "measure"]

AGGREGATIONS: Final = frozenset({"count_agg", "sum_agg", "max_agg", "unique_count_agg", "latest_agg"})


@dataclass(frozen=True, slots=True)
class UsageQuestion:
    """One charge of one subscription in one window. Source: handbook, metering 8.

    key: what the answer is found by; unique among the questions of one call.
    external_subscription_id, code: which events count; the metric's `code`, the subscription's `external_id`.
    aggregation_type: one of AGGREGATIONS. field_name: the property that is read; not needed for count_agg.
    from_, to: the window, both ends included; `from_` is floored to the millisecond.
    recurring: all history up to `to` counts, `from_` is not looked at (sum and unique count of recurring metrics).
    rounding_function, rounding_precision: the metric's, applied to the units.
    values_ready: the metric's; lets sums read the stored numbers instead of the raw properties. Both give the same.
    """

    key: Hashable
    external_subscription_id: str
    code: str
    aggregation_type: str
    field_name: str | None
    from_: datetime
    to: datetime
    recurring: bool = False
    rounding_function: str | None = None
    rounding_precision: int | None = None
    values_ready: bool = False

    def __post_init__(self) -> None:
        assert self.aggregation_type in AGGREGATIONS, self.aggregation_type
        assert self.field_name is not None or self.aggregation_type == "count_agg", "this aggregation reads a property"
        assert self.from_.tzinfo is not None, "instants carry a zone"
        assert self.to.tzinfo is not None, "instants carry a zone"

    @property
    def first(self) -> datetime | None:
        """The lower bound, included; None when all history counts."""
        if self.recurring and self.aggregation_type in {"sum_agg", "unique_count_agg"}:
            return None
        return self.from_ - timedelta(microseconds=self.from_.microsecond % 1000)


@dataclass(frozen=True, slots=True)
class Usage:
    """units: exact, rounded as the metric says; may be negative for a sum (the fee is then zero).
    events_count: the events that took part; for a unique count the units."""

    units: Decimal
    events_count: int


async def measure(work: UnitOfWork, questions: Sequence[UsageQuestion]) -> dict[Hashable, Usage]:
    """The usage for every question of the organization this work is bound to, by the questions' keys.

    No event in the window answers 0 units and 0 events. Questions that differ only in key are asked once.
    """
    from domain.metering.postgres_store import PostgresStore

    assert len({question.key for question in questions}) == len(questions), "keys of questions are unique"
    found = await PostgresStore(work).aggregate(questions)
    return {
        question.key: Usage(
            rounded(raw.units, question.rounding_function, question.rounding_precision),
            raw.events_count,
        )
        for question, raw in zip(questions, found, strict=True)
    }
