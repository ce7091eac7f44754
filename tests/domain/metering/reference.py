"""A store of events in a list, written from the handbook (metering 8) without a thought for speed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any

from domain.metering.event_store import RawUsage
from domain.metering.usage import UsageQuestion


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

    async def aggregate(self, questions: Sequence[UsageQuestion]) -> list[RawUsage]:
        return [self._answer(question) for question in questions]

    def _answer(self, question: UsageQuestion) -> RawUsage:
        lower = question.from_.replace(microsecond=question.from_.microsecond // 1000 * 1000)
        all_history = question.recurring and question.aggregation_type in ("sum_agg", "unique_count_agg")
        events = [
            event
            for event in self.events
            if event.subscription == question.external_subscription_id
            and event.code == question.code
            and (all_history or event.timestamp >= lower)
            and event.timestamp <= question.to
        ]
        if question.aggregation_type == "count_agg":
            return RawUsage(Decimal(len(events)), len(events))
        if question.aggregation_type == "unique_count_agg":
            return self._unique(question, events)
        numbers = [number for event in events if (number := number_of(event, question.field_name)) is not None]
        if not numbers:
            return RawUsage(Decimal(0), 0)
        with localcontext(prec=300):
            units = {
                "sum_agg": lambda: sum(numbers, Decimal(0)),
                "max_agg": lambda: max(numbers),
                "latest_agg": lambda: max(numbers[-1], Decimal(0)),
            }[question.aggregation_type]()
        return RawUsage(units, len(numbers))

    def _unique(self, question: UsageQuestion, events: Sequence[Used]) -> RawUsage:
        """Event by event, as the handbook tells the transitions."""
        previous: dict[str, str] = {}
        units = 0
        for event in events:
            value = text_of(event.properties, question.field_name) or "null"
            if text_of(event.properties, question.field_name) == "":
                value = ""
            operation = text_of(event.properties, "operation_type")
            operation = "add" if operation is None else operation
            if operation not in ("add", "remove"):
                continue
            before = previous.get(value, "remove")
            if operation == "add" and before == "remove":
                units += 1
            if operation == "remove" and before == "add":
                units -= 1
            previous[value] = operation
        return RawUsage(Decimal(units), units)
