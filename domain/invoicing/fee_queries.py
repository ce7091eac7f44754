"""Reads of fees: each with what it is called and where it comes from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.catalog.models import (
    AddOn,
    BillableMetric,
    BillableMetricFilter,
    Charge,
    ChargeFilter,
    ChargeFilterValue,
    FixedCharge,
    Plan,
    PricingUnit,
)
from domain.customers.models import Customer
from domain.invoicing.models import AdjustedFee, Fee, FeeAppliedTax, FeePricingUnit, Invoice
from domain.invoicing.queries import VISIBLE
from domain.kernel.errors import NotFound
from domain.kernel.ids import parse_id
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.rows import table
from domain.subscriptions.models import Subscription

__all__ = [
    "FeeFilter", "fee_row", "fee_rows", "fees_of_invoices", "fees_of_subscriptions", "fees_page", "taxes_of_fees",
]  # fmt: skip

RowOf = sa.Row[Any]

_fees, _invoices, _customers = table(Fee), table(Invoice), table(Customer)
_subscriptions, _plans, _charges = table(Subscription), table(Plan), table(Charge)
_metrics, _taxes = table(BillableMetric), table(FeeAppliedTax)
_add_ons, _fixed_charges, _filters = table(AddOn), table(FixedCharge), table(ChargeFilter)
_fee_units, _units = table(FeePricingUnit), table(PricingUnit)
_adjusted = table(AdjustedFee)
_values, _keys = table(ChargeFilterValue), table(BillableMetricFilter)

# What a fee's filter takes: {key: values}. A filter that was deleted since still tells.
_filter_values = (
    sa.select(sa.func.jsonb_object_agg(_keys.c.key, _values.c["values"]))
    .select_from(_values.join(_keys, _keys.c.id == _values.c.billable_metric_filter_id))
    .where(_values.c.charge_filter_id == _fees.c.charge_filter_id)
    .correlate(_fees)
    .scalar_subquery()
)
_raising = _fees.alias("raising")
_transactions = sa.table(
    "wallet_transactions",
    sa.column("id", sa.Uuid),
    sa.column("invoice_id", sa.Uuid),
    sa.column("transaction_status", sa.Text),
)
# The purchase of credits that a fee of prepaid credits is for.
_purchase = (
    sa.select(_transactions.c.id)
    .where(_transactions.c.invoice_id == _fees.c.invoice_id, _transactions.c.transaction_status == "purchased")
    .where(_fees.c.fee_type == "credit")
    .correlate(_fees)
    .scalar_subquery()
)
# The fee that lifts this one's charge to its minimum.
_true_up = (
    sa.select(_raising.c.id)
    .where(_raising.c.true_up_parent_fee_id == _fees.c.id)
    .limit(1)
    .correlate(_fees)
    .scalar_subquery()
)


@dataclass(frozen=True, slots=True)
class FeeFilter:
    """Which fees; empty asks for all. Pairs of instants are inclusive bounds, either may be None."""

    external_customer_id: str | None = None
    external_subscription_id: str | None = None
    currency: str | None = None
    fee_type: str | None = None
    billable_metric_code: str | None = None
    payment_status: str | None = None
    event_transaction_id: str | None = None
    created_at: tuple[datetime | None, datetime | None] = (None, None)
    succeeded_at: tuple[datetime | None, datetime | None] = (None, None)
    failed_at: tuple[datetime | None, datetime | None] = (None, None)
    refunded_at: tuple[datetime | None, datetime | None] = (None, None)


def _select() -> sa.Select[Any]:
    """Fees with the names and codes of plan, metric, add-on, filter, pricing unit, subscription and customer."""
    return (
        sa.select(
            *_fees.c,
            _customers.c.external_id.label("external_customer_id"),
            _subscriptions.c.external_id.label("external_subscription_id"),
            _subscriptions.c.name.label("subscription_name"),
            _plans.c.code.label("plan_code"),
            _plans.c.name.label("plan_name"),
            _plans.c.invoice_display_name.label("plan_display_name"),
            _plans.c.description.label("plan_description"),
            _charges.c.invoice_display_name.label("charge_display_name"),
            sa.func.coalesce(_charges.c.charge_model, _fixed_charges.c.charge_model).label("charge_model"),
            sa.func.coalesce(_charges.c.invoiceable, sa.true()).label("invoiceable"),
            _charges.c.code.label("charge_code"),
            _fixed_charges.c.invoice_display_name.label("fixed_charge_display_name"),
            _add_ons.c.code.label("add_on_code"),
            _add_ons.c.name.label("add_on_name"),
            _add_ons.c.description.label("add_on_description"),
            _add_ons.c.invoice_display_name.label("add_on_display_name"),
            _filters.c.invoice_display_name.label("filter_display_name"),
            _filter_values.label("filter_values"),
            _true_up.label("true_up_fee_id"),
            _purchase.label("wallet_transaction_id"),
            _fee_units.c.id.label("fee_pricing_unit_id"),
            _fee_units.c.pricing_unit_id,
            _units.c.code.label("pricing_unit_code"),
            _fee_units.c.short_name.label("pricing_unit_short_name"),
            _fee_units.c.conversion_rate,
            _fee_units.c.amount_cents.label("pricing_unit_amount_cents"),
            _fee_units.c.precise_amount_cents.label("pricing_unit_precise_amount_cents"),
            _fee_units.c.unit_amount_cents.label("pricing_unit_unit_amount_cents"),
            _fee_units.c.precise_unit_amount.label("pricing_unit_precise_unit_amount"),
            _metrics.c.id.label("metric_id"),
            _metrics.c.code.label("metric_code"),
            _metrics.c.name.label("metric_name"),
            _metrics.c.description.label("metric_description"),
            _metrics.c.recurring.label("metric_recurring"),
            _metrics.c.aggregation_type,
            _adjusted.c.units.label("adjusted_units"),
            _adjusted.c.unit_amount.label("adjusted_unit_amount"),
            _invoices.c.self_billed,
        )
        .join(_customers, _customers.c.id == _fees.c.customer_id)
        .outerjoin(_invoices, _invoices.c.id == _fees.c.invoice_id)
        .outerjoin(_subscriptions, _subscriptions.c.id == _fees.c.subscription_id)
        .outerjoin(_plans, _plans.c.id == _subscriptions.c.plan_id)
        .outerjoin(_charges, _charges.c.id == _fees.c.charge_id)
        .outerjoin(_metrics, _metrics.c.id == _charges.c.billable_metric_id)
        .outerjoin(_fixed_charges, _fixed_charges.c.id == _fees.c.fixed_charge_id)
        .outerjoin(_add_ons, _add_ons.c.id == _fees.c.add_on_id)
        .outerjoin(_filters, _filters.c.id == _fees.c.charge_filter_id)
        .outerjoin(_fee_units, _fee_units.c.fee_id == _fees.c.id)
        .outerjoin(_adjusted, _adjusted.c.id == _fees.c.adjusted_fee_id)
        .outerjoin(_units, _units.c.id == _fee_units.c.pricing_unit_id)
    )


# A fee is seen by itself, or with its invoice.
_visible = sa.or_(_fees.c.invoice_id.is_(None), _invoices.c.status.in_(VISIBLE))


async def fees_page(session: AsyncSession, request: PageRequest, wanted: FeeFilter) -> Page[RowOf]:
    """The newest first; two statements."""
    select = _select().where(_visible, *_conditions(wanted))
    total = await session.scalar(select.with_only_columns(sa.func.count())) or 0
    if request.offset >= total:
        return Page((), total, request)
    ordered = select.order_by(_fees.c.created_at.desc(), _fees.c.id)
    rows = await session.execute(ordered.limit(request.size).offset(request.offset))
    return Page(rows.all(), total, request)


def _conditions(wanted: FeeFilter) -> list[sa.ColumnElement[bool]]:
    f = _fees.c
    conditions: list[sa.ColumnElement[bool]] = []
    for column, value in (
        (_customers.c.external_id, wanted.external_customer_id),
        (_subscriptions.c.external_id, wanted.external_subscription_id),
        (f.amount_currency, wanted.currency),
        (f.fee_type, wanted.fee_type),
        (_metrics.c.code, wanted.billable_metric_code),
        (f.payment_status, wanted.payment_status),
        (f.pay_in_advance_event_transaction_id, wanted.event_transaction_id),
    ):
        if value is not None:
            conditions.append(column == value)
    for column, (start, end) in (
        (f.created_at, wanted.created_at),
        (f.succeeded_at, wanted.succeeded_at),
        (f.failed_at, wanted.failed_at),
        (f.refunded_at, wanted.refunded_at),
    ):
        if start is not None:
            conditions.append(column >= start)
        if end is not None:
            conditions.append(column <= end)
    return conditions


async def fee_row(session: AsyncSession, fee_id: object) -> RowOf:
    """One fee that clients may see. Raises NotFound."""
    row: RowOf | None = (await session.execute(_select().where(_visible, _fees.c.id == parse_id(fee_id)))).first()
    if row is None:
        raise NotFound("fee")
    return row


async def fee_rows(session: AsyncSession, fee_ids: Collection[UUID]) -> dict[UUID, RowOf]:
    """Fees by id."""
    if not fee_ids:
        return {}
    return {row.id: row for row in await session.execute(_select().where(_fees.c.id.in_(fee_ids)))}


async def fees_of_invoices(session: AsyncSession, invoice_ids: Collection[UUID]) -> dict[UUID, list[RowOf]]:
    """The fees of each invoice, in the order of its lines."""
    found: dict[UUID, list[RowOf]] = defaultdict(list)
    if invoice_ids:
        query = _select().where(_fees.c.invoice_id.in_(invoice_ids))
        for row in await session.execute(query.order_by(_fees.c.invoice_id, _fees.c.position, _fees.c.id)):
            found[row.invoice_id].append(row)
    return found


async def fees_of_subscriptions(session: AsyncSession, subscription_ids: Collection[UUID]) -> dict[UUID, list[RowOf]]:
    """The visible fees of each subscription, oldest first."""
    found: dict[UUID, list[RowOf]] = defaultdict(list)
    if subscription_ids:
        query = _select().where(_visible, _fees.c.subscription_id.in_(subscription_ids))
        for row in await session.execute(query.order_by(_fees.c.created_at, _fees.c.position, _fees.c.id)):
            found[row.subscription_id].append(row)
    return found


async def taxes_of_fees(session: AsyncSession, fee_ids: Collection[UUID]) -> dict[UUID, list[RowOf]]:
    """The taxes that applied to each fee."""
    found: dict[UUID, list[RowOf]] = defaultdict(list)
    if fee_ids:
        query = sa.select(*_taxes.c).where(_taxes.c.fee_id.in_(fee_ids)).order_by(_taxes.c.fee_id, _taxes.c.id)
        for row in await session.execute(query):
            found[row.fee_id].append(row)
    return found
