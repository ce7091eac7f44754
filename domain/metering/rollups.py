"""Answers that were folded ahead of being asked for: which can be, and how two parts of one are put together. Pure.

A rollup is the answer to one question from all events stored up to a sequence, its watermark. Together with the answer
from the events that came after it is the answer from all, whatever the events' own times: counts, sums and weighed sums
add up, of greatest and latest values the greater and the later one stands. The key of a rollup is the whole question,
filters, groups, window and all; when a metric, a charge or a filter is changed the question is another one, and the
rollup is not found any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from domain.kernel.money import ZERO
from domain.metering.event_store import RawUsage
from domain.metering.postgres_store import kind_of, rich_document
from domain.metering.usage import EventPosition, Group, UsageQuestion
from infrastructure import exact_json

__all__ = ["FOLD", "MOST_GROUPS", "UNIQUE", "can_be_rolled", "merged", "packed", "rollup_key", "unpacked"]

FOLD: Final = "metering.fold_usage"
"""The job that folds a subscription: see fold.py."""
UNIQUE: Final = "unique_count_agg"
MOST_GROUPS: Final = 2_000
"""An answer of more groups is measured each time: reading it would cost as much."""


def can_be_rolled(question: UsageQuestion) -> bool:
    """Not questions about single events: lists of values, what was there before an event, the days each item was
    held."""
    return not (question.with_values or question.before) and kind_of(question) != "prorated_unique_count"


def rollup_key(question: UsageQuestion) -> str:
    """What the question asks, as a digest. Where it reads numbers from does not matter."""
    document = {**rich_document(question), "stored": None, "kind": kind_of(question)}
    return sha256(exact_json.dump(document)).hexdigest()


def merged(question: UsageQuestion, earlier: Sequence[RawUsage], later: Sequence[RawUsage]) -> list[RawUsage]:
    """The answer from two parts of the events, each group once. The order in which the parts are given is free."""
    groups: dict[Group, RawUsage] = {raw.group: raw for raw in earlier}
    for raw in later:
        known = groups.get(raw.group)
        groups[raw.group] = raw if known is None else _added(question.aggregation_type, known, raw)
    return list(groups.values())


def _added(aggregation_type: str, one: RawUsage, other: RawUsage) -> RawUsage:
    units, position = one.units + other.units, None
    if aggregation_type == "max_agg":
        units = max(one.units, other.units)
    elif aggregation_type == "latest_agg":
        assert one.position is not None
        assert other.position is not None
        latest = one if one.position > other.position else other
        units, position = latest.units, latest.position
    instants = [each.last_event_at for each in (one, other) if each.last_event_at is not None]
    return replace(
        one,
        units=units,
        events_count=one.events_count + other.events_count,
        carried=one.carried + other.carried,
        weighed=one.weighed + other.weighed,
        precise_total_amount_cents=one.precise_total_amount_cents + other.precise_total_amount_cents,
        last_event_at=max(instants, default=None),
        position=position,
    )


def packed(groups: Sequence[RawUsage]) -> list[Any] | None:
    """The answer as it is kept; None where it has too many groups."""
    if len(groups) > MOST_GROUPS:
        return None
    return [
        {
            "group": list(raw.group),
            "units": str(raw.units),
            "events": raw.events_count,
            **{
                name: str(value)
                for name, value in (
                    ("carried", raw.carried),
                    ("weighed", raw.weighed),
                    ("precise", raw.precise_total_amount_cents),
                )
                if value
            },
            **({"last": raw.last_event_at.isoformat()} if raw.last_event_at else {}),
            **({"at": _instants(raw.position)} if raw.position else {}),
        }
        for raw in groups
    ]


def _instants(position: EventPosition) -> list[Any]:
    return [position.timestamp.isoformat(), position.created_at.isoformat(), position.sequence]


def unpacked(state: Sequence[Mapping[str, Any]]) -> list[RawUsage]:
    return [
        RawUsage(
            units=Decimal(kept["units"]),
            events_count=kept["events"],
            group=tuple(kept["group"]),
            carried=Decimal(kept.get("carried", ZERO)),
            weighed=Decimal(kept.get("weighed", ZERO)),
            precise_total_amount_cents=Decimal(kept.get("precise", ZERO)),
            last_event_at=datetime.fromisoformat(kept["last"]) if "last" in kept else None,
            position=_position(kept["at"]) if "at" in kept else None,
        )
        for kept in state
    ]


def _position(kept: Sequence[Any]) -> EventPosition:
    at, created_at, sequence = kept
    return EventPosition(datetime.fromisoformat(at), datetime.fromisoformat(created_at), sequence)
