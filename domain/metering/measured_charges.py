"""Measuring and pricing the charges of many subscriptions at once, for reads of usage. Source: handbook, metering 13.3.

Units come from the cache where no event came since, else from the store; what charges paid in advance were billed is
always read anew, amounts are always computed anew.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from domain.kernel.jobs import JobRequest
from domain.kernel.money import ZERO
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.answers import rounded_usage
from domain.metering.charge_questions import ChargeQuestion, UsageWindow, charge_questions, with_carried
from domain.metering.charges import PlanCharge
from domain.metering.instant_states import BilledState, InstantBucket, billed_states
from domain.metering.priced_usage import Breakdown, ChargeUsage, billed_in_advance, priced
from domain.metering.rollups import FOLD, can_be_rolled
from domain.metering.usage import Usage, UsageQuestion, measure_groups
from domain.metering.usage_cache import Lookup
from domain.metering.usage_options import UsageOptions

__all__ = ["Measured", "measured_charges", "questions_of"]

MOST_CACHED: Final = 20_000
"""Values (of events, of groups) of one subscription's usage that are kept; longer ones are measured each time."""
MANY_EVENTS: Final = 20_000
"""A subscription with so many is folded when its usage was measured, so that the next time is quick."""
KEEPS_STATE: Final = frozenset({"sum_agg", "unique_count_agg"})


@dataclass(frozen=True, slots=True)
class Measured:
    """The charges of one subscription that are to be measured in a window."""

    subscription_id: UUID
    window: UsageWindow
    currency: str
    charges: Sequence[PlanCharge]


@dataclass(frozen=True, slots=True)
class _Bucket:
    """A bucket's question with those that go along: by presentation keys, and what was carried into the window."""

    charge: PlanCharge
    asked: ChargeQuestion
    shown_by: tuple[str, ...]
    presentation: UsageQuestion | None
    carried: UsageQuestion | None

    @property
    def questions(self) -> list[UsageQuestion]:
        return [each for each in (self.asked.question, self.presentation, self.carried) if each is not None]


async def measured_charges(
    work: UnitOfWork, subscriptions: Sequence[Measured], options: UsageOptions
) -> dict[UUID, list[ChargeUsage]]:
    """The usage of every charge, by subscription, in the order of its charges."""
    buckets = await _buckets(work, subscriptions, options)
    usage = await _measured(work, subscriptions, buckets, cached=options.is_cached)
    states = await billed_states(
        work,
        {
            each.asked.key: _state_bucket(each.asked)
            for of_one in buckets.values()
            for each in of_one
            if _keeps_state(each.charge)
        },
    )
    return {one.subscription_id: _charges(one, buckets[one.subscription_id], usage, states) for one in subscriptions}


async def questions_of(
    work: UnitOfWork, subscriptions: Sequence[Measured], options: UsageOptions
) -> list[UsageQuestion]:
    """All that the event store is asked for the usage of these subscriptions."""
    buckets = await _buckets(work, subscriptions, options)
    return [question for of_one in buckets.values() for each in of_one for question in each.questions]


async def _buckets(
    work: UnitOfWork, subscriptions: Sequence[Measured], options: UsageOptions
) -> dict[UUID, list[_Bucket]]:
    asked = [
        (one.subscription_id, charge, options.apply(question))
        for one in subscriptions
        for charge in one.charges
        for question in charge_questions(charge, one.window, prefix=(one.subscription_id,), invoiced=False)
    ]
    carried = await with_carried(work, [question for _, _, question in asked])
    buckets: dict[UUID, list[_Bucket]] = {one.subscription_id: [] for one in subscriptions}
    for (subscription_id, charge, _), question in zip(asked, carried, strict=True):
        buckets[subscription_id].append(_bucket(charge, question, options))
    return buckets


def _bucket(charge: PlanCharge, asked: ChargeQuestion, options: UsageOptions) -> _Bucket:
    question = asked.question
    bare = replace(question, proration=None, with_values=False, precise_amounts=False)
    shown_by = options.broken_down_by(charge)
    presentation = None
    if shown_by:
        keys = dict.fromkeys((*question.group_by, *shown_by))
        presentation = replace(bare, key=(question.key, "presentation"), group_by=tuple(keys))
    carried = None
    if question.proration and charge.pay_in_advance:
        before = question.start - timedelta(microseconds=1)
        carried = replace(bare, key=(question.key, "carried"), to=before, rounding_function=None)
    if _keeps_state(charge):
        # Rounded when what its events were billed is added; see _as_billed.
        asked = replace(asked, question=replace(question, rounding_function=None))
    return _Bucket(charge, asked, shown_by, presentation, carried)


def _keeps_state(charge: PlanCharge) -> bool:
    """Whether its events, paid in advance, leave a running total."""
    return charge.pay_in_advance and charge.aggregation_type in KEEPS_STATE


def _state_bucket(asked: ChargeQuestion) -> InstantBucket:
    window = asked.window
    return InstantBucket(window.external_subscription_id, asked.charge.id, asked.filter_id, (), window.from_, window.to)


