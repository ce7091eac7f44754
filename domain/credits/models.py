"""Coupons, what customers were given of them, and the rows that lower an invoice."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from domain.kernel.rows import TenantRow, big_integer, decimal, one_of, reference, timestamp

__all__ = [
    "COUPON_TYPES",
    "EXPIRATIONS",
    "FREQUENCIES",
    "STATUSES",
    "AppliedCoupon",
    "Coupon",
    "CouponTarget",
    "Credit",
]

COUPON_TYPES = ("fixed_amount", "percentage")
FREQUENCIES = ("once", "recurring", "forever")
EXPIRATIONS = ("no_expiration", "time_limit")
STATUSES = ("active", "terminated")


class Coupon(TenantRow, table=True):
    """A discount that can be given to customers. Amounts are minor units of `amount_currency`, rates percent.

    `frequency_duration`: for so many invoices, of a recurring one. `limited_plans`, `limited_billable_metrics`: it
    only lowers what its targets name.
    """

    __tablename__ = "coupons"
    __table_args__ = (
        one_of("coupon_type", COUPON_TYPES),
        one_of("frequency", FREQUENCIES),
        one_of("expiration", EXPIRATIONS),
        one_of("status", STATUSES),
        sa.Index("uq_coupons_code", "organization_id", "code", unique=True,
                 postgresql_where=sa.text("deleted_at IS NULL")),
        sa.Index("ix_coupons_expiring", "organization_id", "expiration_at",
                 postgresql_where=sa.text("status = 'active' AND expiration = 'time_limit' AND deleted_at IS NULL")),
    )  # fmt: skip

    name: str
    code: str
    description: str | None = None
    coupon_type: str
    amount_cents: int | None = big_integer(nullable=True, default=None)
    amount_currency: str | None = None
    percentage_rate: Decimal | None = decimal(10, 5, nullable=True, default=None)
    frequency: str
    frequency_duration: int | None = None
    expiration: str
    expiration_at: datetime | None = timestamp()
    reusable: bool = Field(default=True)
    limited_plans: bool = Field(default=False)
    limited_billable_metrics: bool = Field(default=False)
    status: str = Field(default="active")
    terminated_at: datetime | None = timestamp()
    deleted_at: datetime | None = timestamp()


class CouponTarget(TenantRow, table=True):
    """A plan or a billable metric that a limited coupon lowers."""

    __tablename__ = "coupon_targets"
    __table_args__ = (
        sa.CheckConstraint("num_nonnulls(plan_id, billable_metric_id) = 1", name="one_target"),
        sa.Index("uq_coupon_targets_target", "coupon_id", "plan_id", "billable_metric_id", unique=True,
                 postgresql_nulls_not_distinct=True),
    )  # fmt: skip

    coupon_id: UUID = reference("coupons.id")
    plan_id: UUID | None = reference("plans.id", nullable=True, index=True)
    billable_metric_id: UUID | None = reference("billable_metrics.id", nullable=True, index=True)


class AppliedCoupon(TenantRow, table=True):
    """A coupon given to a customer, with terms of its own. Whether it is fixed or a percentage is the coupon's to say.

    `frequency_duration_remaining`: invoices left, of a recurring one.
    """

    __tablename__ = "applied_coupons"
    __table_args__ = (
        one_of("frequency", FREQUENCIES),
        one_of("status", STATUSES),
        sa.Index("ix_applied_coupons_active", "customer_id", postgresql_where=sa.text("status = 'active'")),
        sa.Index("ix_applied_coupons_listed", "organization_id", "created_at"),
    )

    coupon_id: UUID = reference("coupons.id", index=True)
    customer_id: UUID = reference("customers.id", index=True)
    status: str = Field(default="active")
    amount_cents: int | None = big_integer(nullable=True, default=None)
    amount_currency: str | None = None
    percentage_rate: Decimal | None = decimal(10, 5, nullable=True, default=None)
    frequency: str
    frequency_duration: int | None = None
    frequency_duration_remaining: int | None = None
    terminated_at: datetime | None = timestamp()


class Credit(TenantRow, table=True):
    """What one source took off an invoice, in minor units. before_taxes: it lowers what is taxed."""

    __tablename__ = "credits"
    __table_args__ = (
        sa.CheckConstraint(
            "num_nonnulls(applied_coupon_id, credit_note_id, progressive_billing_invoice_id) = 1", name="one_source"
        ),
        # A source lowers an invoice once.
        sa.Index("uq_credits_source", "invoice_id", "applied_coupon_id", "credit_note_id",
                 "progressive_billing_invoice_id", unique=True, postgresql_nulls_not_distinct=True),
    )  # fmt: skip

    invoice_id: UUID = reference("invoices.id")
    applied_coupon_id: UUID | None = reference("applied_coupons.id", nullable=True, index=True)
    credit_note_id: UUID | None = reference("credit_notes.id", nullable=True, index=True)
    progressive_billing_invoice_id: UUID | None = reference("invoices.id", nullable=True, index=True)
    amount_cents: int = big_integer()
    amount_currency: str
    before_taxes: bool
