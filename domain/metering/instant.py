"""What an event adds to a charge that is paid in advance. Source: handbook, metering 11 and 20.1, pricing 8.

    answers = await instant_usages(work, [InstantRequest(key, charge, window, event), ...])
    fee = pay_in_advance_fee(answers[key].model, answers[key].usage, currency)

The usage before the event is measured by the store, the event is put on top of it here; so an estimate, whose event is
not stored, takes the same way.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from domain.kernel.money import ONE, ZERO
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.charge_questions import (
    ChargeQuestion,
    MeteredCharge,
    MeteredFilter,
    UsageWindow,
    measure_charges,
    question_of,
)
from domain.metering.event_store import MAX_NUMBER_LENGTH, NUMBER
from domain.metering.instant_states import InstantBucket, KeptState, keep_states, states_of
from domain.metering.matching import condition_of, property_text, winner
from domain.metering.proration import PRORATED_DECIMALS, ceiling
from domain.metering.running_maximum import RunningState, next_step
from domain.metering.usage import EventPosition, Usage, measure
from domain.pricing.pay_in_advance import InstantUsage, instant_usage
from domain.pricing.priceable import ChargeModel
from domain.subscriptions.instants import days_between

__all__ = [
    "InstantAnswer", "InstantEvent", "InstantRequest", "instant_usages", "is_eligible", "number_in",
]  # fmt: skip

_NUMBER: Final = re.compile(NUMBER)


@dataclass(frozen=True, slots=True)
class InstantEvent:
    """position: where a stored event stands; None for an estimate, which comes after all events up to its time."""

    transaction_id: str
    timestamp: datetime
    properties: Mapping[str, Any]
    precise_total_amount_cents: Decimal | None = None
    position: EventPosition | None = None


@dataclass(frozen=True, slots=True)
class InstantRequest:
    """One event on one charge. window: the usage window of the period that contains the event (see
    subscriptions.windows with current_usage). Requests of one call are taken in the order of their events."""

    key: Hashable
    charge: MeteredCharge
    window: UsageWindow
    event: InstantEvent


@dataclass(frozen=True, slots=True)
class InstantAnswer:
    """filter: the one that takes the event, None for the default bucket. usage: with and without the event, and the
    units the fee shows. billed_units: what the event adds to what was billed, before proration."""

    question: ChargeQuestion
    grouped_by: Mapping[str, str | None]
    usage: InstantUsage
    billed_units: Decimal

    @property
    def filter(self) -> MeteredFilter | None:
        return self.question.filter

    @property
    def filter_id(self) -> UUID | None:
        return self.question.filter_id

    @property
    def properties(self) -> Mapping[str, Any]:
        return self.question.properties

    @property
    def model(self) -> ChargeModel:
        return self.question.model


def is_eligible(charge: MeteredCharge, properties: Mapping[str, Any]) -> bool:
    """Whether an event with these properties is billed at all: what the metric reads must be there (11.1)."""
    if charge.aggregation_type == "count_agg" or charge.field_name is None:
        return True
    text = property_text(properties.get(charge.field_name))
    return text is not None and bool(text.strip())


def number_in(properties: Mapping[str, Any], field_name: str | None) -> Decimal | None:
    """The number a property spells, as sums read it; None for anything else."""
    text = property_text(properties.get(field_name)) if field_name else None
    if text is None or len(text) > MAX_NUMBER_LENGTH or not text.isascii() or not _NUMBER.fullmatch(text):
        return None
    return Decimal(text)


async def instant_usages(
    work: UnitOfWork, requests: Sequence[InstantRequest], *, currency: str = "", store: bool = True
) -> dict[Hashable, InstantAnswer]:
    """The usage each event adds, by the requests' keys; a fixed number of statements for any number of them.

    store: the running totals are kept for the events that follow (one row per event and bucket, never twice); False
    for estimates. currency: only dynamic charges need it. Metrics' roundings are not applied.
    """
    ordered = sorted(requests, key=_order)
    asked = {each.key: _question(each) for each in ordered}
    before = await measure_charges(work, list(asked.values()))
    active = await _active(work, ordered, asked)
    buckets = {
        each.key: _bucket(each, asked[each.key]) for each in ordered if each.charge.aggregation_type != "count_agg"
    }
    states = await states_of(work, buckets)
    answers: dict[Hashable, InstantAnswer] = {}
    kept: list[KeptState] = []
    running: dict[tuple[Any, ...], RunningState] = {}
    for each in ordered:
        question = asked[each.key]
        grouped_by = _group_of(question, each.event.properties)
        earlier = next((usage for usage in before[each.key] if usage.grouped_by == grouped_by), Usage(ZERO, 0))
        own = _own(each, active.get(each.key, False))
        bucket = buckets.get(each.key)
        state = None if bucket is None else running.get(bucket.identity, states.get(each.key))
        step = next_step(each.charge.aggregation_type, state, own)
        prorated = _prorated(each, step.billed) if each.charge.prorated and each.charge.recurring else None
        if bucket is not None and step.state is not None:
            total = None
            if prorated is not None:
                total = prorated + ((state.highest_prorated if state else None) or ZERO)
            running[bucket.identity] = replace(step.state, highest_prorated=total)
            kept.append(KeptState(bucket, running[bucket.identity]))
        answers[each.key] = _answer(each, question, earlier, own, step.billed, prorated, grouped_by, currency)
    if store:
        await keep_states(work, kept)
    return answers


def _order(each: InstantRequest) -> tuple[datetime, bool, datetime, int]:
    position = each.event.position
    if position is None:
        return each.event.timestamp, True, each.event.timestamp, 0
    return position.timestamp, False, position.created_at, position.sequence


def _question(each: InstantRequest) -> ChargeQuestion:
    """All of the bucket's events before this one; whole units, since the proration is that of the event alone."""
    rules = {one.rule.id: one for one in each.charge.filters}
    rule = winner([one.rule for one in each.charge.filters], each.event.properties)
    question = question_of(each.charge, rules[rule.id] if rule else None, each.window, key=each.key)
    bounded = replace(
        question.question,
        to=each.event.timestamp,
        before=each.event.position,
        rounding_function=None,
        proration=None,
    )
    return replace(question, question=bounded)


