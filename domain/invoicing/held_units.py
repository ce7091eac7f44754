"""How long the units of recurring metrics were held in the period of a fee, day by day: what invoices print below.

Source: handbook, subscriptions and invoices 10.1; metering 10. The events are those that the charge counts now. Where
they no longer make the units that were billed, nothing is shown: a document does not contradict its fee.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.kernel.money import ZERO
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.charge_questions import UsageWindow, question_of
from domain.metering.charges import PlanCharge, charges_by_ids
from domain.metering.event_store import RawUsage
from domain.metering.postgres_store import PostgresStore
from domain.metering.proration import PRORATED_DECIMALS, ceiling, first_day, last_day, window_days
from domain.metering.rounding import rounded
from domain.metering.usage import Proration, UsageQuestion

__all__ = ["Held", "held_units", "held_units_of"]

MOST_EVENTS: Final = 10_000
"""Of a fee. Where there are more, nobody reads the days, and reading the events would take longer than all the rest."""
DESCRIBED: Final = frozenset({"sum_agg", "unique_count_agg"})


@dataclass(frozen=True, slots=True)
class Held:
    """Units that were held for so many days of a period of `of_days`. since: the first of them; None for units that may
    have come on different days."""

    since: date | None
    units: Decimal
    days: int
    of_days: int


async def held_units_of(
    work: UnitOfWork, fees: Mapping[UUID, Sequence[Any]], zones: Mapping[UUID, str]
) -> dict[UUID, list[Held]]:
    """By fee, for those of recurring metrics that are billed at the end of a period. fees, zones: by invoice. A fixed
    number of statements, none without such fees."""
    wanted = {
        fee.id: (fee, ZoneInfo(zones[invoice_id]))
        for invoice_id, rows in fees.items()
        for fee in rows
        if _is_wanted(fee)
    }
    if not wanted:
        return {}
    ids = {fee.charge_id for fee, _ in wanted.values()}
    charges = await charges_by_ids(work.session, work.organization_id, list(ids))
    asked = {fee_id: _question(fee, charges[fee.charge_id], zone) for fee_id, (fee, zone) in wanted.items()}
    questions: dict[Hashable, UsageQuestion] = {each.key: each for each in asked.values() if each}
    answers = dict(zip(questions, await PostgresStore(work).aggregate(list(questions.values())), strict=True))
    found = {}
    for fee_id, question in asked.items():
        if question is None:
            continue
        fee = wanted[fee_id][0]
        group = tuple(fee.grouped_by.get(key) for key in question.group_by)
        raw = next((each for each in answers[question.key] if each.group == group), None)
        held = held_units(fee, question, raw) if raw else []
        if held:
            found[fee_id] = held
    return found


def held_units(fee: Any, question: UsageQuestion, raw: RawUsage) -> list[Held]:
    """The units of a fee by the days they were held; nothing where they are not the units of the fee. Pure."""
    terms = question.proration
    assert terms is not None, "the question was asked with days"
    if rounded(raw.units, question.rounding_function, question.rounding_precision) != fee.units:
        return []
    billed = _billed(fee)
    # A fee does not tell whether an upgrade cut its window, which takes a day from what was carried into it.
    for upgraded in (False, True):
        days = window_days(question, replace(terms, upgraded=upgraded))
        if billed is None or _prorated(raw, days, question, terms) == billed:
            return _rows(raw, days, question, terms)
    return []


def _billed(fee: Any) -> Decimal | None:
    """The prorated units behind the fee; None where its charge is not prorated."""
    text = (fee.reckoning or {}).get("prorated_units")
    return None if text is None else Decimal(text)


def _prorated(raw: RawUsage, days: int, question: UsageQuestion, terms: Proration) -> Decimal:
    units = ceiling(raw.carried * days + raw.weighed, terms.charges_duration, PRORATED_DECIMALS)
    return rounded(units, question.rounding_function, question.rounding_precision)


def _rows(raw: RawUsage, days: int, question: UsageQuestion, terms: Proration) -> list[Held]:
    """Summed by the day from which they were held; where units may be taken away again one by one, by how long."""
    changes = zip(raw.values, raw.weights, strict=True)
    rows: dict[tuple[date | None, int], Decimal] = {}
    if question.aggregation_type == "unique_count_agg":
        for change, length in changes:
            if change > 0 and length > 0:
                rows[None, length] = rows.get((None, length), ZERO) + change
    else:
        if raw.carried:
            rows[first_day(question, terms), days] = raw.carried
        for value, length in changes:
            key = last_day(question, terms) - timedelta(days=length - 1), length
            rows[key] = rows.get(key, ZERO) + value
    # The longest held first.
    return [
        Held(since, rows[since, length], length, terms.charges_duration)
        for since, length in sorted(rows, key=lambda key: -key[1])
        if rows[since, length]
    ]


def _is_wanted(fee: Any) -> bool:
    """Fees of the end of a period: those in advance are of one event, or of units that are billed whole."""
    return bool(
        fee.fee_type == "charge"
        and fee.metric_recurring
        and fee.aggregation_type in DESCRIBED
        and not fee.pay_in_advance
        and fee.true_up_parent_fee_id is None
        and fee.units
        and (fee.events_count or 0) <= MOST_EVENTS
        and fee.external_subscription_id
    )


def _question(fee: Any, charge: PlanCharge, zone: ZoneInfo) -> UsageQuestion | None:
    """What was asked when the fee was made, with its days; fees of one bucket share it. None where nothing is known of
    the window or the bucket."""
    start, end = (fee.properties.get(f"charges_{edge}_datetime") for edge in ("from", "to"))
    taken = next((each for each in charge.filters if each.rule.id == fee.charge_filter_id), None)
    if start is None or end is None or (fee.charge_filter_id is not None and taken is None):
        return None
    window = UsageWindow(
        external_subscription_id=fee.external_subscription_id,
        from_=datetime.fromisoformat(start).replace(tzinfo=UTC),
        # Stored to the millisecond; the window ends with the last microsecond of it.
        to=datetime.fromisoformat(end).replace(microsecond=999_999, tzinfo=UTC),
        zone=zone,
        charges_duration=int(fee.properties.get("charges_duration") or 1),
    )
    key = (fee.subscription_id, charge.id, fee.charge_filter_id, start, end)
    question = question_of(charge, taken, window, key=key).question
    proration = question.proration or Proration(zone, window.charges_duration)
    return replace(question, proration=proration, with_values=True)
