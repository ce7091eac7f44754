"""From what the store measured to the usage of a question: proration, weighing, carried levels, rounding. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from domain.kernel.money import ONE, ZERO
from domain.metering.event_store import RawUsage
from domain.metering.proration import (
    PRORATED_DECIMALS,
    SECONDS_PER_DAY,
    WEIGHTED_DECIMALS,
    ceiling,
    window_days,
    window_seconds,
)
from domain.metering.rounding import rounded
from domain.metering.usage import Group, Proration, Usage, UsageQuestion, Weighting

__all__ = ["rounded_usage", "usages"]


def usages(question: UsageQuestion, found: Sequence[RawUsage]) -> list[Usage]:
    """The groups of one question, at least one; see usage.measure_groups."""
    by_group = {raw.group: raw for raw in found}
    carried = dict(question.weighting.carried) if question.weighting else {}
    for group in carried:
        by_group.setdefault(group, RawUsage(ZERO, 0, group))
    if not by_group:
        nothing: Group = (None,) * len(question.group_by)
        by_group[nothing] = RawUsage(ZERO, 0, nothing)
    return [
        rounded_usage(_usage(question, raw, carried.get(group, ZERO)), question)
        for group, raw in sorted(by_group.items(), key=_order)
    ]


def _order(item: tuple[Group, RawUsage]) -> tuple[tuple[bool, str], ...]:
    return tuple((value is not None, value or "") for value in item[0])


def _usage(question: UsageQuestion, raw: RawUsage, carried: Decimal) -> Usage:
    usage = Usage(
        units=raw.units,
        events_count=raw.events_count,
        grouped_by=dict(zip(question.group_by, raw.group, strict=True)),
        total_aggregated_units=raw.units,
        values=_values(question, raw),
        precise_total_amount_cents=raw.precise_total_amount_cents,
        last_event_at=raw.last_event_at,
    )
    if question.weighting:
        return _weighted(question, question.weighting, usage, raw, carried)
    if question.proration:
        return _prorated(question, question.proration, usage, raw)
    return usage


def _values(question: UsageQuestion, raw: RawUsage) -> tuple[Decimal, ...]:
    if not question.with_values or question.proration:
        return raw.values
    match question.aggregation_type:
        case "count_agg" | "unique_count_agg":
            return (ONE,) * raw.events_count
        case "max_agg" if raw.values:
            first = raw.values.index(max(raw.values))
            return tuple(value if place == first else ZERO for place, value in enumerate(raw.values))
        case "sum_agg":
            return raw.values
        case _:
            return ()


def _weighted(question: UsageQuestion, terms: Weighting, usage: Usage, raw: RawUsage, carried: Decimal) -> Usage:
    """Source: handbook, metering 8.6."""
    unit_seconds = carried * window_seconds(question) + raw.weighed
    return replace(
        usage,
        units=ceiling(unit_seconds, terms.charges_duration * SECONDS_PER_DAY, WEIGHTED_DECIMALS),
        total_aggregated_units=carried + raw.units,
    )


def _prorated(question: UsageQuestion, terms: Proration, usage: Usage, raw: RawUsage) -> Usage:
    """Source: handbook, metering 10.2, 10.3 and 10.6."""
    duration = terms.charges_duration
    carried_days = raw.carried * window_days(question, terms)
    values, weighed = list(raw.values), [value * days for value, days in zip(raw.values, raw.weights, strict=True)]
    if question.aggregation_type == "sum_agg":
        if raw.carried and question.with_values:
            values.insert(0, raw.carried)
            weighed.insert(0, carried_days)
        prorated = tuple(each / duration for each in weighed)
    else:
        prorated = tuple(ceiling(max(each, ZERO), duration, PRORATED_DECIMALS) for each in weighed)
    return replace(
        usage,
        units=ceiling(carried_days + raw.weighed, duration, PRORATED_DECIMALS),
        full_units=raw.units,
        values=tuple(values),
        prorated_values=prorated,
    )


def rounded_usage(usage: Usage, question: UsageQuestion) -> Usage:
    """The usage rounded as the question asks. The level of a weighted sum stays exact: the next period starts from it
    (handbook, metering 8.3 and 9.3)."""
    function, precision = question.rounding_function, question.rounding_precision
    if function is None:
        return usage
    return replace(
        usage,
        units=rounded(usage.units, function, precision),
        full_units=None if usage.full_units is None else rounded(usage.full_units, function, precision),
        total_aggregated_units=usage.total_aggregated_units
        if question.weighting
        else rounded(usage.total_aggregated_units, function, precision),
    )
