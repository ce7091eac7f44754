"""What a subscription has used in its current period, priced as an invoice would. Source: handbook, metering 13.

Nothing is stored: units are measured (or found in the cache) and priced with the pure functions of domain.pricing, so
an amount here and the fee of the period's invoice come from the same code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from domain.catalog.models import BillableMetric, BillingEntityTax, Charge, Tax
from domain.customers.models import Customer
from domain.kernel import clock
from domain.kernel.errors import NotAllowed, NotFound
from domain.kernel.ids import parse_id
from domain.kernel.money import HUNDRED, ZERO, round_cents
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.usage import Usage, UsageQuestion, measure
from domain.metering.usage_cache import Lookup
from domain.pricing.fee_amounts import fee_amounts
from domain.pricing.models import price
from domain.pricing.priceable import Priceable
from domain.subscriptions.facts import terms_of
from domain.subscriptions.instants import local_date
from domain.subscriptions.models import Subscription
from domain.subscriptions.queries import rows_by_ids
from domain.subscriptions.windows import windows

__all__ = ["ChargeFilters", "ChargeUsage", "CurrentUsage", "current_usage"]

_c, _s, _ch, _m = table(Customer), table(Subscription), table(Charge), table(BillableMetric)
_t, _bt = table(Tax), table(BillingEntityTax)


@dataclass(frozen=True, slots=True)
class ChargeFilters:
    """Which charges; of several the first one given decides."""

    charge_id: str | None = None
    charge_code: str | None = None
    billable_metric_code: str | None = None

    def __bool__(self) -> bool:
        return bool(self.charge_id or self.charge_code or self.billable_metric_code)


@dataclass(frozen=True, slots=True)
class ChargeUsage:
    """One charge. `charge`: the row, with the metric's columns prefixed `metric_`. amount_cents: before taxes."""

    charge: sa.Row[Any]
    units: Decimal
    events_count: int
    amount_cents: int


@dataclass(frozen=True, slots=True)
class CurrentUsage:
    """from_datetime, to_datetime: the charges' window, both included. issuing_date: the local date it ends on."""

    from_datetime: datetime
    to_datetime: datetime
    issuing_date: date
    currency: str
    charges: Sequence[ChargeUsage]
    amount_cents: int
    taxes_amount_cents: int

    @property
    def total_amount_cents(self) -> int:
        return self.amount_cents + self.taxes_amount_cents


async def current_usage(
    work: UnitOfWork,
    *,
    subscription_external_id: str | None = None,
    subscription_id: str | None = None,
    customer_external_id: str | None = None,
    customer_id: str | None = None,
    apply_taxes: bool = True,
    filters: ChargeFilters | None = None,
) -> CurrentUsage:
    """The usage of one active subscription, named by ids or by external ids; without a customer, of whichever it is.

    Raises NotFound("customer"), NotAllowed("no_active_subscription"), NotFound("charge") when a filter finds none.
    """
    filters = filters or ChargeFilters()
    found = (
        sa.select(_s.c.id, _c.c.billing_entity_id)
        .join(_c, _c.c.id == _s.c.customer_id)
        .where(
            _s.c.organization_id == work.organization_id,
            _s.c.status == "active",
            _s.c.external_id == subscription_external_id
            if subscription_external_id is not None
            else _s.c.id == parse_id(subscription_id),
        )
    )
    if customer_id is not None or customer_external_id is not None:
        found = found.where(_s.c.customer_id == await _customer(work, customer_id, customer_external_id))
    active = (await work.session.execute(found)).one_or_none()
    if active is None:
        raise NotAllowed("no_active_subscription")
    (subscription,) = await rows_by_ids(work.session, [active.id])

    terms = terms_of(subscription)
    window = windows(terms, clock.now(), current_usage=True)
    start, end = window.charges_from_datetime, window.charges_to_datetime
    assert start is not None, "a current window has charges"
    assert end is not None, "a current window has charges"

    charges = await _charges(work, subscription.plan_id, filters)
    if filters and not charges:
        raise NotFound("charge")
    measured = await _measured(work, subscription.external_id, charges, start, end)
    priced = [_priced(charge, measured[charge.id], subscription.amount_currency) for charge in charges]

    rate = await _tax_rate(work, active.billing_entity_id) if apply_taxes and priced else ZERO
    return CurrentUsage(
        from_datetime=start,
        to_datetime=end,
        issuing_date=local_date(end, ZoneInfo(subscription.timezone)),
        currency=subscription.amount_currency,
        charges=priced,
        amount_cents=sum(usage.amount_cents for usage in priced),
        taxes_amount_cents=sum(round_cents(usage.amount_cents * rate / HUNDRED) for usage in priced),
    )


