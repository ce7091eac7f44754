"""Current and projected usage as REST and webhooks show them. Source: handbook, metering 13.2 and 14."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from domain.kernel.format import decimal_text, instant
from domain.metering.charges import PlanCharge
from domain.metering.current_usage import CurrentUsage
from domain.metering.priced_usage import Breakdown, ChargeUsage, UsageFee, by_filter, figures, merged

__all__ = ["charge_usage_payload", "customer_usage_payload"]


def customer_usage_payload(usage: CurrentUsage, *, projected: bool = False) -> dict[str, Any]:
    """Usage with its charges; projected: with what it will come to by the end of the period."""
    return {
        "from_datetime": instant(usage.from_datetime),
        "to_datetime": instant(usage.to_datetime),
        "issuing_date": usage.issuing_date.isoformat(),
        "currency": usage.currency,
        "amount_cents": usage.amount_cents,
        **({"projected_amount_cents": usage.projected_amount_cents} if projected else {}),
        "taxes_amount_cents": usage.taxes_amount_cents,
        "total_amount_cents": usage.total_amount_cents,
        "lago_invoice_id": None,
        "charges_usage": [charge_usage_payload(each, usage.currency, projected=projected) for each in usage.charges],
    }


def charge_usage_payload(usage: ChargeUsage, currency: str, *, projected: bool = False) -> dict[str, Any]:
    """One charge with its filters and groups."""
    charge = usage.charge
    bare = [fee for fee in usage.fees if not fee.is_grouped and fee.filter is None]
    return {
        **_figures(usage.fees, charge, projected=projected),
        "amount_currency": currency,
        "charge": {
            "lago_id": charge.id,
            "code": charge.code,
            "charge_model": charge.charge_model,
            "invoice_display_name": charge.invoice_display_name,
        },
        "billable_metric": {
            "lago_id": charge.metric_id,
            "name": charge.metric_name,
            "code": charge.metric_code,
            "aggregation_type": charge.aggregation_type,
        },
        "filters": _filters(charge, usage.fees, projected=projected),
        "grouped_usage": [
            {
                **_figures(fees, charge, projected=projected),
                "grouped_by": dict(group),
                "filters": _filters(charge, fees, projected=projected),
                **_breakdowns([fee for fee in fees if fee.filter is None], projected=projected),
            }
            for group, fees in usage.groups
        ],
        **_breakdowns(bare, projected=projected),
    }


def _filters(charge: PlanCharge, fees: Sequence[UsageFee], *, projected: bool) -> list[dict[str, Any]]:
    return [
        {
            **_figures(of_filter, charge, projected=projected),
            "invoice_display_name": taken.invoice_display_name if taken else None,
            "values": dict(taken.values) if taken else None,
            **_breakdowns(of_filter, projected=projected),
        }
        for taken, of_filter in by_filter(charge, fees)
    ]


def _figures(fees: Sequence[UsageFee], charge: PlanCharge, *, projected: bool) -> dict[str, Any]:
    total = figures(fees)
    unit = charge.pricing_unit
    details = None
    if unit is not None:
        details = {
            "amount_cents": total.pricing_unit_amount_cents,
            "short_name": unit.short_name,
            "conversion_rate": decimal_text(unit.conversion_rate),
        }
        if projected:
            details["projected_amount_cents"] = total.projected_pricing_unit_amount_cents
    shown = {
        "units": decimal_text(total.units),
        "total_aggregated_units": decimal_text(total.total_aggregated_units),
        "events_count": total.events_count,
        "amount_cents": total.amount_cents,
        "pricing_unit_details": details,
    }
    if projected:
        shown["projected_units"] = decimal_text(total.projected_units)
        shown["projected_amount_cents"] = total.projected_amount_cents
    return shown


def _breakdowns(fees: Sequence[UsageFee], *, projected: bool) -> dict[str, Any]:
    shown = {"presentation_breakdowns": [_breakdown(each) for each in merged(fee.breakdowns for fee in fees)]}
    if projected:
        later = merged(fee.projected_breakdowns for fee in fees)
        shown["projected_presentation_breakdowns"] = [_breakdown(each) for each in later]
    return shown


def _breakdown(each: Breakdown) -> dict[str, Any]:
    units: Decimal = each.units
    return {"presentation_by": dict(each.presentation_by), "units": decimal_text(units)}
