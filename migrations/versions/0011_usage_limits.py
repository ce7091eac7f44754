"""Usage thresholds of subscriptions, progressive billing, lifetime usage, usage alerts, daily usage

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import row_security as rls

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TENANT_TABLES = (
    "progressive_billings",
    "usage_alerts",
    "usage_alert_thresholds",
    "daily_usages",
    "lifetime_usages",
    "subscription_activities",
    "triggered_usage_alerts",
    "applied_usage_thresholds",
)


def upgrade() -> None:
    op.create_table(
        "progressive_billings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("external_subscription_id", sa.Text(), nullable=False),
        sa.Column("invoiced_usage_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("threshold_amount_cents", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_progressive_billings_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_progressive_billings")),
        sa.UniqueConstraint(
            "organization_id",
            "external_subscription_id",
            "invoiced_usage_amount_cents",
            "threshold_amount_cents",
            name="uq_progressive_billings_once",
        ),
    )
    op.create_table(
        "usage_alerts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_external_id", sa.Text(), nullable=True),
        sa.Column("wallet_id", sa.Uuid(), nullable=True),
        sa.Column("billable_metric_id", sa.Uuid(), nullable=True),
        sa.Column("alert_type", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("previous_value", sa.Numeric(precision=30, scale=5), nullable=False),
        sa.Column("last_processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("direction IN ('increasing', 'decreasing')", name=op.f("ck_usage_alerts_direction_known")),
        sa.ForeignKeyConstraint(
            ["billable_metric_id"], ["billable_metrics.id"], name=op.f("fk_usage_alerts_billable_metric_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_usage_alerts_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_alerts")),
    )
    op.create_index(
        "uq_usage_alerts_code",
        "usage_alerts",
        ["organization_id", "subscription_external_id", "code"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL AND wallet_id IS NULL"),
    )
    op.create_index(
        "uq_usage_alerts_kind",
        "usage_alerts",
        ["organization_id", "subscription_external_id", "alert_type", "billable_metric_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("deleted_at IS NULL AND wallet_id IS NULL"),
    )
    op.create_index(
        "uq_usage_alerts_wallet_code",
        "usage_alerts",
        ["wallet_id", "code"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_usage_alerts_wallet_kind",
        "usage_alerts",
        ["wallet_id", "alert_type"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "usage_alert_thresholds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("usage_alert_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("value", sa.Numeric(precision=30, scale=5), nullable=False),
        sa.Column("recurring", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_usage_alert_thresholds_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["usage_alert_id"], ["usage_alerts.id"], name=op.f("fk_usage_alert_thresholds_usage_alert_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_alert_thresholds")),
        sa.UniqueConstraint(
            "usage_alert_id",
            "value",
            "recurring",
            name=op.f("uq_usage_alert_thresholds_usage_alert_id_value_recurring"),
        ),
    )
    op.create_index(
        "uq_usage_alert_thresholds_recurring",
        "usage_alert_thresholds",
        ["usage_alert_id"],
        unique=True,
        postgresql_where=sa.text("recurring"),
    )
    op.create_table(
        "daily_usages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("external_subscription_id", sa.Text(), nullable=False),
        sa.Column("usage_date", sa.Date(), nullable=False),
        sa.Column("from_datetime", sa.DateTime(timezone=True), nullable=False),
        sa.Column("to_datetime", sa.DateTime(timezone=True), nullable=False),
        sa.Column("usage", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("usage_diff", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_daily_usages_customer_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_daily_usages_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name=op.f("fk_daily_usages_subscription_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_daily_usages")),
        sa.UniqueConstraint("subscription_id", "usage_date", name=op.f("uq_daily_usages_subscription_id_usage_date")),
    )
    op.create_index(
        "ix_daily_usages_of_customer", "daily_usages", ["organization_id", "customer_id", "usage_date"], unique=False
    )
    op.create_table(
        "lifetime_usages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("historical_usage_amount_cents", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_lifetime_usages_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name=op.f("fk_lifetime_usages_subscription_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lifetime_usages")),
        sa.UniqueConstraint("subscription_id", name=op.f("uq_lifetime_usages_subscription_id")),
    )
    op.create_table(
        "subscription_activities",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_subscription_activities_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name=op.f("fk_subscription_activities_subscription_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription_activities")),
    )
    op.create_index(
        "ix_subscription_activities_organization", "subscription_activities", ["organization_id", "id"], unique=False
    )
    op.create_table(
        "triggered_usage_alerts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("usage_alert_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=True),
        sa.Column("wallet_id", sa.Uuid(), nullable=True),
        sa.Column("current_value", sa.Numeric(precision=30, scale=5), nullable=False),
        sa.Column("previous_value", sa.Numeric(precision=30, scale=5), nullable=False),
        sa.Column("crossed_thresholds", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("triggered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_triggered_usage_alerts_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name=op.f("fk_triggered_usage_alerts_subscription_id")
        ),
        sa.ForeignKeyConstraint(
            ["usage_alert_id"], ["usage_alerts.id"], name=op.f("fk_triggered_usage_alerts_usage_alert_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_triggered_usage_alerts")),
    )
    op.create_index(
        "ix_triggered_usage_alerts_alert", "triggered_usage_alerts", ["usage_alert_id", "triggered_at"], unique=False
    )
    op.create_table(
        "applied_usage_thresholds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("usage_threshold_id", sa.Uuid(), nullable=False),
        sa.Column("lifetime_usage_amount_cents", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_applied_usage_thresholds_invoice_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_applied_usage_thresholds_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["usage_threshold_id"], ["usage_thresholds.id"], name=op.f("fk_applied_usage_thresholds_usage_threshold_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_applied_usage_thresholds")),
        sa.UniqueConstraint(
            "invoice_id", "usage_threshold_id", name=op.f("uq_applied_usage_thresholds_invoice_id_usage_threshold_id")
        ),
    )
    op.create_index(
        op.f("ix_applied_usage_thresholds_usage_threshold_id"),
        "applied_usage_thresholds",
        ["usage_threshold_id"],
        unique=False,
    )
    op.add_column("usage_thresholds", sa.Column("subscription_id", sa.Uuid(), nullable=True))
    op.alter_column("usage_thresholds", "plan_id", nullable=True)
    op.create_index(
        "uq_usage_thresholds_of_subscription",
        "usage_thresholds",
        ["subscription_id", "amount_cents", "recurring"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_foreign_key(
        op.f("fk_usage_thresholds_subscription_id"), "usage_thresholds", "subscriptions", ["subscription_id"], ["id"]
    )
    op.create_check_constraint(
        op.f("ck_usage_thresholds_one_owner"),
        "usage_thresholds",
        "num_nonnulls(plan_id, subscription_id) = 1",
    )
    for table in TENANT_TABLES:
        rls.protect(op, table)
