"""An explanation as REST shows it; GraphQL has the same names in camelCase. Amounts in cents unless they are texts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from domain.billing.explain import Explanation, MeasuredUsage
from domain.kernel.format import instant, rate
from domain.kernel.money import decimal_text

__all__ = ["explanation_payload"]

Payload = dict[str, Any]


def explanation_payload(explained: Explanation) -> Payload:
    """The whole explanation, with one page of the events."""
    fee, proration = explained.fee, explained.proration
    return {
        "lago_fee_id": fee.id,
        "lago_invoice_id": fee.invoice_id,
        "invoice_number": explained.invoice_number,
        "name": explained.name,
        "fee_type": fee.fee_type,
        "units": decimal_text(fee.units),
        "amount_cents": fee.amount_cents,
        "amount_currency": fee.amount_currency,
        "taxes_amount_cents": fee.taxes_amount_cents,
        "total_amount_cents": fee.amount_cents + fee.taxes_amount_cents,
        "precise_coupons_amount_cents": decimal_text(fee.precise_coupons_amount_cents),
        "period": {
            "from": explained.window[0],
            "to": explained.window[1],
            "timezone": explained.timezone,
            "reason": explained.reason,
        },
        "usage": _usage(explained, explained.usage) if explained.usage else None,
        "proration": {
            "part": proration.numerator,
            "whole": proration.denominator,
            "factor": decimal_text(proration.factor),
            "reason": proration.why,
        } if proration else None,
        "steps": [{"label": step.label, "reckoning": step.reckoning, "amount": step.amount or None}
                  for step in explained.steps],
        "roundings": [
            {"what": each.what, "exact_cents": decimal_text(each.exact), "rounded_cents": each.rounded,
             "rule": each.rule}
            for each in explained.roundings
        ],
        "taxes": [
            {"code": tax.tax_code, "name": tax.tax_name, "rate": rate(tax.tax_rate),
             "base_amount_cents": decimal_text(fee.amount_cents - fee.precise_coupons_amount_cents),
             "amount_cents": tax.amount_cents}
            for tax in explained.taxes
        ],
    }  # fmt: skip


def _usage(explained: Explanation, usage: MeasuredUsage) -> Payload:
    charge, fee = usage.charge, explained.fee
    return {
        "billable_metric_code": charge.metric_code,
        "billable_metric_name": charge.metric_name,
        "aggregation_type": charge.aggregation_type,
        "field_name": charge.field_name,
        "recurring": charge.recurring,
        "prorated": charge.prorated,
        "rounding_function": charge.rounding_function,
        "rounding_precision": charge.rounding_precision,
        "from": _instant(usage.from_),
        "to": _instant(usage.to),
        "filters": usage.filter_values,
        "filter_name": usage.filter_name,
        "grouped_by": usage.grouped_by,
        "units": decimal_text(fee.units),
        "total_aggregated_units": decimal_text(
            fee.units if fee.total_aggregated_units is None else fee.total_aggregated_units
        ),
        "events_count": fee.events_count,
        "events": [
            {
                "transaction_id": event.transaction_id,
                "timestamp": _instant(event.timestamp),
                "received_at": instant(event.created_at),
                "properties": event.properties,
                "value": event.value,
            }
            for event in usage.events.rows
        ],
        "events_total_count": usage.events.total_count,
    }


def _instant(value: datetime | None) -> str | None:
    return value.astimezone(UTC).isoformat(timespec="milliseconds")[:23] + "Z" if value else None
