"""Explains a fee: `explanation.py` with the invoice, the taxes and the events behind it. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from domain.billing.explanation import (
    Proration,
    Rounding,
    fee_steps,
    period_reason,
    proration_of,
    roundings_of,
)
from domain.billing.facts import zone_of
from domain.invoicing.fee_names import display_name, fee_window, filter_name
from domain.invoicing.fee_queries import fee_row, taxes_of_fees
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.charge_questions import UsageWindow, question_of
from domain.metering.charges import PlanCharge, charges_by_ids
from domain.metering.event_store import CountedEvent
from domain.metering.postgres_store import PostgresStore
from domain.pricing.steps import Step

__all__ = ["Explanation", "MeasuredUsage", "explain_fee"]

_CONTEXT: Final = sa.text(
    """
    SELECT i.number, i.timezone, x.invoicing_reason, coalesce(c.timezone, e.timezone, 'UTC') AS customer_timezone
    FROM fees f
    JOIN customers c ON c.id = f.customer_id
    JOIN billing_entities e ON e.id = c.billing_entity_id
    LEFT JOIN invoices i ON i.id = f.invoice_id
    LEFT JOIN invoice_subscriptions x ON x.invoice_id = f.invoice_id AND x.subscription_id = f.subscription_id
    WHERE f.id = :id
    """
)
_EVENT: Final = sa.text(
    "SELECT transaction_id, timestamp, created_at, properties, CAST(value AS text) FROM events WHERE id = :id"
)


@dataclass(frozen=True, slots=True)
class MeasuredUsage:
    """What was counted: the metric, the bucket of the charge, and a page of the events in it.

    from_, to: the window, both ends included; from_ is None where all history counts (recurring metrics).
    filter_values, filter_name: of the charge's filter, None for the bucket of what no filter takes.
    """

    charge: PlanCharge
    from_: datetime | None
    to: datetime
    filter_values: Mapping[str, Sequence[str]] | None
    filter_name: str | None
    grouped_by: Mapping[str, Any]
    events: Page[CountedEvent]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A fee and how it came to be. fee: a row of `fee_queries`; reason: a sentence; window: as the fee shows it."""

    fee: Any
    name: str
    invoice_number: str | None
    window: tuple[str | None, str | None]
    timezone: str
    reason: str
    usage: MeasuredUsage | None
    proration: Proration | None
    steps: Sequence[Step]
    roundings: Sequence[Rounding]
    taxes: Sequence[Any]


async def explain_fee(work: UnitOfWork, fee_id: object, request: PageRequest) -> Explanation:
    """The explanation with one page of the events counted. At most seven statements. Raises NotFound.

    The events are those that the charge counts now: late ones, and what was deleted since, make the page differ from
    the fee's units, which stay as they were billed.
    """
    fee = await fee_row(work.session, fee_id)
    context = (await work.session.execute(_CONTEXT, {"id": fee.id})).one()
    taxes = (await taxes_of_fees(work.session, [fee.id])).get(fee.id, ())
    timezone = context.timezone or context.customer_timezone
    return Explanation(
        fee=fee,
        name=display_name(fee),
        invoice_number=context.number or None,
        window=fee_window(fee),
        timezone=timezone,
        reason=period_reason(context.invoicing_reason, fee.fee_type),
        usage=await _usage(work, fee, zone_of(timezone), request),
        proration=proration_of(fee),
        steps=fee_steps(fee),
        roundings=roundings_of(fee, taxes),
        taxes=taxes,
    )


async def _usage(work: UnitOfWork, fee: Any, zone: ZoneInfo, request: PageRequest) -> MeasuredUsage | None:
    start, end = (fee.properties.get(f"charges_{edge}_datetime") for edge in ("from", "to"))
    if fee.charge_id is None or fee.true_up_parent_fee_id is not None or start is None or end is None:
        return None
    charge = (await charges_by_ids(work.session, work.organization_id, [fee.charge_id]))[fee.charge_id]
    taken = next((each for each in charge.filters if each.rule.id == fee.charge_filter_id), None)
    window = UsageWindow(
        external_subscription_id=fee.external_subscription_id,
        from_=datetime.fromisoformat(start),
        # Stored to the millisecond; the window ends with the last microsecond of it.
        to=datetime.fromisoformat(end).replace(microsecond=999_999),
        zone=zone,
        charges_duration=int(fee.properties.get("charges_duration") or 1),
    )
    question = question_of(charge, taken, window, key=fee.id).question
    if fee.pay_in_advance_event_id is not None:
        row = (await work.session.execute(_EVENT, {"id": fee.pay_in_advance_event_id})).first()
        events = Page([CountedEvent(*row)] if row else [], 1 if row else 0, request)
    else:
        group = tuple(fee.grouped_by.get(key) for key in question.group_by)
        events = await PostgresStore(work).counted(question, group, request)
    return MeasuredUsage(
        charge=charge,
        from_=question.first,
        to=question.to,
        filter_values=taken.values if taken else None,
        filter_name=filter_name(fee) if taken else None,
        grouped_by=fee.grouped_by,
        events=events,
    )