async def _measured(
    work: UnitOfWork, subscriptions: Sequence[Measured], buckets: Mapping[UUID, Sequence[_Bucket]], *, cached: bool
) -> dict[Hashable, list[Usage]]:
    """From the cache where no event came since, else measured and kept there: units only, never amounts."""
    usage: dict[Hashable, list[Usage]] = {}
    asked = [
        (one.window.external_subscription_id, questions)
        for one in subscriptions
        if (questions := [question for each in buckets[one.subscription_id] for question in each.questions])
    ]
    missing: list[tuple[Lookup | None, list[UsageQuestion]]] = []
    if cached:
        lookups = [
            Lookup(work.organization_id, external_id, sha256(repr(questions).encode()).hexdigest())
            for external_id, questions in asked
        ]
        for each, (_, questions), kept in zip(lookups, asked, await Lookup.find(lookups), strict=True):
            if kept is None or len(kept) != len(questions):
                missing.append((each, questions))
                continue
            for question, groups in zip(questions, kept, strict=True):
                usage[question.key] = [_restored(question, group) for group in groups]
    else:
        missing += [(None, questions) for _, questions in asked]
    if missing:
        usage |= await measure_groups(work, [question for _, questions in missing for question in questions])
    keepable: list[tuple[Lookup, list[Any]]] = []
    for lookup, questions in missing:
        if (
            sum(each.events_count for question in questions if can_be_rolled(question) for each in usage[question.key])
            >= MANY_EVENTS
        ):
            subscription = questions[0].external_subscription_id
            work.enqueue(JobRequest(FOLD, {"subscription": subscription}, unique_key=subscription))
        found = [usage[question.key] for question in questions]
        if lookup is not None and sum(1 + len(each.values) for groups in found for each in groups) <= MOST_CACHED:
            keepable.append((lookup, [[_kept(each) for each in groups] for groups in found]))
    await Lookup.keep(keepable)
    return usage


def _kept(usage: Usage) -> list[Any]:
    return [
        str(usage.units),
        usage.events_count,
        list(usage.grouped_by.values()),
        None if usage.full_units is None else str(usage.full_units),
        str(usage.total_aggregated_units),
        [str(value) for value in usage.values],
        [str(value) for value in usage.prorated_values],
        str(usage.precise_total_amount_cents),
    ]


def _restored(question: UsageQuestion, kept: Sequence[Any]) -> Usage:
    units, events, group, full, total, values, prorated, precise = kept
    return Usage(
        units=Decimal(units),
        events_count=events,
        grouped_by=dict(zip(question.group_by, group, strict=True)),
        full_units=None if full is None else Decimal(full),
        total_aggregated_units=Decimal(total),
        values=tuple(map(Decimal, values)),
        prorated_values=tuple(map(Decimal, prorated)),
        precise_total_amount_cents=Decimal(precise),
    )


def _charges(
    one: Measured,
    buckets: Sequence[_Bucket],
    usage: Mapping[Hashable, Sequence[Usage]],
    states: Mapping[Hashable, Sequence[BilledState]],
) -> list[ChargeUsage]:
    fees: dict[UUID, list[Any]] = {charge.id: [] for charge in one.charges}
    for each in buckets:
        filters = {taken.rule.id: taken for taken in each.charge.filters}
        groups = [_as_billed(each, group, usage, states) for group in usage[each.asked.key]]
        fees[each.charge.id] += priced(
            each.asked,
            each.charge,
            filters[each.asked.filter_id] if each.asked.filter_id else None,
            groups,
            one.currency,
            lambda group, each=each: _breakdowns(each, group, usage),  # type: ignore[misc]
        )
    return [ChargeUsage(charge, tuple(fees[charge.id])) for charge in one.charges]


def _as_billed(
    each: _Bucket,
    group: Usage,
    usage: Mapping[Hashable, Sequence[Usage]],
    states: Mapping[Hashable, Sequence[BilledState]],
) -> Usage:
    if each.asked.key not in states:
        return group
    state = next((one.state for one in states[each.asked.key] if one.grouped_by == group.grouped_by), None)
    carried = ZERO
    if each.carried is not None:
        earlier = usage[each.carried.key]
        carried = next((one.units for one in earlier if one.grouped_by == group.grouped_by), ZERO)
    billed = billed_in_advance(each.asked, group, state, carried)
    return rounded_usage(billed, replace(each.asked.question, rounding_function=each.charge.rounding_function))


def _breakdowns(
    each: _Bucket, group: Mapping[str, str | None], usage: Mapping[Hashable, Sequence[Usage]]
) -> tuple[Breakdown, ...]:
    if each.presentation is None:
        return ()
    return tuple(
        Breakdown({key: one.grouped_by[key] for key in each.shown_by}, one.units)
        for one in usage[each.presentation.key]
        if (one.units or one.events_count) and all(one.grouped_by[key] == value for key, value in group.items())
    )
