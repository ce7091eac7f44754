"""What is sold: billable metrics, plans with charges, taxes."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from domain.kernel.rows import TenantRow, big_integer, decimal, json_object, one_of, reference, timestamp

__all__ = ["BillableMetric", "BillingEntityTax", "Charge", "Plan", "Tax"]


class BillableMetric(TenantRow, table=True):
    """How events of a code become units.

    `values_ready`: every stored event of this code carries its number in `events.value`; until then sums read the raw
    property, which is exact and slower.
    """

    __tablename__ = "billable_metrics"
    __table_args__ = (
        one_of("aggregation_type", ("count_agg", "sum_agg", "max_agg", "unique_count_agg", "latest_agg")),
        one_of("rounding_function", ("round", "ceil", "floor")),
        sa.Index("uq_billable_metrics_code", "organization_id", "code", unique=True,
                 postgresql_where=sa.text("deleted_at IS NULL")),
    )  # fmt: skip

    name: str
    code: str
    description: str | None = None
    aggregation_type: str
    field_name: str | None = None
    recurring: bool = Field(default=False)
    rounding_function: str | None = None
    rounding_precision: int | None = None
    values_ready: bool = Field(default=False)
    deleted_at: datetime | None = timestamp()


class Plan(TenantRow, table=True):
    """A price list that customers subscribe to. `amount_cents` is the base fee per interval."""

    __tablename__ = "plans"
    __table_args__ = (
        one_of("interval", ("weekly", "monthly", "quarterly", "semiannual", "yearly")),
        sa.Index("uq_plans_code", "organization_id", "code", unique=True,
                 postgresql_where=sa.text("deleted_at IS NULL AND parent_id IS NULL")),
    )  # fmt: skip

    parent_id: UUID | None = reference("plans.id", nullable=True, index=True)
    name: str
    code: str
    invoice_display_name: str | None = None
    description: str | None = None
    interval: str
    amount_cents: int = big_integer()
    amount_currency: str
    pay_in_advance: bool
    trial_period: Decimal | None = decimal(16, 10, nullable=True, default=None)
    bill_charges_monthly: bool | None = None
    pending_deletion: bool = Field(default=False)
    deleted_at: datetime | None = timestamp()


class Charge(TenantRow, table=True):
    """The price of a metric's units on a plan. `properties` are kept as sent, cleaned to the model's keys."""

    __tablename__ = "charges"
    __table_args__ = (
        one_of("charge_model", ("standard", "graduated", "package")),
        sa.Index("uq_charges_code", "plan_id", "code", unique=True,
                 postgresql_where=sa.text("deleted_at IS NULL AND parent_id IS NULL")),
    )  # fmt: skip

    plan_id: UUID = reference("plans.id", index=True)
    billable_metric_id: UUID = reference("billable_metrics.id", index=True)
    parent_id: UUID | None = reference("charges.id", nullable=True)
    code: str
    invoice_display_name: str | None = None
    charge_model: str
    properties: dict[str, Any] = json_object()
    position: int = Field(default=0)
    deleted_at: datetime | None = timestamp()


class Tax(TenantRow, table=True):
    """A tax by rate, in percent."""

    __tablename__ = "taxes"
    __table_args__ = (
        sa.Index("uq_taxes_code", "organization_id", "code", unique=True,
                 postgresql_where=sa.text("deleted_at IS NULL")),
    )  # fmt: skip

    name: str
    code: str
    rate: Decimal = decimal(20, 8)
    description: str | None = None
    deleted_at: datetime | None = timestamp()


class BillingEntityTax(TenantRow, table=True):
    """A tax that applies to all that a billing entity invoices, where nothing nearer says otherwise."""

    __tablename__ = "billing_entity_taxes"
    __table_args__ = (sa.UniqueConstraint("billing_entity_id", "tax_id"),)

    billing_entity_id: UUID = reference("billing_entities.id", index=True)
    tax_id: UUID = reference("taxes.id", index=True)
