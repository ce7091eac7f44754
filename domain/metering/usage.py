"""How many units were used: the question that invoicing and current usage ask, for many subscriptions at once.

    questions = [UsageQuestion(key=charge.id, external_subscription_id="sub", code="calls", field_name=None,
                               aggregation_type="count_agg", from_=period.start, to=period.end), ...]
    usage = await measure_groups(work, questions)
    for group in usage[charge.id]:
        group.grouped_by, group.units

Any number of questions cost a fixed number of statements: at most three for each type of aggregation (plain ones, those
whose metric's stored values are being filled in, and those with filters, groups, lists or proration).

`charge_questions.py` makes the questions of a charge from its filters, groups and model, and turns the answers into
what a price is computed from; whoever bills or shows charges starts there.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from domain.kernel.money import ZERO
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.matching import Condition

__all__ = [
    "AGGREGATIONS", "EventPosition", "Group", "Proration", "Usage", "UsageQuestion", "Weighting", "measure",
    "measure_groups",
]  # fmt: skip

AGGREGATIONS: Final = frozenset(
    {"count_agg", "sum_agg", "max_agg", "unique_count_agg", "latest_agg", "weighted_sum_agg"}
)

Group = tuple[str | None, ...]
"""The values of the keys of `group_by`, in their order; None for a property that is missing or empty."""


class EventPosition(NamedTuple):
    """Where an event stands among those of its subscription: by its time, then by arrival (handbook, 8.1)."""

    timestamp: datetime
    created_at: datetime
    sequence: int


@dataclass(frozen=True, slots=True)
class Proration:
    """Units weighed by the days they were held (recurring sum and unique count). Source: handbook, metering 10.

    zone: the customer's; days are local. charges_duration: days of the full period. upgraded: the window was cut by an
    upgrade, which counts one day less for what was carried into it.
    """

    zone: ZoneInfo
    charges_duration: int
    upgraded: bool = False


@dataclass(frozen=True, slots=True)
class Weighting:
    """What a weighted sum needs. charges_duration: days of the full period. carried: the level at the start of the
    window by group (recurring metrics; see carried.py). Source: handbook, metering 8.6 and 9.3."""

    charges_duration: int
    carried: tuple[tuple[Group, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class UsageQuestion:
    """One bucket of one charge of one subscription in one window. Source: handbook, metering 7 to 10.

    key: what the answer is found by; unique among the questions of one call.
    external_subscription_id, code: which events count; the metric's `code`, the subscription's `external_id`.
    aggregation_type: one of AGGREGATIONS. field_name: the property that is read; not needed for count_agg.
    from_, to: the window, both ends included; `from_` is floored to the millisecond.
    recurring: all history up to `to` counts, `from_` is not looked at (sum and unique count of recurring metrics).
    rounding_function, rounding_precision: the metric's, applied to the units; None for instant billing.
    values_ready: the metric's; lets sums read the stored numbers instead of the raw properties. Both give the same.
    matching, ignored: an event counts if it matches the one and none of the others (see matching.buckets).
    empty: properties that must be missing or empty (a group's missing values).
    group_by: keys of properties; the answer has one Usage for each combination of their values.
    proration: for charges with `prorated`; sum and unique count of recurring metrics only.
    weighting: mandatory for weighted_sum_agg, not allowed elsewhere.
    with_values: the events' values are answered in time order (see Usage.values).
    precise_amounts: the sum of the events' precise_total_amount_cents is answered (dynamic charges).
    before: only events before this one count, whatever `to` says (instant billing).
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
    matching: Condition = ()
    ignored: tuple[Condition, ...] = ()
    empty: tuple[str, ...] = ()
    group_by: tuple[str, ...] = ()
    proration: Proration | None = None
    weighting: Weighting | None = None
    with_values: bool = False
    precise_amounts: bool = False
    before: EventPosition | None = None

    def __post_init__(self) -> None:
        assert self.aggregation_type in AGGREGATIONS, self.aggregation_type
        assert self.field_name is not None or self.aggregation_type == "count_agg", "this aggregation reads a property"
        assert self.from_.tzinfo is not None, "instants carry a zone"
        assert self.to.tzinfo is not None, "instants carry a zone"
        assert (self.weighting is not None) == (self.aggregation_type == "weighted_sum_agg"), "only weighted sums weigh"
        assert self.proration is None or self.reads_history, "only recurring sums and unique counts are prorated"

    @property
    def reads_history(self) -> bool:
        return self.recurring and self.aggregation_type in {"sum_agg", "unique_count_agg"}

    @property
    def first(self) -> datetime | None:
        """The lower bound, included; None when all history counts."""
        return None if self.reads_history else self.start

    @property
    def start(self) -> datetime:
        """The start of the window, floored to the millisecond."""
        return self.from_ - timedelta(microseconds=self.from_.microsecond % 1000)

    @property
    def is_plain(self) -> bool:
        """Nothing but the events of a subscription, a code and a window is asked for."""
        return not (
            self.matching or self.ignored or self.empty or self.group_by or self.proration or self.weighting
            or self.with_values or self.precise_amounts or self.before
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Usage:
    """The usage of one group.

    units: what is priced: exact, rounded as the metric says; prorated ones if the question asked so; may be negative
        for a sum (the fee is then zero).
    events_count: the events that took part; for a unique count the units.
    grouped_by: the group as fees show it, {} without groups.
    full_units: the whole units behind prorated ones; None when nothing is prorated.
    total_aggregated_units: the level at the end for a weighted sum, else the (full) units.
    values: with_values only, in time order. Sum: the value of each event in the window (prorated: carried units first,
        if not zero). Max: the first greatest value and zeros. Count and unique count: a one for each event; prorated
        unique count: +1 and -1 for each change that is kept. Empty for the others.
    prorated_values: beside `values`, for prorated questions.
    precise_total_amount_cents: precise_amounts only.
    last_event_at: the time of the last event that took part, None without one (weighted sums only).
    """

    units: Decimal
    events_count: int
    grouped_by: Mapping[str, str | None] = field(default_factory=dict)
    full_units: Decimal | None = None
    total_aggregated_units: Decimal = ZERO
    values: tuple[Decimal, ...] = ()
    prorated_values: tuple[Decimal, ...] = ()
    precise_total_amount_cents: Decimal = ZERO
    last_event_at: datetime | None = None

    @property
    def whole_units(self) -> Decimal:
        """The units before proration."""
        return self.units if self.full_units is None else self.full_units


async def measure_groups(work: UnitOfWork, questions: Sequence[UsageQuestion]) -> dict[Hashable, list[Usage]]:
    """The usage for every question of the organization this work is bound to, by the questions' keys.

    Each answer has at least one group, ordered by the groups' values (missing ones first): without `group_by`, or
    without any event, exactly one. Questions that differ only in key are asked once.
    """
    from domain.metering.answers import usages
    from domain.metering.rolled_store import RolledStore

    assert len({question.key for question in questions}) == len(questions), "keys of questions are unique"
    found = await RolledStore(work).aggregate(questions)
    return {question.key: usages(question, raw) for question, raw in zip(questions, found, strict=True)}


async def measure(work: UnitOfWork, questions: Sequence[UsageQuestion]) -> dict[Hashable, Usage]:
    """As measure_groups, for questions without groups: the one Usage of each."""
    assert not any(question.group_by for question in questions), "groups are asked with measure_groups"
    found = await measure_groups(work, questions)
    return {key: groups[0] for key, groups in found.items()}
