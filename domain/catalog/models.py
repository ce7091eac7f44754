"""What is sold: billable metrics, plans with charges and fixed charges, add-ons, taxes, pricing units."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from domain.kernel.rows import TenantRow, big_integer, decimal, json_object, one_of, reference, texts, timestamp

__all__ = [
    "AddOn", "AddOnTax", "AppliedPricingUnit", "BillableMetric", "BillableMetricFilter", "BillingEntityTax", "Charge",
    "ChargeFilter", "ChargeFilterValue", "ChargeTax", "Commitment", "CommitmentTax", "CustomerTax", "FixedCharge",
    "FixedChargeTax", "Plan", "PlanTax", "PricingUnit", "Tax", "UsageThreshold",
]  # fmt: skip


class BillableMetric(TenantRow, table=True):
    """How events of a code become units.

    `values_ready`: every stored event of this code carries its number in `events.value`; until then sums read the raw
    property, which is exact and slower.
    """

    __tablename__ = "billable_metrics"
    __table_args__ = (
        one_of("aggregation_type", ("count_agg", "sum_agg", "max_agg", "unique_count_agg", "latest_agg",
                                    "weighted_sum_agg")),
        one_of("weighted_interval", ("seconds",)),
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
    weighted_interval: str | None = None
    expression: str | None = None
    values_ready: bool = Field(default=False)
    deleted_at: datetime | None = timestamp()


class BillableMetricFilter(TenantRow, table=True):
    """A dimension of a metric: an event property and the values it may have."""

    __tablename__ = "billable_metric_filters"
    __table_args__ = (
        sa.Index("uq_billable_metric_filters_key", "billable_metric_id", "key", unique=True,
                 postgresql_where=sa.text("deleted_at IS NULL")),
    )  # fmt: skip

    billable_metric_id: UUID = reference("billable_metrics.id")
    key: str
    values: list[str] = texts()
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
    bill_fixed_charges_monthly: bool | None = None
    plan_metadata: dict[str, Any] | None = json_object(nullable=True)
    pending_deletion: bool = Field(default=False)
    deleted_at: datetime | None = timestamp()


class Charge(TenantRow, table=True):
    """The price of a metric's units on a plan. `properties` are kept as sent, cleaned to the model's keys."""

    __tablename__ = "charges"
    __table_args__ = (
        one_of("charge_model", ("standard", "graduated", "package", "percentage", "volume", "graduated_percentage",
                                "dynamic")),
        one_of("regroup_paid_fees", ("invoice",)),
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
    pay_in_advance: bool = Field(default=False)
    prorated: bool = Field(default=False)
    invoiceable: bool = Field(default=True)
    regroup_paid_fees: str | None = None
    min_amount_cents: int = big_integer(default=0)
    accepts_target_wallet: bool = Field(default=False)
    position: int = Field(default=0)
    deleted_at: datetime | None = timestamp()


class ChargeFilter(TenantRow, table=True):
    """Another price for the events of a charge that match. `position`: the order in which filters were last written."""

    __tablename__ = "charge_filters"
    __table_args__ = (
        sa.Index("uq_charge_filters_code", "charge_id", "code", unique=True,
                 postgresql_where=sa.text("deleted_at IS NULL")),
        sa.Index("ix_charge_filters_charge_id", "charge_id"),
    )  # fmt: skip

    charge_id: UUID = reference("charges.id")
    code: str
    invoice_display_name: str | None = None
    properties: dict[str, Any] = json_object()
    position: int = Field(default=0)
    deleted_at: datetime | None = timestamp()


class ChargeFilterValue(TenantRow, table=True):
    """The values of one dimension that a charge filter takes; `__ALL_FILTER_VALUES__` alone means every listed one."""

    __tablename__ = "charge_filter_values"

    charge_filter_id: UUID = reference("charge_filters.id", index=True)
    billable_metric_filter_id: UUID = reference("billable_metric_filters.id", index=True)
    values: list[str] = texts()
    deleted_at: datetime | None = timestamp()


class AddOn(TenantRow, table=True):
    """Something sold by the piece: a line of a one-off invoice, or what a fixed charge counts."""

    __tablename__ = "add_ons"
    __table_args__ = (
        sa.Index("uq_add_ons_code", "organization_id", "code", unique=True,
                 postgresql_where=sa.text("deleted_at IS NULL")),
    )  # fmt: skip

    name: str
    code: str
    invoice_display_name: str | None = None
    description: str | None = None
    amount_cents: int = big_integer()
    amount_currency: str
    deleted_at: datetime | None = timestamp()


class FixedCharge(TenantRow, table=True):
    """A quantity of an add-on that a plan bills every period, whatever is used."""

    __tablename__ = "fixed_charges"
    __table_args__ = (
        one_of("charge_model", ("standard", "graduated", "volume")),
        sa.CheckConstraint("units >= 0", name="units_not_negative"),
        sa.Index("uq_fixed_charges_code", "plan_id", "code", unique=True,
                 postgresql_where=sa.text("deleted_at IS NULL AND parent_id IS NULL")),
    )  # fmt: skip

    plan_id: UUID = reference("plans.id", index=True)
    add_on_id: UUID = reference("add_ons.id", index=True)
    parent_id: UUID | None = reference("fixed_charges.id", nullable=True)
    code: str
    invoice_display_name: str | None = None
    charge_model: str
    properties: dict[str, Any] = json_object()
    units: Decimal = decimal(30, 10, default=Decimal(0))
    pay_in_advance: bool = Field(default=False)
    prorated: bool = Field(default=False)
    position: int = Field(default=0)
    deleted_at: datetime | None = timestamp()


class Commitment(TenantRow, table=True):
    """The least that a period of a plan brings in: what is missing is billed on top."""

    __tablename__ = "commitments"
    __table_args__ = (sa.UniqueConstraint("plan_id"),)

    plan_id: UUID = reference("plans.id")
    amount_cents: int = big_integer()
    invoice_display_name: str | None = None


class UsageThreshold(TenantRow, table=True):
    """An amount of lifetime usage at which subscribers are billed before the period ends: a plan's, or the own one of
    a subscription (handbook, metering 18.1)."""

    __tablename__ = "usage_thresholds"
    __table_args__ = (
        sa.Index("uq_usage_thresholds_amount", "plan_id", "amount_cents", "recurring", unique=True,
                 postgresql_where=sa.text("deleted_at IS NULL")),
        sa.Index("uq_usage_thresholds_of_subscription", "subscription_id", "amount_cents", "recurring", unique=True,
                 postgresql_where=sa.text("deleted_at IS NULL")),
        sa.CheckConstraint("num_nonnulls(plan_id, subscription_id) = 1", name="one_owner"),
    )  # fmt: skip

    plan_id: UUID | None = reference("plans.id", nullable=True)
    subscription_id: UUID | None = reference("subscriptions.id", nullable=True)
    amount_cents: int = big_integer()
    recurring: bool = Field(default=False)
    threshold_display_name: str | None = None
    deleted_at: datetime | None = timestamp()


class PricingUnit(TenantRow, table=True):
    """A unit of account of one's own, such as credits, that charges may be priced in."""

    __tablename__ = "pricing_units"
    __table_args__ = (sa.UniqueConstraint("organization_id", "code"),)

    code: str
    name: str
    short_name: str
    description: str | None = None


