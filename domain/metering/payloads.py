"""Events and usage as REST and webhooks show them. Source: handbook, metering 4.1 and 13.2."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import sqlalchemy as sa

from domain.kernel.format import decimal_or_none, decimal_text, instant
from domain.metering.current_usage import ChargeUsage, CurrentUsage

__all__ = ["customer_usage_payload", "event_payload"]


def event_payload(row: sa.Row[Any]) -> dict[str, Any]:
    """A stored event."""
    return {
        "lago_id": row.id,
        "transaction_id": row.transaction_id,
        "lago_customer_id": None,
        "code": row.code,
        # An event may be of any year from 1 on, which strftime would not fill up to four digits.
        "timestamp": row.timestamp.astimezone(UTC).isoformat(timespec="milliseconds")[:23] + "Z",
        "precise_total_amount_cents": decimal_or_none(row.precise_total_amount_cents),
        "properties": row.properties,
        "lago_subscription_id": None,
        "external_subscription_id": row.external_subscription_id,
        "created_at": instant(row.created_at),
    }


def customer_usage_payload(usage: CurrentUsage) -> dict[str, Any]:
    """Current usage with its charges."""
    return {
        "from_datetime": instant(usage.from_datetime),
        "to_datetime": instant(usage.to_datetime),
        "issuing_date": usage.issuing_date.isoformat(),
        "currency": usage.currency,
        "amount_cents": usage.amount_cents,
        "taxes_amount_cents": usage.taxes_amount_cents,
        "total_amount_cents": usage.total_amount_cents,
        "lago_invoice_id": None,
        "charges_usage": [_charge_usage(charge, usage.currency) for charge in usage.charges],
    }


def _charge_usage(usage: ChargeUsage, currency: str) -> dict[str, Any]:
    charge = usage.charge
    return {
        "units": decimal_text(usage.units),
        "total_aggregated_units": decimal_text(usage.units),
        "events_count": usage.events_count,
        "amount_cents": usage.amount_cents,
        "amount_currency": currency,
        "pricing_unit_details": None,
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
            "aggregation_type": charge.metric_aggregation_type,
        },
        "filters": [],
        "grouped_usage": [],
        "presentation_breakdowns": [],
    }
