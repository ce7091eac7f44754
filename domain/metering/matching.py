"""Which bucket of a charge an event belongs to: pure. Source: handbook, metering 7.2.

A charge with filters has one bucket for each filter and a default bucket for what no filter takes. Two procedures:
`buckets` says for each bucket what its events must and must not match (invoices and usage; a bucket is one question to
the event store); `winner` names the one filter that an event is charged under when it is billed by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson

__all__ = [
    "ALL_VALUES", "Bucket", "Condition", "FilterRule", "buckets", "condition_of", "has_match", "is_ignored",
    "property_text", "winner",
]  # fmt: skip

ALL_VALUES: Final = "__ALL_FILTER_VALUES__"
_KEPT: Final = 1_024
"""Charges whose buckets a process remembers."""

Condition = tuple[tuple[str, tuple[str, ...]], ...]
"""Allowed texts by property; all properties must agree. Sorted, so that equal conditions are equal values."""


def condition_of(values: Mapping[str, Iterable[str]]) -> Condition:
    """The condition that each property has one of its texts."""
    return tuple((key, tuple(sorted(set(allowed)))) for key, allowed in sorted(values.items()))


@dataclass(frozen=True, slots=True)
class FilterRule:
    """A charge filter as matching reads it.

    values: the texts allowed for each key; "all values" is already replaced by those the metric lists, and all_keys
    names the keys where it was. created_at: of identical filters the oldest takes the events. condition: the values as
    a condition, by which rules are compared.
    """

    id: UUID
    values: Mapping[str, frozenset[str]] = field(compare=False)
    created_at: datetime
    all_keys: frozenset[str] = frozenset()
    condition: Condition = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "condition", condition_of(self.values))

    def __hash__(self) -> int:
        # Rules of one filter differ rarely, and thousands of values would be hashed at every question.
        return hash((self.id, self.created_at))


class Bucket(NamedTuple):
    """The events that match `matching` and none of `ignored`. filter_id: None for the default bucket."""

    filter_id: UUID | None
    matching: Condition
    ignored: tuple[Condition, ...]


@lru_cache(maxsize=_KEPT)
def buckets(filters: tuple[FilterRule, ...]) -> tuple[Bucket, ...]:
    """One bucket for each filter, in the order given, then the default one; without filters that one takes all.
    Remembered, because a run asks for the same charges with every subscription.

    Nested filters give each event to exactly one bucket, the most specific. Filters on unrelated keys, or with lists
    that overlap in part, both take an event they have in common: so does the reference.
    """
    sharing = _sharing(filters)
    found = [Bucket(one.id, one.condition, _ignored_by(one, sharing[one.id])) for one in filters]
    return (*found, Bucket(None, (), tuple(dict.fromkeys(one.condition for one in filters))))


def _sharing(filters: Sequence[FilterRule]) -> dict[UUID, Sequence[FilterRule]]:
    """For each filter those that can take an event from it, in their order: they have a value of it under each of its
    keys. Found by the key that fewest have, so that a thousand filters of a value each are not compared each with each.
    """
    holders: dict[tuple[str, str], list[int]] = {}
    for place, one in enumerate(filters):
        for key, texts in one.values.items():
            for text in texts:
                holders.setdefault((key, text), []).append(place)
    found: dict[UUID, Sequence[FilterRule]] = {}
    for one in filters:
        count, rarest = min(
            ((sum(len(holders[key, text]) for text in texts), key) for key, texts in one.values.items()),
            default=(len(filters), ""),
        )
        found[one.id] = filters
        if count < len(filters):
            near = {place for text in one.values[rarest] for place in holders[rarest, text]}
            found[one.id] = [filters[place] for place in sorted(near)]
    return found


def _ignored_by(one: FilterRule, filters: Sequence[FilterRule]) -> tuple[Condition, ...]:
    conditions = []
    for other in filters:
        if other.id == one.id or any(
            one.values[key].isdisjoint(other.values.get(key, frozenset())) for key in one.values
        ):
            continue
        if other.values.keys() != one.values.keys():
            conditions.append(other.condition)
        elif other.values == one.values:
            if (other.created_at, other.id) < (one.created_at, one.id):
                conditions.append(other.condition)
        elif all(other.values[key] <= one.values[key] for key in one.values):
            conditions.append(other.condition)
        else:
            rest = {
                key: other.values[key] if key in one.all_keys else other.values[key] - one.values[key]
                for key in one.values
            }
            conditions.append(condition_of({key: values for key, values in rest.items() if values}))
    # A condition without keys would ignore everything.
    return tuple(dict.fromkeys(condition for condition in conditions if condition))


def winner(filters: Sequence[FilterRule], properties: Mapping[str, Any]) -> FilterRule | None:
    """The filter an event is billed under by itself: of those it matches the one with the most keys, of equals the
    first in the order given. None: the default bucket."""
    matched = [one for one in filters if has_match(one.condition, properties)]
    return max(matched, key=lambda one: len(one.values)) if matched else None


def has_match(condition: Condition, properties: Mapping[str, Any]) -> bool:
    """Whether every property of the condition exists and its text is allowed."""
    return all(property_text(properties.get(key)) in allowed for key, allowed in condition)


def is_ignored(conditions: Sequence[Condition], properties: Mapping[str, Any]) -> bool:
    """Whether one of the conditions holds; a missing property counts as the empty text here."""
    return any(
        all((property_text(properties.get(key)) or "") in allowed for key, allowed in condition)
        for condition in conditions
    )


def property_text(value: Any) -> str | None:
    """A property as text, as the database reads it; None for null and for a missing one."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    return orjson.dumps(value, default=str).decode()
