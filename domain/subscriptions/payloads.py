"""Subscriptions as REST and webhooks show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.format import instant, instant_ms, instant_or_none
from domain.kernel.validation import parse_instant
from domain.subscriptions import queries
from domain.subscriptions.facts import current_period, downgrade_plan_date

__all__ = ["payload", "payloads"]


def payload(row: sa.Row[Any]) -> dict[str, Any]:
    """One subscription from a row of `queries`: ids and codes, dates, the neighbours in its chain."""
    period_start, period_end = current_period(row)
    downgrade_on = downgrade_plan_date(row)
    return {
        "lago_id": row.id,
        "external_id": row.external_id,
        "lago_customer_id": row.customer_id,
        "external_customer_id": row.external_customer_id,
        "billing_entity_code": row.billing_entity_code,
        "billing_time": row.billing_time,
        "name": row.name,
        "plan_code": row.plan_code,
        "plan_amount_cents": row.amount_cents,
        "plan_amount_currency": row.amount_currency,
        "status": row.status,
        "created_at": instant(row.created_at),
        "canceled_at": instant_or_none(row.canceled_at),
        "started_at": instant_ms(row.started_at) if row.started_at else None,
        "activated_at": instant_or_none(row.activated_at),
        "ending_at": instant_or_none(row.ending_at),
        "subscription_at": instant(row.subscription_at),
        "terminated_at": instant_or_none(row.terminated_at),
        "trial_ended_at": instant_or_none(row.trial_ended_at),
        "previous_plan_code": row.previous_plan_code,
        "next_plan_code": row.next_plan_code,
        "downgrade_plan_date": downgrade_on.isoformat() if downgrade_on else None,
        "current_billing_period_started_at": instant_or_none(period_start),
        "current_billing_period_ending_at": instant_or_none(period_end),
        "on_termination_credit_note": row.on_termination_credit_note,
        "on_termination_invoice": row.on_termination_invoice,
        "consolidate_invoice": row.consolidate_invoice,
        "purchase_order_number": row.purchase_order_number,
        "payment_method": {
            "payment_method_type": row.payment_method_type,
            "payment_method_id": row.payment_method_id,
        },
        "cancellation_reason": row.cancellation_reason,
        "activation_rules": [_rule(each) for each in row.activation_rules or ()],
    }


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    at = {name: parse_instant(rule[name]) for name in ("expires_at", "created_at", "updated_at")}
    return {
        "lago_id": rule["id"],
        "type": rule["type"],
        "timeout_hours": rule["timeout_hours"],
        "status": rule["status"],
        **{name: instant_or_none(value) for name, value in at.items()},
    }


async def payloads(session: AsyncSession, ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Several subscriptions in the order of `ids`, in one statement."""
    return [payload(row) for row in await queries.rows_by_ids(session, ids)]