def _bucket(each: InstantRequest, question: ChargeQuestion) -> InstantBucket:
    return InstantBucket(
        external_subscription_id=each.window.external_subscription_id,
        charge_id=each.charge.id,
        filter_id=question.filter_id,
        grouped_by=tuple(_group_of(question, each.event.properties).items()),
        from_=each.window.from_,
        to=each.window.to,
        transaction_id=each.event.transaction_id,
        timestamp=each.event.timestamp,
    )


def _group_of(question: ChargeQuestion, properties: Mapping[str, Any]) -> dict[str, str | None]:
    return {key: property_text(properties.get(key)) or None for key in question.question.group_by}


async def _active(
    work: UnitOfWork, requests: Sequence[InstantRequest], asked: Mapping[Hashable, ChargeQuestion]
) -> dict[Hashable, bool]:
    """Unique counts: whether the event's item was active just before it, in its bucket and group."""
    questions = []
    for each in requests:
        if each.charge.aggregation_type != "unique_count_agg":
            continue
        question = asked[each.key].question
        item = property_text(each.event.properties.get(each.charge.field_name or "")) or ""
        matching = dict(question.matching) | {each.charge.field_name or "": (item,)}
        groups = _group_of(asked[each.key], each.event.properties)
        for key, value in groups.items():
            if value is not None:
                matching[key] = (value,)
        empty = tuple(key for key, value in groups.items() if value is None)
        questions.append(
            replace(question, matching=condition_of(matching), group_by=(), with_values=False, empty=empty)
        )
    found = await measure(work, questions) if questions else {}
    return {key: usage.units > 0 for key, usage in found.items()}


def _own(each: InstantRequest, active: bool) -> Decimal:
    match each.charge.aggregation_type:
        case "count_agg":
            return ONE
        case "unique_count_agg":
            text = property_text(each.event.properties.get("operation_type"))
            operation = "add" if text is None else text
            if operation == "add":
                return ZERO if active else ONE
            return -ONE if operation == "remove" and active else ZERO
        case _:
            return number_in(each.event.properties, each.charge.field_name) or ZERO


def _prorated(each: InstantRequest, billed: Decimal) -> Decimal:
    days = days_between(each.event.timestamp, each.window.to, each.window.zone)
    return ceiling(billed * days, each.window.charges_duration, PRORATED_DECIMALS)


def _answer(
    each: InstantRequest,
    question: ChargeQuestion,
    earlier: Usage,
    own: Decimal,
    billed: Decimal,
    prorated: Decimal | None,
    grouped_by: Mapping[str, str | None],
    currency: str,
) -> InstantAnswer:
    precise = each.event.precise_total_amount_cents or ZERO
    value = ONE if each.charge.aggregation_type != "sum_agg" else own
    including = replace(
        earlier,
        units=earlier.units + own if prorated is None else prorated,
        events_count=earlier.events_count + 1,
        values=(*earlier.values, value) if question.question.with_values else (),
        precise_total_amount_cents=earlier.precise_total_amount_cents + precise,
    )
    shown = billed
    if not billed:
        shown = max(own, ZERO) if each.charge.aggregation_type == "sum_agg" else ZERO
    usage = instant_usage(
        question.priceable(including, currency),
        billed_units=billed if prorated is None else prorated,
        shown_units=shown,
        precise_total_amount_cents=precise,
    )
    return InstantAnswer(question, grouped_by, usage, billed)
