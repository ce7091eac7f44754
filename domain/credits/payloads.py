"""Coupons and applied coupons as REST shows them (handbook, credits 1.1, 1.2)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.credits.coupon_queries import (
    applied_coupon_rows,
    coupon_rows,
    credits_of_applied_coupons,
    targets_of_coupons,
)
from domain.invoicing.credit_payloads import credit_payload
from domain.kernel.format import decimal_or_none, instant, instant_or_none

__all__ = ["amount_cents_remaining", "applied_coupon_payload", "applied_coupon_payloads", "coupon_payloads"]

Payload = dict[str, Any]


async def coupon_payloads(
    session: AsyncSession, coupon_ids: Collection[UUID], *, rows: Mapping[UUID, Any] | None = None
) -> dict[UUID, Payload]:
    """Coupons by id, deleted ones as well: two statements, one when their rows are already read."""
    coupons = rows if rows is not None else await coupon_rows(session, coupon_ids)
    targets = await targets_of_coupons(session, list(coupons))
    return {coupon_id: _coupon(row, targets.get(coupon_id, ())) for coupon_id, row in coupons.items()}


async def applied_coupon_payloads(
    session: AsyncSession, applied_coupon_ids: Collection[UUID], *, rows: Mapping[UUID, Any] | None = None
) -> dict[UUID, Payload]:
    """Applied coupons with what they took, by id: two statements, one when their rows are already read."""
    applied = rows if rows is not None else await applied_coupon_rows(session, applied_coupon_ids)
    taken = await credits_of_applied_coupons(session, list(applied))
    return {
        each: {**applied_coupon_payload(row), "credits": [credit_payload(one) for one in taken.get(each, ())]}
        for each, row in applied.items()
    }


def applied_coupon_payload(row: Any) -> Payload:
    """One applied coupon from a row of `coupon_queries`."""
    return {
        "lago_id": row.id,
        "lago_coupon_id": row.coupon_id,
        "coupon_code": row.coupon_code,
        "coupon_name": row.coupon_name,
        "coupon_description": row.coupon_description,
        "coupon_status": row.coupon_status,
        "coupon_deleted_at": instant_or_none(row.coupon_deleted_at),
        "lago_customer_id": row.customer_id,
        "external_customer_id": row.external_customer_id,
        "status": row.status,
        "amount_cents": row.amount_cents,
        "amount_cents_remaining": amount_cents_remaining(row),
        "amount_currency": row.amount_currency,
        "percentage_rate": decimal_or_none(row.percentage_rate),
        "frequency": row.frequency,
        "frequency_duration": row.frequency_duration,
        "frequency_duration_remaining": row.frequency_duration_remaining,
        "expiration_at": instant_or_none(row.expiration_at),
        "created_at": instant(row.created_at),
        "terminated_at": instant_or_none(row.terminated_at),
    }


def amount_cents_remaining(row: Any) -> int | None:
    """What a fixed amount that is used once has left; None for any other."""
    if row.coupon_type != "fixed_amount" or row.frequency != "once":
        return None
    return max(int(row.amount_cents - row.spent_cents), 0)


def _coupon(row: Any, targets: Sequence[Any]) -> Payload:
    return {
        "lago_id": row.id,
        "name": row.name,
        "code": row.code,
        "description": row.description,
        "coupon_type": row.coupon_type,
        "amount_cents": row.amount_cents,
        "amount_currency": row.amount_currency,
        "percentage_rate": decimal_or_none(row.percentage_rate),
        "frequency": row.frequency,
        "frequency_duration": row.frequency_duration,
        "reusable": row.reusable,
        "limited_plans": row.limited_plans,
        "plan_codes": [target.plan_code for target in targets if target.plan_id],
        "limited_billable_metrics": row.limited_billable_metrics,
        "billable_metric_codes": [target.billable_metric_code for target in targets if target.billable_metric_id],
        "expiration": row.expiration,
        "expiration_at": instant_or_none(row.expiration_at),
        "created_at": instant(row.created_at),
        "terminated_at": instant_or_none(row.terminated_at),
    }