async def _customer(work: UnitOfWork, customer_id: str | None, external_id: str | None) -> UUID:
    wanted = _c.c.external_id == external_id if external_id is not None else _c.c.id == parse_id(customer_id)
    query = sa.select(_c.c.id).where(_c.c.organization_id == work.organization_id, wanted, _c.c.deleted_at.is_(None))
    found: UUID | None = (await work.session.execute(query)).scalar_one_or_none()
    if found is None:
        raise NotFound("customer")
    return found


async def _charges(work: UnitOfWork, plan_id: UUID, filters: ChargeFilters) -> list[sa.Row[Any]]:
    query = (
        sa.select(*_ch.c, *(column.label(f"metric_{column.name}") for column in _m.c))
        .join(_m, _m.c.id == _ch.c.billable_metric_id)
        .where(_ch.c.organization_id == work.organization_id, _ch.c.plan_id == plan_id, _ch.c.deleted_at.is_(None))
    )
    if filters.charge_id:
        query = query.where(_ch.c.id == parse_id(filters.charge_id))
    elif filters.charge_code:
        query = query.where(_ch.c.code == filters.charge_code)
    elif filters.billable_metric_code:
        query = query.where(_m.c.code == filters.billable_metric_code)
    by_name = () if filters else (sa.func.lower(_m.c.name),)
    return list((await work.session.execute(query.order_by(*by_name, _ch.c.id))).all())


def _question(charge: sa.Row[Any], external_id: str, start: datetime, end: datetime) -> UsageQuestion:
    return UsageQuestion(
        key=charge.id,
        external_subscription_id=external_id,
        code=charge.metric_code,
        aggregation_type=charge.metric_aggregation_type,
        field_name=charge.metric_field_name,
        from_=start,
        to=end,
        recurring=charge.metric_recurring,
        rounding_function=charge.metric_rounding_function,
        rounding_precision=charge.metric_rounding_precision,
        values_ready=charge.metric_values_ready,
    )


async def _measured(
    work: UnitOfWork, external_id: str, charges: Sequence[sa.Row[Any]], start: datetime, end: datetime
) -> Mapping[Any, Usage]:
    """From the cache if no event came since, else measured and kept there: units only, never amounts."""
    questions = [_question(charge, external_id, start, end) for charge in charges]
    if not questions:
        return {}
    asked = sha256(repr(questions).encode()).hexdigest()
    lookup = Lookup(work.organization_id, external_id, asked)
    kept = await lookup.find()
    if kept is not None and len(kept) == len(questions):
        return {
            question.key: Usage(Decimal(units), events)
            for question, (units, events) in zip(questions, kept, strict=True)
        }
    usage = await measure(work, questions)
    await lookup.keep([[str(usage[question.key].units), usage[question.key].events_count] for question in questions])
    return usage


def _priced(charge: sa.Row[Any], usage: Usage, currency: str) -> ChargeUsage:
    priceable = Priceable(units=usage.units, events_count=usage.events_count, currency=currency)
    fee = fee_amounts(price(charge.charge_model, charge.properties, priceable), priceable, currency)
    return ChargeUsage(charge, fee.units, usage.events_count, fee.amount_cents)


async def _tax_rate(work: UnitOfWork, billing_entity_id: UUID) -> Decimal:
    """The sum of the rates in percent; fees of usage carry the billing entity's taxes (handbook, pricing 13)."""
    query = (
        sa.select(sa.func.coalesce(sa.func.sum(_t.c.rate), 0))
        .select_from(_bt.join(_t, _t.c.id == _bt.c.tax_id))
        .where(
            _bt.c.organization_id == work.organization_id,
            _bt.c.billing_entity_id == billing_entity_id,
            _t.c.deleted_at.is_(None),
        )
    )
    return Decimal((await work.session.execute(query)).scalar_one())
