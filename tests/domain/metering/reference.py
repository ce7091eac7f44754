"""A store of events in a list, written from the handbook (metering 8) without a thought for speed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

from domain.metering.event_store import RawUsage
from domain.metering.matching import Condition
from domain.metering.usage import Group, UsageQuestion


@dataclass(frozen=True)
class Used:
    """One event. `place`: the order in which events came."""

    subscription: str
    code: str
    timestamp: datetime
    properties: dict[str, Any]
    created_at: datetime
    place: int


def text_of(properties: dict[str, Any], name: str | None) -> str | None:
    """A property as text, the way PostgreSQL's ->> writes it."""
    value = properties.get(name or "")
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def number_of(event: Used, name: str | None) -> Decimal | None:
    text = text_of(event.properties, name)
    if text is None or len(text) > 100 or not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
        return None
    return Decimal(text)


class ReferenceStore:
    """Satisfies EventStore."""

    def __init__(self, events: Sequence[Used]) -> None:
        self.events = sorted(events, key=lambda event: (event.timestamp, event.created_at, event.place))

    async def aggregate(self, questions: Sequence[UsageQuestion]) -> list[list[RawUsage]]:
        with localcontext(prec=300):
            return [self._answer(question) for question in questions]

    def _answer(self, question: UsageQuestion) -> list[RawUsage]:
        lower = question.from_.replace(microsecond=question.from_.microsecond // 1000 * 1000)
        all_history = question.recurring and question.aggregation_type in ("sum_agg", "unique_count_agg")
        groups: dict[Group, list[Used]] = {}
        for event in self.events:
            if (
                event.subscription == question.external_subscription_id
                and event.code == question.code
                and (all_history or event.timestamp >= lower)
                and event.timestamp <= question.to
                and self._is_before(event, question)
                and has_all(event, question.matching)
                and not any(has_all(event, condition, missing="") for condition in question.ignored)
                and not any(text_of(event.properties, key) for key in question.empty)
            ):
                group = tuple(text_of(event.properties, key) or None for key in question.group_by)
                groups.setdefault(group, []).append(event)
        found = [self._of_group(question, group, events, lower) for group, events in groups.items()]
        return sorted((raw for raw in found if raw is not None), key=lambda raw: [text or "" for text in raw.group])

    def _is_before(self, event: Used, question: UsageQuestion) -> bool:
        if question.before is None:
            return True
        return (event.timestamp, event.created_at, event.place) < tuple(question.before)

    def _of_group(
        self, question: UsageQuestion, group: Group, events: Sequence[Used], lower: datetime
    ) -> RawUsage | None:
        if question.aggregation_type == "count_agg":
            return RawUsage(Decimal(len(events)), len(events), group)
        if question.aggregation_type == "unique_count_agg":
            return (
                self._prorated_unique(question, group, events)
                if question.proration
                else self._unique(question, group, events)
            )
        pairs = [(event, number) for event in events if (number := number_of(event, question.field_name)) is not None]
        if not pairs:
            return None
        numbers = [number for _, number in pairs]
        units = {
            "sum_agg": lambda: sum(numbers, Decimal(0)),
            "weighted_sum_agg": lambda: sum(numbers, Decimal(0)),
            "max_agg": lambda: max(numbers),
            "latest_agg": lambda: max(numbers[-1], Decimal(0)),
        }[question.aggregation_type]()
        carried = weighed = Decimal(0)
        values: list[Decimal] = []
        weights: list[int] = []
        if question.aggregation_type == "weighted_sum_agg":
            end = question.to
            if end.microsecond:
                end = end.replace(microsecond=0) + timedelta(seconds=1)
            for event, number in pairs:
                weighed += number * Decimal(str((end - event.timestamp) / timedelta(microseconds=1))) / 1_000_000
        elif question.aggregation_type in ("sum_agg", "max_agg"):
            for event, number in pairs:
                if event.timestamp < lower:
                    carried += number if question.proration else 0
                    continue
                if question.with_values:
                    values.append(number)
                if question.proration:
                    zone = question.proration.zone
                    last = question.to.astimezone(zone).date()
                    days = (last - event.timestamp.astimezone(zone).date()).days + 1
                    weighed += number * days
                    if question.with_values:
                        weights.append(days)
        return RawUsage(units, len(numbers), group, carried, weighed, tuple(values), tuple(weights))

    def _unique(self, question: UsageQuestion, group: Group, events: Sequence[Used]) -> RawUsage | None:
        """Event by event, as the handbook tells the transitions."""
        previous: dict[str, str] = {}
        units = 0
        for event in events:
            value, operation = item_of(event, question.field_name)
            if operation not in ("add", "remove"):
                continue
            before = previous.get(value, "remove")
            if operation == "add" and before == "remove":
                units += 1
            if operation == "remove" and before == "add":
                units -= 1
            previous[value] = operation
        return RawUsage(Decimal(units), units, group) if previous else None

    def _prorated_unique(self, question: UsageQuestion, group: Group, events: Sequence[Used]) -> RawUsage | None:
        """Item by item: the changes that last, then the days of each addition."""
        assert question.proration is not None
        zone = question.proration.zone
        first, last = question.from_.astimezone(zone).date(), question.to.astimezone(zone).date()
        items: dict[str, list[tuple[Used, str]]] = {}
        for event in events:
            value, operation = item_of(event, question.field_name)
            if operation in ("add", "remove"):
                items.setdefault(value, []).append((event, operation))
        changes: list[tuple[Used, int, int]] = []
        for sequence in items.values():
            day = [event.timestamp.astimezone(zone).date() for event, _ in sequence]
            lasting = [
                (event, operation, day[place])
                for place, (event, operation) in enumerate(sequence)
                if not (
                    operation == "remove"
                    and place + 1 < len(sequence)
                    and sequence[place + 1][1] == "add"
                    and day[place + 1] == day[place]
                )
            ]
            kept: list[tuple[Used, str, date]] = []
            for each in lasting:
                if each[1] != (kept[-1][1] if kept else "remove"):
                    kept.append(each)
            for place, (event, operation, at) in enumerate(kept):
                following = kept[place + 1][2] if place + 1 < len(kept) else None
                if operation == "remove":
                    changes.append((event, -1, 0))
                elif following is not None and following < first:
                    changes.append((event, 1, 0))
                else:
                    changes.append((event, 1, ((following or last) - max(at, first)).days + 1))
        if not changes:
            return None
        changes.sort(key=lambda change: (change[0].timestamp, change[0].created_at, change[0].place))
        units = sum(change for _, change, _ in changes)
        return RawUsage(
            Decimal(units), units, group,
            weighed=Decimal(sum(days for _, _, days in changes)),
            values=tuple(Decimal(change) for _, change, _ in changes) if question.with_values else (),
            weights=tuple(days for _, _, days in changes) if question.with_values else (),
        )  # fmt: skip


def has_all(event: Used, condition: Condition, missing: str | None = None) -> bool:
    texts = {key: text_of(event.properties, key) for key, _ in condition}
    return all((missing if texts[key] is None else texts[key]) in allowed for key, allowed in condition)


def item_of(event: Used, field_name: str | None) -> tuple[str, str]:
    """The item a unique count looks at, and what happened to it."""
    value = text_of(event.properties, field_name)
    operation = text_of(event.properties, "operation_type")
    return "null" if value is None else value, "add" if operation is None else operation
