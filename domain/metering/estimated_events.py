"""Events whose price is asked for and that are not stored. Source: handbook, metering 20."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.catalog.models import BillableMetric
from domain.customers.models import Customer
from domain.kernel import clock
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params
from domain.metering.charges import PlanCharge, charges_of_plans
from domain.metering.expression_rules import computed_properties, rules_of
from domain.metering.expressions import EvaluationFailed
from domain.metering.instant import InstantEvent, number_in
from domain.metering.matching import property_text
from domain.subscriptions.models import Subscription

__all__ = ["EstimatedEvent", "read_events"]

_s, _c, _m = table(Subscription), table(Customer), table(BillableMetric)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = 250_000_000_000
"""Seconds: some time before the year 9900."""
READS_NUMBERS: Final = frozenset({"sum_agg", "max_agg", "latest_agg"})


@dataclass(frozen=True, slots=True)
class EstimatedEvent:
    """An event on the charges paid in advance of the subscription that runs now."""

    event: InstantEvent
    subscription_id: UUID
    external_subscription_id: str
    customer_id: UUID
    external_customer_id: str
    charges: tuple[PlanCharge, ...]


async def read_events(work: UnitOfWork, sent: Sequence[Params], *, strict: bool) -> list[EstimatedEvent]:
    """What was sent, with the charges each event is on; a fixed number of statements for any number of them.

    strict: the event is taken as happening now, whatever time it was sent with, and numbers are asked for where the
    metric reads one. Raises, in this order, NotFound("subscription"), ValidationFailed for the timestamp and the
    properties, NotFound("billable_metric"), ValidationFailed for a property that is no number, for a code without a
    charge paid in advance, for an expression without a value.
    """
    subscriptions = await _running(work, [_text(each.get("external_subscription_id")) for each in sent])
    events = []
    for each in sent:
        subscription = subscriptions.get(_text(each.get("external_subscription_id")))
        if subscription is None:
            raise NotFound("subscription")
        event = _event(each)
        events.append((each, subscription, replace(event, timestamp=clock.now()) if strict else event))
    codes = {_text(each.get("code")) for each in sent}
    metrics = {row.code: row for row in await work.session.execute(_metrics(work, codes))}
    rules = await rules_of(work, codes)
    plans = await charges_of_plans(
        work.session, work.organization_id, sorted({row.plan_id for row in subscriptions.values()})
    )
    found = []
    for each, subscription, event in events:
        code = _text(each.get("code"))
        if code not in metrics:
            raise NotFound("billable_metric")
        if strict:
            _check_number(event, metrics[code].aggregation_type, metrics[code].field_name)
        charges = [one for one in plans.get(subscription.plan_id, ()) if one.metric_code == code and one.pay_in_advance]
        if not charges:
            raise ValidationFailed({"code": ["does_not_match_an_instant_charge"]})
        if code in rules:
            event = _computed(event, code, rules[code])
        found.append(
            EstimatedEvent(
                event=event,
                subscription_id=subscription.id,
                external_subscription_id=subscription.external_id,
                customer_id=subscription.customer_id,
                external_customer_id=subscription.external_customer_id,
                charges=tuple(charges),
            )
        )
    return found


def _metrics(work: UnitOfWork, codes: Collection[str]) -> sa.Select[tuple[str, str, str | None]]:
    return sa.select(_m.c.code, _m.c.aggregation_type, _m.c.field_name).where(
        _m.c.organization_id == work.organization_id, _m.c.deleted_at.is_(None), _m.c.code.in_(codes)
    )


async def _running(work: UnitOfWork, external_ids: Sequence[str]) -> dict[str, Any]:
    rows = await work.session.execute(
        sa.select(
            _s.c.id, _s.c.external_id, _s.c.plan_id, _s.c.customer_id, _c.c.external_id.label("external_customer_id")
        )
        .join(_c, _c.c.id == _s.c.customer_id)
        .where(
            _s.c.organization_id == work.organization_id,
            _s.c.status == "active",
            _s.c.external_id.in_(set(external_ids)),
        )
        .order_by(_s.c.started_at)
    )
    return {row.external_id: row for row in rows}


def _event(sent: Params) -> InstantEvent:
    properties = sent.get("properties")
    if properties is None:
        properties = {}
    if not isinstance(properties, Mapping):
        raise ValidationFailed({"properties": ["value_is_invalid"]})
    return InstantEvent(
        transaction_id=_text(sent.get("transaction_id")),
        timestamp=_timestamp(sent.get("timestamp")),
        properties=properties,
        precise_total_amount_cents=_number(sent.get("precise_total_amount_cents"), "precise_total_amount_cents"),
    )


def _computed(event: InstantEvent, code: str, rule: Any) -> InstantEvent:
    try:
        return replace(event, properties=computed_properties(rule, code, event.timestamp, event.properties))
    except EvaluationFailed as failure:
        raise ValidationFailed(f"expression_evaluation_failed: {failure}") from None


def _check_number(event: InstantEvent, aggregation_type: str, field_name: str | None) -> None:
    if aggregation_type not in READS_NUMBERS or field_name is None:
        return
    text = property_text(event.properties.get(field_name))
    if text is not None and number_in(event.properties, field_name) is None:
        raise ValidationFailed({"properties": ["value_is_not_valid_number"]})


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value)


def _timestamp(value: object) -> datetime:
    if value is None:
        return clock.now()
    seconds = _number(value, "timestamp", "invalid_format")
    if seconds is None or not -_LATEST // 5 < seconds < _LATEST:
        raise ValidationFailed({"timestamp": ["value_is_out_of_range"]})
    return _EPOCH + timedelta(microseconds=int(seconds * 1_000_000))


def _number(value: object, name: str, code: str = "value_is_invalid") -> Decimal | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str) or len(str(value)) > 100:
        raise ValidationFailed({name: [code]})
    try:
        number = Decimal(value)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or (number and not -100 < number.adjusted() < 30):
        raise ValidationFailed({name: [code]})
    return number
