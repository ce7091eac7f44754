"""Analytics as REST shows them: interface GrossRevenueObject, MrrObject and their like."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from domain.insight.wanted import WantedFigures
from domain.kernel.format import decimal_text, instant

__all__ = [
    "activity_payload", "collection_payload", "gross_revenue_payload", "invoiced_usage_payload", "mrr_payload",
    "overdue_balance_payload", "usage_payload",
]  # fmt: skip

Payload = dict[str, Any]


def activity_payload(row: Any) -> Payload:
    """Interface ActivityLogObject."""
    return {
        "activity_id": row.id,
        "user_email": row.user_email,
        "activity_type": row.activity_type,
        "activity_source": row.activity_source,
        "activity_object": row.activity_object,
        "activity_object_changes": row.activity_object_changes,
        "external_customer_id": row.external_customer_id,
        "external_subscription_id": row.external_subscription_id,
        "resource_id": row.resource_id,
        "resource_type": row.resource_type,
        "organization_id": row.organization_id,
        "logged_at": instant(row.logged_at),
        "created_at": instant(row.created_at),
    }


def gross_revenue_payload(row: Any) -> Payload:
    return {
        "month": _month(row.month),
        "amount_cents": int(row.amount_cents),
        "currency": row.currency,
        "invoices_count": int(row.invoices_count),
    }


def mrr_payload(row: Any) -> Payload:
    return {"month": _month(row.month), "amount_cents": row.amount_cents, "currency": row.currency}


def collection_payload(row: Any) -> Payload:
    return {
        "month": _month(row.month),
        "payment_status": row.payment_status,
        "invoices_count": row.invoices_count,
        "amount_cents": row.amount_cents,
        "currency": row.currency,
    }


def invoiced_usage_payload(row: Any) -> Payload:
    return {
        "month": _month(row.month),
        "code": row.code,
        "amount_cents": int(row.amount_cents),
        "currency": row.currency,
    }


def overdue_balance_payload(row: Any) -> Payload:
    return {
        "month": _month(row.month),
        "amount_cents": int(row.amount_cents),
        "currency": row.currency,
        "lago_invoice_ids": list(row.invoice_ids),
    }


def usage_payload(row: Any, wanted: WantedFigures, organization_id: UUID) -> Payload:
    return {
        "organization_id": organization_id,
        "start_of_period_dt": row.first.isoformat(),
        "end_of_period_dt": wanted.last_day(row.first).isoformat(),
        "amount_currency": row.currency,
        "amount_cents": int(row.amount_cents),
        "billable_metric_code": row.code,
        "units": decimal_text(row.units),
        "is_billable_metric_deleted": row.deleted,
    }


def _month(month: date) -> str:
    return f"{month.isoformat()}T00:00:00.000Z"
