"""What events would cost by themselves, without any history. Source: handbook, metering 20.2.

For charges paid in advance of the models standard and percentage; free units and groups are left out of account.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.catalog.models import Plan
from domain.kernel.errors import ValidationFailed
from domain.kernel.format import decimal_text
from domain.kernel.money import ONE, ZERO, from_cents
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params
from domain.metering.charges import PlanCharge
from domain.metering.estimated_events import EstimatedEvent, read_events
from domain.metering.instant import number_in
from domain.metering.matching import winner
from domain.metering.rounding import rounded
from domain.pricing.estimate_instant import estimate_event
from domain.pricing.fee_amounts import fee_amounts
from domain.pricing.models import charge_model
from domain.pricing.priceable import Priceable
from domain.subscriptions.models import Subscription

__all__ = ["estimate_instant_fees"]

MODELS: Final = frozenset({"standard", "percentage"})
_s, _p = table(Subscription), table(Plan)


async def estimate_instant_fees(work: UnitOfWork, sent: Sequence[Params]) -> list[dict[str, Any]]:
    """A fee for each event and charge, grouped by subscription; amounts as decimal texts.

    Raises NotFound("subscription"), NotFound("billable_metric"), ValidationFailed.
    """
    events = await read_events(work, sent, strict=False)
    currencies = await _currencies(work, {event.subscription_id for event in events})
    fees = []
    for event in sorted(events, key=lambda one: one.external_subscription_id):
        charges = [charge for charge in event.charges if charge.charge_model in MODELS]
        if not charges:
            raise ValidationFailed({"code": ["does_not_match_an_instant_charge"]})
        fees += [_fee(event, charge, currencies[event.subscription_id]) for charge in charges]
    return fees


async def _currencies(work: UnitOfWork, subscription_ids: set[UUID]) -> dict[UUID, str]:
    query = sa.select(_s.c.id, _p.c.amount_currency).join(_p, _p.c.id == _s.c.plan_id)
    rows = await work.session.execute(query.where(_s.c.id.in_(subscription_ids)))
    return {row.id: row.amount_currency for row in rows}


def _units(event: EstimatedEvent, charge: PlanCharge) -> Decimal:
    units = ONE if charge.field_name is None else number_in(event.event.properties, charge.field_name) or ZERO
    return max(rounded(units, charge.rounding_function, charge.rounding_precision), ZERO)


def _fee(event: EstimatedEvent, charge: PlanCharge, currency: str) -> dict[str, Any]:
    filters = {one.rule.id: one for one in charge.filters}
    rule = winner([one.rule for one in charge.filters], event.event.properties)
    taken = filters[rule.id] if rule else None
    model = charge_model(charge.charge_model, taken.properties if taken else charge.properties)
    units = _units(event, charge)
    rate = charge.pricing_unit.conversion_rate if charge.pricing_unit else None
    amounts = fee_amounts(estimate_event(model, units), Priceable(units=units), currency, conversion_rate=rate)
    precise = decimal_text(from_cents(amounts.precise_amount_cents, currency))
    cents = decimal_text(Decimal(amounts.amount_cents))
    return {
        "lago_id": None,
        "lago_charge_id": charge.id,
        "lago_charge_filter_id": taken.rule.id if taken else None,
        "lago_invoice_id": None,
        "lago_true_up_fee_id": None,
        "lago_true_up_parent_fee_id": None,
        "lago_subscription_id": event.subscription_id,
        "external_subscription_id": event.external_subscription_id,
        "lago_customer_id": event.customer_id,
        "external_customer_id": event.external_customer_id,
        "item": {
            "type": "charge",
            "code": charge.metric_code,
            "name": charge.metric_name,
            "description": charge.metric_description,
            "invoice_display_name": charge.invoice_display_name or charge.metric_name,
            "filters": dict(taken.values) if taken else None,
            "filter_invoice_display_name": taken.invoice_display_name if taken else None,
            "lago_item_id": charge.metric_id,
            "item_type": "BillableMetric",
            "grouped_by": {},
        },
        "pay_in_advance": True,
        "invoiceable": charge.invoiceable,
        "amount_cents": cents,
        "amount_currency": currency,
        "precise_amount": precise,
        "precise_total_amount": precise,
        "taxes_amount_cents": "0.0",
        "taxes_precise_amount": "0.0",
        "taxes_rate": "0.0",
        "total_aggregated_units": decimal_text(amounts.units),
        "total_amount_cents": cents,
        "total_amount_currency": currency,
        "units": decimal_text(amounts.units),
        "description": None,
        "precise_unit_amount": decimal_text(amounts.precise_unit_amount),
        "precise_coupons_amount_cents": "0.0",
        "events_count": 1,
        "payment_status": "pending",
        "created_at": None,
        "succeeded_at": None,
        "failed_at": None,
        "refunded_at": None,
        "amount_details": None,
        "event_transaction_id": event.event.transaction_id or None,
    }
