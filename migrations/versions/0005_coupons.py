"""Coupons and the credits of invoices

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations import row_security as rls

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _row(name: str, *columns: Any) -> None:
    """A table of a tenant: what every row has, and these columns."""
    op.create_table(
        name,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        *columns,
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=f"fk_{name}_organization_id"),
    )
    rls.protect(op, name)


def _known(table: str, column: str, *values: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{column}_known"))


def _reference(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    _row(
        "coupons",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("coupon_type", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=True),
        sa.Column("amount_currency", sa.Text(), nullable=True),
        sa.Column("percentage_rate", sa.Numeric(10, 5), nullable=True),
        sa.Column("frequency", sa.Text(), nullable=False),
        sa.Column("frequency_duration", sa.Integer(), nullable=True),
        sa.Column("expiration", sa.Text(), nullable=False),
        sa.Column("expiration_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reusable", sa.Boolean(), nullable=False),
        sa.Column("limited_plans", sa.Boolean(), nullable=False),
        sa.Column("limited_billable_metrics", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("terminated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        _known("coupons", "coupon_type", "fixed_amount", "percentage"),
        _known("coupons", "frequency", "once", "recurring", "forever"),
        _known("coupons", "expiration", "no_expiration", "time_limit"),
        _known("coupons", "status", "active", "terminated"),
    )
    op.create_index(
        "uq_coupons_code",
        "coupons",
        ["organization_id", "code"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_coupons_expiring",
        "coupons",
        ["organization_id", "expiration_at"],
        postgresql_where=sa.text("status = 'active' AND expiration = 'time_limit' AND deleted_at IS NULL"),
    )
    _row(
        "coupon_targets",
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=True),
        sa.Column("billable_metric_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("num_nonnulls(plan_id, billable_metric_id) = 1", name=op.f("ck_coupon_targets_one_target")),
        _reference("coupon_targets", "coupon_id", "coupons"),
        _reference("coupon_targets", "plan_id", "plans"),
        _reference("coupon_targets", "billable_metric_id", "billable_metrics"),
    )
    op.create_index(
        "uq_coupon_targets_target",
        "coupon_targets",
        ["coupon_id", "plan_id", "billable_metric_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_index("ix_coupon_targets_plan_id", "coupon_targets", ["plan_id"])
    op.create_index("ix_coupon_targets_billable_metric_id", "coupon_targets", ["billable_metric_id"])
    _row(
        "applied_coupons",
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=True),
        sa.Column("amount_currency", sa.Text(), nullable=True),
        sa.Column("percentage_rate", sa.Numeric(10, 5), nullable=True),
        sa.Column("frequency", sa.Text(), nullable=False),
        sa.Column("frequency_duration", sa.Integer(), nullable=True),
        sa.Column("frequency_duration_remaining", sa.Integer(), nullable=True),
        sa.Column("terminated_at", sa.DateTime(timezone=True), nullable=True),
        _known("applied_coupons", "frequency", "once", "recurring", "forever"),
        _known("applied_coupons", "status", "active", "terminated"),
        _reference("applied_coupons", "coupon_id", "coupons"),
        _reference("applied_coupons", "customer_id", "customers"),
    )
    op.create_index("ix_applied_coupons_coupon_id", "applied_coupons", ["coupon_id"])
    op.create_index("ix_applied_coupons_customer_id", "applied_coupons", ["customer_id"])
    op.create_index(
        "ix_applied_coupons_active",
        "applied_coupons",
        ["customer_id"],
        postgresql_where=sa.text("status = 'active'"),
    )
    op.create_index("ix_applied_coupons_listed", "applied_coupons", ["organization_id", "created_at"])
    _row(
        "credits",
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("applied_coupon_id", sa.Uuid(), nullable=True),
        sa.Column("credit_note_id", sa.Uuid(), nullable=True),
        sa.Column("progressive_billing_invoice_id", sa.Uuid(), nullable=True),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("amount_currency", sa.Text(), nullable=False),
        sa.Column("before_taxes", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "num_nonnulls(applied_coupon_id, credit_note_id, progressive_billing_invoice_id) = 1",
            name=op.f("ck_credits_one_source"),
        ),
        _reference("credits", "invoice_id", "invoices"),
        _reference("credits", "applied_coupon_id", "applied_coupons"),
        _reference("credits", "progressive_billing_invoice_id", "invoices"),
    )
    op.create_index(
        "uq_credits_source",
        "credits",
        ["invoice_id", "applied_coupon_id", "credit_note_id", "progressive_billing_invoice_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_index("ix_credits_applied_coupon_id", "credits", ["applied_coupon_id"])
    op.create_index("ix_credits_credit_note_id", "credits", ["credit_note_id"])
    op.create_index("ix_credits_progressive_billing_invoice_id", "credits", ["progressive_billing_invoice_id"])