class AppliedPricingUnit(TenantRow, table=True):
    """A charge priced in a pricing unit; `conversion_rate`: what one unit is in the plan's currency."""

    __tablename__ = "applied_pricing_units"
    __table_args__ = (sa.UniqueConstraint("charge_id"),)

    charge_id: UUID = reference("charges.id")
    pricing_unit_id: UUID = reference("pricing_units.id", index=True)
    conversion_rate: Decimal = decimal(40, 15)


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
    auto_generated: bool = Field(default=False)
    deleted_at: datetime | None = timestamp()


class BillingEntityTax(TenantRow, table=True):
    """A tax that applies to all that a billing entity invoices, where nothing nearer says otherwise."""

    __tablename__ = "billing_entity_taxes"
    __table_args__ = (sa.UniqueConstraint("billing_entity_id", "tax_id"),)

    billing_entity_id: UUID = reference("billing_entities.id", index=True)
    tax_id: UUID = reference("taxes.id", index=True)


class PlanTax(TenantRow, table=True):
    """A tax on all that a plan bills, where the charge or commitment says nothing itself."""

    __tablename__ = "plan_taxes"
    __table_args__ = (sa.UniqueConstraint("plan_id", "tax_id"),)

    plan_id: UUID = reference("plans.id")
    tax_id: UUID = reference("taxes.id", index=True)


class ChargeTax(TenantRow, table=True):
    """A tax on a charge's fees."""

    __tablename__ = "charge_taxes"
    __table_args__ = (sa.UniqueConstraint("charge_id", "tax_id"),)

    charge_id: UUID = reference("charges.id")
    tax_id: UUID = reference("taxes.id", index=True)


class FixedChargeTax(TenantRow, table=True):
    """A tax on a fixed charge's fees."""

    __tablename__ = "fixed_charge_taxes"
    __table_args__ = (sa.UniqueConstraint("fixed_charge_id", "tax_id"),)

    fixed_charge_id: UUID = reference("fixed_charges.id")
    tax_id: UUID = reference("taxes.id", index=True)


class CommitmentTax(TenantRow, table=True):
    """A tax on a commitment's fee."""

    __tablename__ = "commitment_taxes"
    __table_args__ = (sa.UniqueConstraint("commitment_id", "tax_id"),)

    commitment_id: UUID = reference("commitments.id")
    tax_id: UUID = reference("taxes.id", index=True)


class AddOnTax(TenantRow, table=True):
    """A tax on the one-off lines of an add-on."""

    __tablename__ = "add_on_taxes"
    __table_args__ = (sa.UniqueConstraint("add_on_id", "tax_id"),)

    add_on_id: UUID = reference("add_ons.id")
    tax_id: UUID = reference("taxes.id", index=True)


class CustomerTax(TenantRow, table=True):
    """A tax on all that a customer is billed, where nothing nearer says otherwise."""

    __tablename__ = "customer_taxes"
    __table_args__ = (sa.UniqueConstraint("customer_id", "tax_id"),)

    customer_id: UUID = reference("customers.id")
    tax_id: UUID = reference("taxes.id", index=True)
