"""Catalog objects as REST and webhooks show them (metering handbook 1.3; pricing handbook 1.2, 2.1, 13)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.catalog.plan_terms import SPLIT_INTERVALS
from domain.catalog.queries import charge_rows, charges_of_plans, metric_rows, plan_rows, tax_rows
from domain.kernel.format import instant, rate

__all__ = [
    "billable_metric_payload", "billable_metric_payloads", "charge_payload", "charge_payloads", "plan_payload",
    "plan_payloads", "tax_payload", "tax_payloads",
]  # fmt: skip

Payload = dict[str, Any]


def billable_metric_payload(row: Any, *, counters: bool = True) -> Payload:
    """A metric. counters: the three counts that the interface keeps and that are always 0."""
    payload = {
        "lago_id": row.id,
        "name": row.name,
        "code": row.code,
        "description": row.description,
        "aggregation_type": row.aggregation_type,
        "weighted_interval": None,
        "recurring": row.recurring,
        "rounding_function": row.rounding_function,
        "rounding_precision": row.rounding_precision,
        "created_at": instant(row.created_at),
        "field_name": row.field_name,
        "expression": None,
        "filters": [],
    }
    if counters:
        payload |= {"active_subscriptions_count": 0, "draft_invoices_count": 0, "plans_count": 0}
    return payload


async def billable_metric_payloads(session: AsyncSession, metric_ids: Collection[UUID]) -> dict[UUID, Payload]:
    """Metrics by id, deleted ones as well: one statement."""
    rows = await metric_rows(session, metric_ids)
    return {metric_id: billable_metric_payload(row) for metric_id, row in rows.items()}


def charge_payload(row: Any) -> Payload:
    """A charge; the row carries `billable_metric_code`."""
    return {
        "lago_id": row.id,
        "lago_billable_metric_id": row.billable_metric_id,
        "code": row.code,
        "invoice_display_name": row.invoice_display_name,
        "billable_metric_code": row.billable_metric_code,
        "created_at": instant(row.created_at),
        "charge_model": row.charge_model,
        "invoiceable": True,
        "regroup_paid_fees": None,
        "pay_in_advance": False,
        "prorated": False,
        "min_amount_cents": 0,
        "accepts_target_wallet": False,
        "properties": row.properties,
        "applied_pricing_unit": None,
        "lago_parent_id": row.parent_id,
        "filters": [],
        "taxes": [],
    }


async def charge_payloads(session: AsyncSession, charge_ids: Collection[UUID]) -> dict[UUID, Payload]:
    """Charges by id, deleted ones as well: one statement."""
    return {charge_id: charge_payload(row) for charge_id, row in (await charge_rows(session, charge_ids)).items()}


def plan_payload(row: Any, charges: Sequence[Any], *, listed: bool = False) -> Payload:
    """A plan with its charge rows. listed: one of a list, which leaves out fixed charges."""
    payload: Payload = {
        "lago_id": row.id,
        "name": row.name,
        "invoice_display_name": row.invoice_display_name,
        "created_at": instant(row.created_at),
        "code": row.code,
        "interval": row.interval,
        "description": row.description,
        "amount_cents": row.amount_cents,
        "amount_currency": row.amount_currency,
        "trial_period": None if row.trial_period is None else float(row.trial_period),
        "pay_in_advance": row.pay_in_advance,
        "bill_charges_monthly": row.bill_charges_monthly,
        "bill_fixed_charges_monthly": False if row.interval in SPLIT_INTERVALS else None,
        "customers_count": 0,
        "active_subscriptions_count": 0,
        "draft_invoices_count": 0,
        "parent_id": row.parent_id,
        "pending_deletion": row.pending_deletion,
        "charges": [charge_payload(charge) for charge in charges],
    }
    if not listed:
        payload["fixed_charges"] = []
    return payload | {"entitlements": [], "usage_thresholds": [], "applicable_usage_thresholds": [], "taxes": []}


async def plan_payloads(
    session: AsyncSession, plan_ids: Collection[UUID], *, rows: Mapping[UUID, Any] | None = None, listed: bool = False
) -> dict[UUID, Payload]:
    """Plans by id, deleted ones as well: two statements, one when the plans' rows are already read."""
    plans = rows if rows is not None else await plan_rows(session, plan_ids)
    charges = await charges_of_plans(session, list(plans))
    return {plan_id: plan_payload(row, charges.get(plan_id, ()), listed=listed) for plan_id, row in plans.items()}


def tax_payload(row: Any) -> Payload:
    """A tax; the row carries `applied_to_organization`."""
    return {
        "lago_id": row.id,
        "name": row.name,
        "code": row.code,
        "rate": rate(row.rate),
        "description": row.description,
        "applied_to_organization": row.applied_to_organization,
        "created_at": instant(row.created_at),
    }


async def tax_payloads(session: AsyncSession, organization_id: UUID, tax_ids: Collection[UUID]) -> dict[UUID, Payload]:
    """Taxes by id, deleted ones as well: one statement."""
    return {tax_id: tax_payload(row) for tax_id, row in (await tax_rows(session, organization_id, tax_ids)).items()}
