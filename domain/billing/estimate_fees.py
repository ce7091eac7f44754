"""What one event would cost now, on top of the events stored; nothing is stored. Source: handbook, metering 20.1."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from domain.billing.assemble import Rated, standalone_fees
from domain.billing.facts import load_facts
from domain.billing.fee_rows import FeeRows
from domain.billing.lines import BilledLine
from domain.billing.rated_fee import RatedFee
from domain.billing.requests import Line, Target
from domain.invoicing.payloads import fee_payload
from domain.kernel import clock
from domain.kernel.ids import new_id
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params
from domain.metering.charge_questions import UsageWindow
from domain.metering.charges import PlanCharge, PlanFilter
from domain.metering.estimated_events import EstimatedEvent, read_events
from domain.metering.instant import InstantAnswer, InstantRequest, instant_usages
from domain.pricing.pay_in_advance import pay_in_advance_fee
from domain.subscriptions.windows import windows

__all__ = ["estimate_fees"]


async def estimate_fees(work: UnitOfWork, params: Params) -> list[dict[str, Any]]:
    """Fees as they would be shown, one for each charge paid in advance that the event is on.

    Raises NotFound("subscription"), NotFound("billable_metric"), ValidationFailed.
    """
    (event,) = await read_events(work, [params], strict=True)
    target = Target(new_id(), clock.now(), (Line(event.subscription_id, event.event.timestamp, "in_advance_charge"),))
    facts = await load_facts(work.session, [target])
    subscription = facts.subscriptions[event.subscription_id]
    window = windows(subscription.terms, event.event.timestamp, current_usage=True)
    past = facts.past[target.invoice_id, event.subscription_id]
    line = BilledLine(0, subscription, past, window, event.event.timestamp, "in_advance_charge")
    requests = [InstantRequest(charge.id, charge, _window(line), event.event) for charge in event.charges]
    answers = await instant_usages(work, requests, currency=subscription.currency, store=False)
    rated: list[Rated] = [
        (line, _fee(charge, answers[charge.id], line), facts.taxes_of(subscription, charge.id))
        for charge in event.charges
    ]
    rows = standalone_fees(target, rated)
    return [
        _shown(row, rows, event, charge, answers[charge.id])
        for row, charge in zip(rows.fees, event.charges, strict=True)
    ]


def _window(line: BilledLine) -> UsageWindow:
    window, subscription = line.window, line.subscription
    assert window.charges_from_datetime is not None, "a current window has charges"
    assert window.charges_to_datetime is not None, "a current window has charges"
    return UsageWindow(
        external_subscription_id=subscription.external_id,
        from_=window.charges_from_datetime,
        to=window.charges_to_datetime,
        zone=subscription.terms.zone,
        charges_duration=window.charges_duration or window.duration,
        has_predecessor=subscription.predecessor_id is not None,
    )


def _fee(charge: PlanCharge, answer: InstantAnswer, line: BilledLine) -> RatedFee:
    unit = charge.pricing_unit
    amounts = pay_in_advance_fee(
        answer.model, answer.usage, line.subscription.currency, conversion_rate=unit.conversion_rate if unit else None
    )
    return RatedFee(
        fee_type="charge",
        amount_cents=amounts.amount_cents,
        precise_amount_cents=amounts.precise_amount_cents,
        units=amounts.units,
        unit_amount_cents=amounts.unit_amount_cents,
        precise_unit_amount=amounts.precise_unit_amount,
        starts=line.window.charges_from_datetime,
        owner=charge.id,
        charge_id=charge.id,
        charge_filter_id=answer.filter_id,
        billable_metric_id=charge.metric_id,
        total_aggregated_units=amounts.units,
        events_count=1,
        grouped_by=answer.grouped_by,
        amount_details=amounts.amount_details,
        pay_in_advance=True,
        standalone=True,
        pricing_unit=amounts.pricing_unit,
        pricing_unit_id=unit.id if unit else None,
        pricing_unit_short_name=unit.short_name if unit else None,
    )


def _shown(
    row: dict[str, Any], rows: FeeRows, event: EstimatedEvent, charge: PlanCharge, answer: InstantAnswer
) -> dict[str, Any]:
    """The fee as a stored one is shown, without an id."""
    taken = answer.filter if isinstance(answer.filter, PlanFilter) else None
    units = next((unit for unit in rows.pricing_units if unit["fee_id"] == row["id"]), None)
    names = {
        "external_customer_id": event.external_customer_id,
        "external_subscription_id": event.external_subscription_id,
        "charge_display_name": charge.invoice_display_name,
        "invoiceable": charge.invoiceable,
        "charge_code": charge.code,
        "charge_model": charge.charge_model,
        "filter_display_name": taken.invoice_display_name if taken else None,
        "filter_values": dict(taken.values) if taken else None,
        "true_up_fee_id": None,
        **_in_pricing_unit(charge, units),
        "metric_id": charge.metric_id,
        "metric_code": charge.metric_code,
        "metric_name": charge.metric_name,
        "metric_description": charge.metric_description,
        "self_billed": False,
        "description": None,
        "succeeded_at": None,
        "failed_at": None,
        "refunded_at": None,
        "payment_status": "pending",
    }
    own = [
        SimpleNamespace(**{**tax, "id": None, "created_at": row["created_at"]})
        for tax in rows.taxes
        if tax["fee_id"] == row["id"]
    ]
    return fee_payload(SimpleNamespace(**{**row, **names, "id": None}), own)


def _in_pricing_unit(charge: PlanCharge, units: dict[str, Any] | None) -> dict[str, Any]:
    if units is None or charge.pricing_unit is None:
        return {"pricing_unit_id": None}
    amounts = ("amount_cents", "precise_amount_cents", "unit_amount_cents", "precise_unit_amount")
    return {
        "pricing_unit_id": charge.pricing_unit.id,
        "pricing_unit_code": charge.pricing_unit.code,
        "pricing_unit_short_name": charge.pricing_unit.short_name,
        "conversion_rate": charge.pricing_unit.conversion_rate,
        **{f"pricing_unit_{name}": units[name] for name in amounts},
    }
