"""Plans, charges, filters and fixed charges as REST and webhooks show them (pricing handbook 1.2, 2.1, 4.1, 10.1)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.catalog.applied_taxes import taxes_of
from domain.catalog.entitlements.payloads import plan_entitlement_payload
from domain.catalog.models import FixedChargeTax
from domain.catalog.payloads import tax_payload
from domain.catalog.plan_parts import (
    ChargeParts,
    FilterRow,
    PlanParts,
    charge_parts,
    filter_rows,
    fixed_charge_rows,
    plan_parts,
)
from domain.catalog.queries import charge_rows, charges_of_plans, plan_rows
from domain.kernel.format import decimal_text, instant

__all__ = [
    "charge_payload", "charge_payloads", "charge_payloads_of", "filter_payload", "filter_payloads",
    "fixed_charge_payload", "fixed_charge_payloads", "fixed_charge_payloads_of", "plan_payload", "plan_payloads",
    "shown_properties", "threshold_payload",
]  # fmt: skip

Payload = dict[str, Any]


def shown_properties(properties: Mapping[str, Any]) -> Payload:
    """Properties with `pricing_group_keys` and their old name `grouped_by` mirrored into each other."""
    keys = properties.get("pricing_group_keys")
    return dict(properties) if keys is None else {**properties, "grouped_by": keys}


def filter_payload(one: FilterRow) -> Payload:
    """A charge filter."""
    return {
        "lago_id": one.row.id,
        "charge_code": one.row.charge_code,
        "invoice_display_name": one.row.invoice_display_name,
        "properties": shown_properties(one.row.properties),
        "values": one.values,
    }


async def filter_payloads(session: AsyncSession, filter_ids: Collection[UUID]) -> dict[UUID, Payload]:
    """Charge filters by id, deleted ones as well."""
    return {key: filter_payload(one) for key, one in (await filter_rows(session, filter_ids)).items()}


def charge_payload(row: Any, parts: ChargeParts) -> Payload:
    """A charge; the row carries `billable_metric_code`."""
    unit = parts.pricing_units.get(row.id)
    return {
        "lago_id": row.id,
        "lago_billable_metric_id": row.billable_metric_id,
        "code": row.code,
        "invoice_display_name": row.invoice_display_name,
        "billable_metric_code": row.billable_metric_code,
        "created_at": instant(row.created_at),
        "charge_model": row.charge_model,
        "invoiceable": row.invoiceable,
        "regroup_paid_fees": row.regroup_paid_fees,
        "pay_in_advance": row.pay_in_advance,
        "prorated": row.prorated,
        "min_amount_cents": row.min_amount_cents,
        "accepts_target_wallet": row.accepts_target_wallet,
        "properties": shown_properties(row.properties),
        "applied_pricing_unit": (
            {"conversion_rate": decimal_text(unit.conversion_rate), "code": unit.code} if unit else None
        ),
        "lago_parent_id": row.parent_id,
        "filters": [filter_payload(one) for one in parts.filters.get(row.id, ())],
        "taxes": [tax_payload(tax) for tax in parts.taxes.get(row.id, ())],
    }


async def charge_payloads_of(session: AsyncSession, rows: Sequence[Any]) -> list[Payload]:
    """These rows of charges with all that hangs on them: four statements."""
    parts = await charge_parts(session, [row.id for row in rows])
    return [charge_payload(row, parts) for row in rows]


async def charge_payloads(session: AsyncSession, charge_ids: Collection[UUID]) -> dict[UUID, Payload]:
    """Charges by id, deleted ones as well."""
    rows = await charge_rows(session, charge_ids)
    return dict(zip(rows, await charge_payloads_of(session, list(rows.values())), strict=True))


def fixed_charge_payload(row: Any, taxes: Sequence[Any], *, units: Decimal | None = None) -> Payload:
    """A fixed charge; the row carries `add_on_code`. units: those of the subscription in whose scope it is shown."""
    return {
        "lago_id": row.id,
        "lago_add_on_id": row.add_on_id,
        "code": row.code,
        "invoice_display_name": row.invoice_display_name,
        "add_on_code": row.add_on_code,
        "created_at": instant(row.created_at),
        "charge_model": row.charge_model,
        "pay_in_advance": row.pay_in_advance,
        "prorated": row.prorated,
        "properties": shown_properties(row.properties),
        "units": decimal_text(row.units if units is None else units),
        "lago_parent_id": row.parent_id,
        "taxes": [tax_payload(tax) for tax in taxes],
    }


async def fixed_charge_payloads_of(
    session: AsyncSession, rows: Sequence[Any], units: Mapping[UUID, Decimal] | None = None
) -> list[Payload]:
    """These rows with their taxes. units: by fixed charge, those of the subscription in whose scope they are shown."""
    taxes = await taxes_of(session, FixedChargeTax, [row.id for row in rows])
    return [fixed_charge_payload(row, taxes.get(row.id, ()), units=(units or {}).get(row.id)) for row in rows]


async def fixed_charge_payloads(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Payload]:
    """Fixed charges by id, deleted ones as well."""
    rows = await fixed_charge_rows(session, ids)
    return dict(zip(rows, await fixed_charge_payloads_of(session, list(rows.values())), strict=True))


def threshold_payload(row: Any, *, short: bool = False) -> Payload:
    """A usage threshold. short: as it applies to an override, without what identifies it."""
    payload: Payload = {
        "threshold_display_name": row.threshold_display_name,
        "amount_cents": row.amount_cents,
        "recurring": row.recurring,
    }
    if short:
        return payload
    created, updated = instant(row.created_at), instant(row.updated_at)
    return {"lago_id": row.id, **payload, "created_at": created, "updated_at": updated}


def plan_payload(row: Any, charges: Sequence[Payload], parts: PlanParts, *, listed: bool = False) -> Payload:
    """A plan with its charges' payloads. listed: one of a list, which leaves out fixed charges."""
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
        "bill_fixed_charges_monthly": row.bill_fixed_charges_monthly,
        "customers_count": 0,
        "active_subscriptions_count": 0,
        "draft_invoices_count": 0,
        "parent_id": row.parent_id,
        "pending_deletion": row.pending_deletion,
        "charges": charges,
    }
    if not listed:
        payload["fixed_charges"] = [
            fixed_charge_payload(fixed, parts.fixed_charge_taxes.get(fixed.id, ()))
            for fixed in parts.fixed_charges.get(row.id, ())
        ]
    own = parts.thresholds.get(row.id, [])
    applicable = own or parts.thresholds.get(row.parent_id, [])
    payload |= {
        "entitlements": [plan_entitlement_payload(each) for each in parts.entitlements.get(row.id, ())],
        "usage_thresholds": [threshold_payload(one) for one in own],
        "applicable_usage_thresholds": [threshold_payload(one, short=True) for one in applicable],
        "taxes": [tax_payload(tax) for tax in parts.taxes.get(row.id, ())],
    }
    commitment = parts.commitments.get(row.id)
    if commitment is not None:
        payload["minimum_commitment"] = {
            "lago_id": commitment.id,
            "plan_code": row.code,
            "invoice_display_name": commitment.invoice_display_name,
            "commitment_type": "minimum_commitment",
            "amount_cents": commitment.amount_cents,
            "interval": row.interval,
            "created_at": instant(commitment.created_at),
            "updated_at": instant(commitment.updated_at),
            "taxes": [tax_payload(tax) for tax in parts.commitment_taxes.get(commitment.id, ())],
        }
    if row.plan_metadata:
        payload["metadata"] = row.plan_metadata
    return payload


async def plan_payloads(
    session: AsyncSession, plan_ids: Collection[UUID], *, rows: Mapping[UUID, Any] | None = None, listed: bool = False
) -> dict[UUID, Payload]:
    """Plans by id, deleted ones as well, with all that hangs on them: a fixed number of statements. rows: the plans'
    rows where they are already read."""
    plans = rows if rows is not None else await plan_rows(session, plan_ids)
    charges = await charges_of_plans(session, list(plans))
    parts = await charge_parts(session, [row.id for some in charges.values() for row in some])
    attached = await plan_parts(session, list(plans.values()), fixed_charges=not listed)
    return {
        plan_id: plan_payload(
            row, [charge_payload(charge, parts) for charge in charges.get(plan_id, ())], attached, listed=listed
        )
        for plan_id, row in plans.items()
    }
