"""initial

Revision ID: 0001
Revises: nothing
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import row_security as rls

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "clock_ticks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("tick", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock_ticks")),
        sa.UniqueConstraint("job", "tick", name=op.f("uq_clock_ticks_job_tick")),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("external_subscription_id", sa.Text(), nullable=True),
        sa.Column("transaction_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("properties", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("value", sa.Numeric(), nullable=True),
        sa.Column("precise_total_amount_cents", sa.Numeric(precision=40, scale=15), nullable=True),
        sa.Column("event_metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("timestamp", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index("ix_events_received", "events", ["organization_id", "created_at", "sequence"], unique=False)
    op.create_index(
        "ix_events_usage",
        "events",
        ["organization_id", "external_subscription_id", "code", "timestamp"],
        unique=False,
        postgresql_include=["value"],
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_events_transaction",
        "events",
        ["organization_id", "transaction_id", "external_subscription_id"],
        unique=True,
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("arguments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("unique_key", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("waits", sa.Boolean(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('pending', 'failed')", name=op.f("ck_jobs_status_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index(
        "ix_jobs_due", "jobs", ["sent_at", "due_at"], unique=False, postgresql_where=sa.text("status = 'pending'")
    )
    op.create_index("ix_jobs_organization", "jobs", ["organization_id"], unique=False)
    op.create_index(
        "uq_jobs_unique_key",
        "jobs",
        ["organization_id", "actor", "unique_key"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("unique_key IS NOT NULL"),
    )
    op.create_table(
        "organizations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("hmac_key", sa.Text(), nullable=False),
        sa.Column("authentication_methods", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("sandbox", sa.Boolean(), nullable=False),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "sandbox = (frozen_at IS NOT NULL)", name=op.f("ck_organizations_frozen_exactly_when_sandbox")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organizations")),
        sa.UniqueConstraint("slug", name=op.f("uq_organizations_slug")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )
    op.create_table(
        "add_ons",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("invoice_display_name", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("amount_currency", sa.Text(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_add_ons_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_add_ons")),
    )
    op.create_index(
        "uq_add_ons_code",
        "add_ons",
        ["organization_id", "code"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("value_digest", sa.Text(), nullable=False),
        sa.Column("permissions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_api_keys_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("value_digest", name=op.f("uq_api_keys_value_digest")),
    )
    op.create_table(
        "billable_metrics",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("aggregation_type", sa.Text(), nullable=False),
        sa.Column("field_name", sa.Text(), nullable=True),
        sa.Column("recurring", sa.Boolean(), nullable=False),
        sa.Column("rounding_function", sa.Text(), nullable=True),
        sa.Column("rounding_precision", sa.Integer(), nullable=True),
        sa.Column("weighted_interval", sa.Text(), nullable=True),
        sa.Column("expression", sa.Text(), nullable=True),
        sa.Column("values_ready", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "aggregation_type IN ('count_agg', 'sum_agg', 'max_agg', 'unique_count_agg', 'latest_agg', 'weighted_sum_agg')",
            name=op.f("ck_billable_metrics_aggregation_type_known"),
        ),
        sa.CheckConstraint(
            "rounding_function IN ('round', 'ceil', 'floor')", name=op.f("ck_billable_metrics_rounding_function_known")
        ),
        sa.CheckConstraint(
            "weighted_interval IN ('seconds')", name=op.f("ck_billable_metrics_weighted_interval_known")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_billable_metrics_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billable_metrics")),
    )
    op.create_index(
        "uq_billable_metrics_code",
        "billable_metrics",
        ["organization_id", "code"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "billing_entities",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("legal_name", sa.Text(), nullable=True),
        sa.Column("legal_number", sa.Text(), nullable=True),
        sa.Column("tax_identification_number", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("address_line1", sa.Text(), nullable=True),
        sa.Column("address_line2", sa.Text(), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("zipcode", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("default_currency", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("document_locale", sa.Text(), nullable=False),
        sa.Column("document_numbering", sa.Text(), nullable=False),
        sa.Column("document_number_prefix", sa.Text(), nullable=False),
        sa.Column("invoice_footer", sa.Text(), nullable=True),
        sa.Column("invoice_grace_period", sa.Integer(), nullable=False),
        sa.Column("net_payment_term", sa.Integer(), nullable=False),
        sa.Column("finalize_zero_amount_invoice", sa.Boolean(), nullable=False),
        sa.Column("subscription_invoice_issuing_date_anchor", sa.Text(), nullable=False),
        sa.Column("subscription_invoice_issuing_date_adjustment", sa.Text(), nullable=False),
        sa.Column("email_settings", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("eu_tax_management", sa.Boolean(), nullable=False),
        sa.Column("logo_key", sa.Text(), nullable=True),
        sa.Column("logo_content_type", sa.Text(), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "document_numbering IN ('per_customer', 'per_billing_entity')",
            name=op.f("ck_billing_entities_document_numbering_known"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_billing_entities_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_entities")),
    )
    op.create_index(
        "uq_billing_entities_code",
        "billing_entities",
        ["organization_id", "code"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL AND archived_at IS NULL"),
    )
    op.create_table(
        "memberships",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('active', 'revoked')", name=op.f("ck_memberships_status_known")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_memberships_organization_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_memberships_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_memberships")),
    )
    op.create_index(op.f("ix_memberships_user_id"), "memberships", ["user_id"], unique=False)
    op.create_index(
        "uq_memberships_user",
        "memberships",
        ["organization_id", "user_id"],
        unique=True,
        postgresql_where=sa.text("status = 'active'"),
    )
    op.create_table(
        "plans",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("invoice_display_name", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("interval", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("amount_currency", sa.Text(), nullable=False),
        sa.Column("pay_in_advance", sa.Boolean(), nullable=False),
        sa.Column("trial_period", sa.Numeric(precision=16, scale=10), nullable=True),
        sa.Column("bill_charges_monthly", sa.Boolean(), nullable=True),
        sa.Column("bill_fixed_charges_monthly", sa.Boolean(), nullable=True),
        sa.Column("plan_metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("pending_deletion", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "interval IN ('weekly', 'monthly', 'quarterly', 'semiannual', 'yearly')",
            name=op.f("ck_plans_interval_known"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_plans_organization_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["plans.id"], name=op.f("fk_plans_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plans")),
    )
    op.create_index(op.f("ix_plans_parent_id"), "plans", ["parent_id"], unique=False)
    op.create_index(
        "uq_plans_code",
        "plans",
        ["organization_id", "code"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL AND parent_id IS NULL"),
    )
    op.create_table(
        "pricing_units",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("short_name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_pricing_units_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pricing_units")),
        sa.UniqueConstraint("organization_id", "code", name=op.f("uq_pricing_units_organization_id_code")),
    )
    op.create_table(
        "roles",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("admin", sa.Boolean(), nullable=False),
        sa.Column("permissions", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_roles_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roles")),
    )
    op.create_index(op.f("ix_roles_organization_id"), "roles", ["organization_id"], unique=False)
    op.create_index(
        "uq_roles_code",
        "roles",
        ["organization_id", "code"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "taxes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("rate", sa.Numeric(precision=20, scale=8), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_taxes_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_taxes")),
    )
    op.create_index(
        "uq_taxes_code",
        "taxes",
        ["organization_id", "code"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("webhook_url", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("signature_algo", sa.Text(), nullable=False),
        sa.Column("event_types", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.CheckConstraint("signature_algo IN ('jwt', 'hmac')", name=op.f("ck_webhook_endpoints_signature_algo_known")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_webhook_endpoints_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
        sa.UniqueConstraint(
            "organization_id", "webhook_url", name=op.f("uq_webhook_endpoints_organization_id_webhook_url")
        ),
    )
    op.create_table(
        "add_on_taxes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("add_on_id", sa.Uuid(), nullable=False),
        sa.Column("tax_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["add_on_id"], ["add_ons.id"], name=op.f("fk_add_on_taxes_add_on_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_add_on_taxes_organization_id")
        ),
        sa.ForeignKeyConstraint(["tax_id"], ["taxes.id"], name=op.f("fk_add_on_taxes_tax_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_add_on_taxes")),
        sa.UniqueConstraint("add_on_id", "tax_id", name=op.f("uq_add_on_taxes_add_on_id_tax_id")),
    )
    op.create_index(op.f("ix_add_on_taxes_tax_id"), "add_on_taxes", ["tax_id"], unique=False)
    op.create_table(
        "billable_metric_filters",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("billable_metric_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("values", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["billable_metric_id"], ["billable_metrics.id"], name=op.f("fk_billable_metric_filters_billable_metric_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_billable_metric_filters_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billable_metric_filters")),
    )
    op.create_index(
        "uq_billable_metric_filters_key",
        "billable_metric_filters",
        ["billable_metric_id", "key"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "billing_entity_taxes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("billing_entity_id", sa.Uuid(), nullable=False),
        sa.Column("tax_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["billing_entity_id"], ["billing_entities.id"], name=op.f("fk_billing_entity_taxes_billing_entity_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_billing_entity_taxes_organization_id")
        ),
        sa.ForeignKeyConstraint(["tax_id"], ["taxes.id"], name=op.f("fk_billing_entity_taxes_tax_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_entity_taxes")),
        sa.UniqueConstraint(
            "billing_entity_id", "tax_id", name=op.f("uq_billing_entity_taxes_billing_entity_id_tax_id")
        ),
    )
    op.create_index(
        op.f("ix_billing_entity_taxes_billing_entity_id"), "billing_entity_taxes", ["billing_entity_id"], unique=False
    )
    op.create_index(op.f("ix_billing_entity_taxes_tax_id"), "billing_entity_taxes", ["tax_id"], unique=False)
    op.create_table(
        "charges",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("billable_metric_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("invoice_display_name", sa.Text(), nullable=True),
        sa.Column("charge_model", sa.Text(), nullable=False),
        sa.Column("properties", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("pay_in_advance", sa.Boolean(), nullable=False),
        sa.Column("prorated", sa.Boolean(), nullable=False),
        sa.Column("invoiceable", sa.Boolean(), nullable=False),
        sa.Column("regroup_paid_fees", sa.Text(), nullable=True),
        sa.Column("min_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("accepts_target_wallet", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "charge_model IN ('standard', 'graduated', 'package', 'percentage', 'volume', 'graduated_percentage', 'dynamic')",
            name=op.f("ck_charges_charge_model_known"),
        ),
        sa.CheckConstraint("regroup_paid_fees IN ('invoice')", name=op.f("ck_charges_regroup_paid_fees_known")),
        sa.ForeignKeyConstraint(
            ["billable_metric_id"], ["billable_metrics.id"], name=op.f("fk_charges_billable_metric_id")
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_charges_organization_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["charges.id"], name=op.f("fk_charges_parent_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_charges_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charges")),
    )
    op.create_index(op.f("ix_charges_billable_metric_id"), "charges", ["billable_metric_id"], unique=False)
    op.create_index(op.f("ix_charges_plan_id"), "charges", ["plan_id"], unique=False)
    op.create_index(
        "uq_charges_code",
        "charges",
        ["plan_id", "code"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL AND parent_id IS NULL"),
    )
    op.create_table(
        "commitments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("invoice_display_name", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_commitments_organization_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_commitments_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commitments")),
        sa.UniqueConstraint("plan_id", name=op.f("uq_commitments_plan_id")),
    )
    op.create_table(
        "customers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("billing_entity_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("sequential_id", sa.BigInteger(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("firstname", sa.Text(), nullable=True),
        sa.Column("lastname", sa.Text(), nullable=True),
        sa.Column("customer_type", sa.Text(), nullable=True),
        sa.Column("account_type", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("logo_url", sa.Text(), nullable=True),
        sa.Column("legal_name", sa.Text(), nullable=True),
        sa.Column("legal_number", sa.Text(), nullable=True),
        sa.Column("tax_identification_number", sa.Text(), nullable=True),
        sa.Column("address_line1", sa.Text(), nullable=True),
        sa.Column("address_line2", sa.Text(), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("zipcode", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("shipping_address_line1", sa.Text(), nullable=True),
        sa.Column("shipping_address_line2", sa.Text(), nullable=True),
        sa.Column("shipping_city", sa.Text(), nullable=True),
        sa.Column("shipping_state", sa.Text(), nullable=True),
        sa.Column("shipping_zipcode", sa.Text(), nullable=True),
        sa.Column("shipping_country", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("timezone", sa.Text(), nullable=True),
        sa.Column("document_locale", sa.Text(), nullable=True),
        sa.Column("net_payment_term", sa.Integer(), nullable=True),
        sa.Column("invoice_grace_period", sa.Integer(), nullable=True),
        sa.Column("finalize_zero_amount_invoice", sa.Text(), nullable=False),
        sa.Column("external_salesforce_id", sa.Text(), nullable=True),
        sa.Column("subscription_invoice_issuing_date_anchor", sa.Text(), nullable=True),
        sa.Column("subscription_invoice_issuing_date_adjustment", sa.Text(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("account_type IN ('customer', 'partner')", name=op.f("ck_customers_account_type_known")),
        sa.CheckConstraint("customer_type IN ('company', 'individual')", name=op.f("ck_customers_customer_type_known")),
        sa.CheckConstraint(
            "finalize_zero_amount_invoice IN ('inherit', 'skip', 'finalize')",
            name=op.f("ck_customers_finalize_zero_amount_invoice_known"),
        ),
        sa.ForeignKeyConstraint(
            ["billing_entity_id"], ["billing_entities.id"], name=op.f("fk_customers_billing_entity_id")
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_customers_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
    )
    op.create_index(op.f("ix_customers_billing_entity_id"), "customers", ["billing_entity_id"], unique=False)
    op.create_index("ix_customers_listed", "customers", ["organization_id", "created_at"], unique=False)
    op.create_index(
        "uq_customers_external_id",
        "customers",
        ["organization_id", "external_id"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index("uq_customers_sequential_id", "customers", ["organization_id", "sequential_id"], unique=True)
    op.create_table(
        "fixed_charges",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("add_on_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("invoice_display_name", sa.Text(), nullable=True),
        sa.Column("charge_model", sa.Text(), nullable=False),
        sa.Column("properties", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("units", sa.Numeric(precision=30, scale=10), nullable=False),
        sa.Column("pay_in_advance", sa.Boolean(), nullable=False),
        sa.Column("prorated", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "charge_model IN ('standard', 'graduated', 'volume')", name=op.f("ck_fixed_charges_charge_model_known")
        ),
        sa.CheckConstraint("units >= 0", name=op.f("ck_fixed_charges_units_not_negative")),
        sa.ForeignKeyConstraint(["add_on_id"], ["add_ons.id"], name=op.f("fk_fixed_charges_add_on_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_fixed_charges_organization_id")
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["fixed_charges.id"], name=op.f("fk_fixed_charges_parent_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_fixed_charges_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fixed_charges")),
    )
    op.create_index(op.f("ix_fixed_charges_add_on_id"), "fixed_charges", ["add_on_id"], unique=False)
    op.create_index(op.f("ix_fixed_charges_plan_id"), "fixed_charges", ["plan_id"], unique=False)
    op.create_index(
        "uq_fixed_charges_code",
        "fixed_charges",
        ["plan_id", "code"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL AND parent_id IS NULL"),
    )
    op.create_table(
        "membership_roles",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("membership_id", sa.Uuid(), nullable=False),
        sa.Column("role_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["membership_id"], ["memberships.id"], name=op.f("fk_membership_roles_membership_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_membership_roles_organization_id")
        ),
        sa.ForeignKeyConstraint(["role_id"], ["roles.id"], name=op.f("fk_membership_roles_role_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership_roles")),
        sa.UniqueConstraint("membership_id", "role_id", name=op.f("uq_membership_roles_membership_id_role_id")),
    )
    op.create_index(op.f("ix_membership_roles_membership_id"), "membership_roles", ["membership_id"], unique=False)
    op.create_index(op.f("ix_membership_roles_role_id"), "membership_roles", ["role_id"], unique=False)
    op.create_table(
        "plan_taxes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("tax_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_plan_taxes_organization_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_plan_taxes_plan_id")),
        sa.ForeignKeyConstraint(["tax_id"], ["taxes.id"], name=op.f("fk_plan_taxes_tax_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_taxes")),
        sa.UniqueConstraint("plan_id", "tax_id", name=op.f("uq_plan_taxes_plan_id_tax_id")),
    )
    op.create_index(op.f("ix_plan_taxes_tax_id"), "plan_taxes", ["tax_id"], unique=False)
    op.create_table(
        "usage_thresholds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("recurring", sa.Boolean(), nullable=False),
        sa.Column("threshold_display_name", sa.Text(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_usage_thresholds_organization_id")
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_usage_thresholds_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_thresholds")),
    )
    op.create_index(
        "uq_usage_thresholds_amount",
        "usage_thresholds",
        ["plan_id", "amount_cents", "recurring"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("webhook_endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("webhook_type", sa.Text(), nullable=False),
        sa.Column("object_type", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=True),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("response", sa.Text(), nullable=True),
        sa.Column("retries", sa.Integer(), nullable=False),
        sa.Column("last_retried_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'succeeded', 'failed', 'retrying')", name=op.f("ck_webhooks_status_known")
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_webhooks_organization_id")),
        sa.ForeignKeyConstraint(
            ["webhook_endpoint_id"],
            ["webhook_endpoints.id"],
            name=op.f("fk_webhooks_webhook_endpoint_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
    )
    op.create_index("ix_webhooks_endpoint", "webhooks", ["webhook_endpoint_id", "updated_at"], unique=False)
    op.create_index("ix_webhooks_updated_at", "webhooks", ["organization_id", "updated_at"], unique=False)
    op.create_table(
        "applied_pricing_units",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("charge_id", sa.Uuid(), nullable=False),
        sa.Column("pricing_unit_id", sa.Uuid(), nullable=False),
        sa.Column("conversion_rate", sa.Numeric(precision=40, scale=15), nullable=False),
        sa.ForeignKeyConstraint(["charge_id"], ["charges.id"], name=op.f("fk_applied_pricing_units_charge_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_applied_pricing_units_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["pricing_unit_id"], ["pricing_units.id"], name=op.f("fk_applied_pricing_units_pricing_unit_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_applied_pricing_units")),
        sa.UniqueConstraint("charge_id", name=op.f("uq_applied_pricing_units_charge_id")),
    )
    op.create_index(
        op.f("ix_applied_pricing_units_pricing_unit_id"), "applied_pricing_units", ["pricing_unit_id"], unique=False
    )
    op.create_table(
        "charge_filters",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("charge_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("invoice_display_name", sa.Text(), nullable=True),
        sa.Column("properties", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["charge_id"], ["charges.id"], name=op.f("fk_charge_filters_charge_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_charge_filters_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charge_filters")),
    )
    op.create_index("ix_charge_filters_charge_id", "charge_filters", ["charge_id"], unique=False)
    op.create_index(
        "uq_charge_filters_code",
        "charge_filters",
        ["charge_id", "code"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "charge_taxes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("charge_id", sa.Uuid(), nullable=False),
        sa.Column("tax_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["charge_id"], ["charges.id"], name=op.f("fk_charge_taxes_charge_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_charge_taxes_organization_id")
        ),
        sa.ForeignKeyConstraint(["tax_id"], ["taxes.id"], name=op.f("fk_charge_taxes_tax_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charge_taxes")),
        sa.UniqueConstraint("charge_id", "tax_id", name=op.f("uq_charge_taxes_charge_id_tax_id")),
    )
    op.create_index(op.f("ix_charge_taxes_tax_id"), "charge_taxes", ["tax_id"], unique=False)
    op.create_table(
        "commitment_taxes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("commitment_id", sa.Uuid(), nullable=False),
        sa.Column("tax_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["commitment_id"], ["commitments.id"], name=op.f("fk_commitment_taxes_commitment_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_commitment_taxes_organization_id")
        ),
        sa.ForeignKeyConstraint(["tax_id"], ["taxes.id"], name=op.f("fk_commitment_taxes_tax_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commitment_taxes")),
        sa.UniqueConstraint("commitment_id", "tax_id", name=op.f("uq_commitment_taxes_commitment_id_tax_id")),
    )
    op.create_index(op.f("ix_commitment_taxes_tax_id"), "commitment_taxes", ["tax_id"], unique=False)
    op.create_table(
        "customer_metadata",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("display_in_invoice", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_customer_metadata_customer_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_customer_metadata_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_metadata")),
        sa.UniqueConstraint("customer_id", "key", name=op.f("uq_customer_metadata_customer_id_key")),
    )
    op.create_index(op.f("ix_customer_metadata_customer_id"), "customer_metadata", ["customer_id"], unique=False)
    op.create_table(
        "customer_taxes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("tax_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_customer_taxes_customer_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_customer_taxes_organization_id")
        ),
        sa.ForeignKeyConstraint(["tax_id"], ["taxes.id"], name=op.f("fk_customer_taxes_tax_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_taxes")),
        sa.UniqueConstraint("customer_id", "tax_id", name=op.f("uq_customer_taxes_customer_id_tax_id")),
    )
    op.create_index(op.f("ix_customer_taxes_tax_id"), "customer_taxes", ["tax_id"], unique=False)
    op.create_table(
        "fixed_charge_taxes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("fixed_charge_id", sa.Uuid(), nullable=False),
        sa.Column("tax_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["fixed_charge_id"], ["fixed_charges.id"], name=op.f("fk_fixed_charge_taxes_fixed_charge_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_fixed_charge_taxes_organization_id")
        ),
        sa.ForeignKeyConstraint(["tax_id"], ["taxes.id"], name=op.f("fk_fixed_charge_taxes_tax_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fixed_charge_taxes")),
        sa.UniqueConstraint("fixed_charge_id", "tax_id", name=op.f("uq_fixed_charge_taxes_fixed_charge_id_tax_id")),
    )
    op.create_index(op.f("ix_fixed_charge_taxes_tax_id"), "fixed_charge_taxes", ["tax_id"], unique=False)
    op.create_table(
        "invoice_number_counters",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("billing_entity_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["billing_entity_id"], ["billing_entities.id"], name=op.f("fk_invoice_number_counters_billing_entity_id")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_invoice_number_counters_customer_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_invoice_number_counters_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_number_counters")),
    )
    op.create_index(
        "uq_invoice_number_counters_scope",
        "invoice_number_counters",
        ["billing_entity_id", "customer_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "invoices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("billing_entity_id", sa.Uuid(), nullable=False),
        sa.Column("sequential_id", sa.BigInteger(), nullable=True),
        sa.Column("billing_entity_sequential_id", sa.BigInteger(), nullable=True),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("invoice_type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("payment_status", sa.Text(), nullable=False),
        sa.Column("payment_overdue", sa.Boolean(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("issuing_date", sa.Date(), nullable=False),
        sa.Column("expected_finalization_date", sa.Date(), nullable=False),
        sa.Column("payment_due_date", sa.Date(), nullable=False),
        sa.Column("net_payment_term", sa.Integer(), nullable=False),
        sa.Column("purchase_order_number", sa.Text(), nullable=True),
        sa.Column("fees_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("coupons_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("credit_notes_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("prepaid_credit_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("progressive_billing_credit_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("sub_total_excluding_taxes_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("taxes_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("taxes_rate", sa.Numeric(precision=30, scale=5), nullable=False),
        sa.Column("sub_total_including_taxes_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("total_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("total_paid_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("version_number", sa.Integer(), nullable=False),
        sa.Column("skip_charges", sa.Boolean(), nullable=False),
        sa.Column("self_billed", sa.Boolean(), nullable=False),
        sa.Column("document_key", sa.Text(), nullable=True),
        sa.Column("finalized_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "invoice_type IN ('subscription', 'one_off', 'credit', 'advance_charges', 'progressive_billing')",
            name=op.f("ck_invoices_invoice_type_known"),
        ),
        sa.CheckConstraint(
            "payment_status IN ('pending', 'succeeded', 'failed')", name=op.f("ck_invoices_payment_status_known")
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'finalized', 'voided', 'generating', 'failed', 'open', 'closed', 'pending', 'deleted')",
            name=op.f("ck_invoices_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["billing_entity_id"], ["billing_entities.id"], name=op.f("fk_invoices_billing_entity_id")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_invoices_customer_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_invoices_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoices")),
    )
    op.create_index(op.f("ix_invoices_customer_id"), "invoices", ["customer_id"], unique=False)
    op.create_index(
        "ix_invoices_drafts",
        "invoices",
        ["organization_id", "expected_finalization_date"],
        unique=False,
        postgresql_where=sa.text("status = 'draft'"),
    )
    op.create_index("ix_invoices_listed", "invoices", ["organization_id", "issuing_date", "created_at"], unique=False)
    op.create_index(
        "uq_invoices_billing_entity_sequential_id",
        "invoices",
        ["billing_entity_id", "billing_entity_sequential_id"],
        unique=True,
        postgresql_where=sa.text("billing_entity_sequential_id IS NOT NULL"),
    )
    op.create_index(
        "uq_invoices_sequential_id",
        "invoices",
        ["customer_id", "billing_entity_id", "sequential_id"],
        unique=True,
        postgresql_where=sa.text("sequential_id IS NOT NULL"),
    )
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("previous_subscription_id", sa.Uuid(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("billing_time", sa.Text(), nullable=False),
        sa.Column("subscription_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ending_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("terminated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("canceled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trial_ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("on_termination_credit_note", sa.Text(), nullable=True),
        sa.Column("on_termination_invoice", sa.Text(), nullable=False),
        sa.Column("consolidate_invoice", sa.Boolean(), nullable=False),
        sa.Column("purchase_order_number", sa.Text(), nullable=True),
        sa.Column("last_received_event_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "billing_time IN ('calendar', 'anniversary')", name=op.f("ck_subscriptions_billing_time_known")
        ),
        sa.CheckConstraint(
            "on_termination_credit_note IN ('credit', 'skip', 'refund', 'offset')",
            name=op.f("ck_subscriptions_on_termination_credit_note_known"),
        ),
        sa.CheckConstraint(
            "on_termination_invoice IN ('generate', 'skip')", name=op.f("ck_subscriptions_on_termination_invoice_known")
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'active', 'terminated', 'canceled', 'incomplete')",
            name=op.f("ck_subscriptions_status_known"),
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_subscriptions_customer_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_subscriptions_organization_id")
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_subscriptions_plan_id")),
        sa.ForeignKeyConstraint(
            ["previous_subscription_id"], ["subscriptions.id"], name=op.f("fk_subscriptions_previous_subscription_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
    )
    op.create_index(
        "ix_subscriptions_active",
        "subscriptions",
        ["organization_id", "customer_id"],
        unique=False,
        postgresql_where=sa.text("status = 'active'"),
    )
    op.create_index(op.f("ix_subscriptions_customer_id"), "subscriptions", ["customer_id"], unique=False)
    op.create_index("ix_subscriptions_external_id", "subscriptions", ["organization_id", "external_id"], unique=False)
    op.create_index("ix_subscriptions_listed", "subscriptions", ["organization_id", "subscription_at"], unique=False)
    op.create_index(op.f("ix_subscriptions_plan_id"), "subscriptions", ["plan_id"], unique=False)
    op.create_index(
        op.f("ix_subscriptions_previous_subscription_id"), "subscriptions", ["previous_subscription_id"], unique=False
    )
    op.create_index(
        "uq_subscriptions_active_external_id",
        "subscriptions",
        ["organization_id", "external_id"],
        unique=True,
        postgresql_where=sa.text("status = 'active'"),
    )
    op.create_table(
        "cached_aggregations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("external_subscription_id", sa.Text(), nullable=False),
        sa.Column("charge_id", sa.Uuid(), nullable=False),
        sa.Column("charge_filter_id", sa.Uuid(), nullable=True),
        sa.Column("event_transaction_id", sa.Text(), nullable=True),
        sa.Column("grouped_by", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("current_aggregation", sa.Numeric(), nullable=False),
        sa.Column("max_aggregation", sa.Numeric(), nullable=True),
        sa.Column("max_aggregation_with_proration", sa.Numeric(), nullable=True),
        sa.Column("timestamp", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["charge_filter_id"], ["charge_filters.id"], name=op.f("fk_cached_aggregations_charge_filter_id")
        ),
        sa.ForeignKeyConstraint(["charge_id"], ["charges.id"], name=op.f("fk_cached_aggregations_charge_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_cached_aggregations_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cached_aggregations")),
    )
    op.create_index(
        "ix_cached_aggregations_bucket",
        "cached_aggregations",
        ["external_subscription_id", "charge_id", "charge_filter_id", "timestamp"],
        unique=False,
    )
    op.create_index(
        "uq_cached_aggregations_event",
        "cached_aggregations",
        ["charge_id", "charge_filter_id", "event_transaction_id", "external_subscription_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("event_transaction_id IS NOT NULL"),
    )
    op.create_table(
        "charge_filter_values",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("charge_filter_id", sa.Uuid(), nullable=False),
        sa.Column("billable_metric_filter_id", sa.Uuid(), nullable=False),
        sa.Column("values", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["billable_metric_filter_id"],
            ["billable_metric_filters.id"],
            name=op.f("fk_charge_filter_values_billable_metric_filter_id"),
        ),
        sa.ForeignKeyConstraint(
            ["charge_filter_id"], ["charge_filters.id"], name=op.f("fk_charge_filter_values_charge_filter_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_charge_filter_values_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charge_filter_values")),
    )
    op.create_index(
        op.f("ix_charge_filter_values_billable_metric_filter_id"),
        "charge_filter_values",
        ["billable_metric_filter_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_charge_filter_values_charge_filter_id"), "charge_filter_values", ["charge_filter_id"], unique=False
    )
    op.create_table(
        "fees",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("billing_entity_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=True),
        sa.Column("charge_id", sa.Uuid(), nullable=True),
        sa.Column("charge_filter_id", sa.Uuid(), nullable=True),
        sa.Column("fixed_charge_id", sa.Uuid(), nullable=True),
        sa.Column("add_on_id", sa.Uuid(), nullable=True),
        sa.Column("commitment_id", sa.Uuid(), nullable=True),
        sa.Column("true_up_parent_fee_id", sa.Uuid(), nullable=True),
        sa.Column("pay_in_advance_event_id", sa.Uuid(), nullable=True),
        sa.Column("pay_in_advance_event_transaction_id", sa.Text(), nullable=True),
        sa.Column("fee_type", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("amount_currency", sa.Text(), nullable=False),
        sa.Column("precise_amount_cents", sa.Numeric(precision=40, scale=15), nullable=False),
        sa.Column("units", sa.Numeric(precision=60, scale=20), nullable=False),
        sa.Column("total_aggregated_units", sa.Numeric(precision=60, scale=20), nullable=True),
        sa.Column("events_count", sa.BigInteger(), nullable=True),
        sa.Column("unit_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("precise_unit_amount", sa.Numeric(precision=40, scale=15), nullable=False),
        sa.Column("taxes_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("taxes_precise_amount_cents", sa.Numeric(precision=40, scale=15), nullable=False),
        sa.Column("taxes_rate", sa.Numeric(precision=30, scale=8), nullable=False),
        sa.Column("precise_coupons_amount_cents", sa.Numeric(precision=30, scale=5), nullable=False),
        sa.Column("payment_status", sa.Text(), nullable=False),
        sa.Column("pay_in_advance", sa.Boolean(), nullable=False),
        sa.Column("invoice_display_name", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("grouped_by", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("properties", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("amount_details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("presentation_breakdowns", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("succeeded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refunded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "fee_type IN ('charge', 'add_on', 'subscription', 'credit', 'commitment', 'fixed_charge')",
            name=op.f("ck_fees_fee_type_known"),
        ),
        sa.CheckConstraint(
            "payment_status IN ('pending', 'succeeded', 'failed', 'refunded')",
            name=op.f("ck_fees_payment_status_known"),
        ),
        sa.ForeignKeyConstraint(["add_on_id"], ["add_ons.id"], name=op.f("fk_fees_add_on_id")),
        sa.ForeignKeyConstraint(["billing_entity_id"], ["billing_entities.id"], name=op.f("fk_fees_billing_entity_id")),
        sa.ForeignKeyConstraint(["charge_filter_id"], ["charge_filters.id"], name=op.f("fk_fees_charge_filter_id")),
        sa.ForeignKeyConstraint(["charge_id"], ["charges.id"], name=op.f("fk_fees_charge_id")),
        sa.ForeignKeyConstraint(["commitment_id"], ["commitments.id"], name=op.f("fk_fees_commitment_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_fees_customer_id")),
        sa.ForeignKeyConstraint(["fixed_charge_id"], ["fixed_charges.id"], name=op.f("fk_fees_fixed_charge_id")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_fees_invoice_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_fees_organization_id")),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscriptions.id"], name=op.f("fk_fees_subscription_id")),
        sa.ForeignKeyConstraint(["true_up_parent_fee_id"], ["fees.id"], name=op.f("fk_fees_true_up_parent_fee_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fees")),
    )
    op.create_index(op.f("ix_fees_charge_id"), "fees", ["charge_id"], unique=False)
    op.create_index(op.f("ix_fees_customer_id"), "fees", ["customer_id"], unique=False)
    op.create_index(op.f("ix_fees_fixed_charge_id"), "fees", ["fixed_charge_id"], unique=False)
    op.create_index(op.f("ix_fees_invoice_id"), "fees", ["invoice_id"], unique=False)
    op.create_index(
        "ix_fees_standalone", "fees", ["subscription_id"], unique=False, postgresql_where=sa.text("invoice_id IS NULL")
    )
    op.create_index("ix_fees_subscription", "fees", ["subscription_id", "fee_type"], unique=False)
    op.create_index(op.f("ix_fees_true_up_parent_fee_id"), "fees", ["true_up_parent_fee_id"], unique=False)
    op.create_index(
        "uq_fees_pay_in_advance",
        "fees",
        ["subscription_id", "pay_in_advance_event_transaction_id", "charge_id", "charge_filter_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("pay_in_advance_event_transaction_id IS NOT NULL"),
    )
    op.create_table(
        "fixed_charge_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("fixed_charge_id", sa.Uuid(), nullable=False),
        sa.Column("units", sa.Numeric(precision=30, scale=10), nullable=False),
        sa.Column("timestamp", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["fixed_charge_id"], ["fixed_charges.id"], name=op.f("fk_fixed_charge_events_fixed_charge_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_fixed_charge_events_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name=op.f("fk_fixed_charge_events_subscription_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fixed_charge_events")),
    )
    op.create_index(
        op.f("ix_fixed_charge_events_fixed_charge_id"), "fixed_charge_events", ["fixed_charge_id"], unique=False
    )
    op.create_index(
        "ix_fixed_charge_events_of",
        "fixed_charge_events",
        ["subscription_id", "fixed_charge_id", "timestamp"],
        unique=False,
    )
    op.create_table(
        "fixed_charge_units_overrides",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("fixed_charge_id", sa.Uuid(), nullable=False),
        sa.Column("units", sa.Numeric(precision=30, scale=10), nullable=False),
        sa.CheckConstraint("units >= 0", name=op.f("ck_fixed_charge_units_overrides_units_not_negative")),
        sa.ForeignKeyConstraint(
            ["fixed_charge_id"], ["fixed_charges.id"], name=op.f("fk_fixed_charge_units_overrides_fixed_charge_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_fixed_charge_units_overrides_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name=op.f("fk_fixed_charge_units_overrides_subscription_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fixed_charge_units_overrides")),
        sa.UniqueConstraint(
            "subscription_id",
            "fixed_charge_id",
            name=op.f("uq_fixed_charge_units_overrides_subscription_id_fixed_charge_id"),
        ),
    )
    op.create_index(
        op.f("ix_fixed_charge_units_overrides_fixed_charge_id"),
        "fixed_charge_units_overrides",
        ["fixed_charge_id"],
        unique=False,
    )
    op.create_table(
        "invoice_applied_taxes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("tax_id", sa.Uuid(), nullable=True),
        sa.Column("tax_code", sa.Text(), nullable=False),
        sa.Column("tax_name", sa.Text(), nullable=False),
        sa.Column("tax_description", sa.Text(), nullable=True),
        sa.Column("tax_rate", sa.Numeric(precision=20, scale=8), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("amount_currency", sa.Text(), nullable=False),
        sa.Column("fees_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("taxable_base_amount_cents", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_invoice_applied_taxes_invoice_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_invoice_applied_taxes_organization_id")
        ),
        sa.ForeignKeyConstraint(["tax_id"], ["taxes.id"], name=op.f("fk_invoice_applied_taxes_tax_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_applied_taxes")),
        sa.UniqueConstraint("invoice_id", "tax_code", name=op.f("uq_invoice_applied_taxes_invoice_id_tax_code")),
    )
    op.create_table(
        "invoice_subscriptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("regenerated_invoice_id", sa.Uuid(), nullable=True),
        sa.Column("invoicing_reason", sa.Text(), nullable=False),
        sa.Column("recurring", sa.Boolean(), nullable=False),
        sa.Column("from_datetime", sa.DateTime(timezone=True), nullable=True),
        sa.Column("to_datetime", sa.DateTime(timezone=True), nullable=True),
        sa.Column("charges_from_datetime", sa.DateTime(timezone=True), nullable=True),
        sa.Column("charges_to_datetime", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fixed_charges_from_datetime", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fixed_charges_to_datetime", sa.DateTime(timezone=True), nullable=True),
        sa.Column("timestamp", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "invoicing_reason IN ('subscription_starting', 'subscription_periodic', 'subscription_terminating', 'in_advance_charge', 'in_advance_charge_periodic', 'progressive_billing')",
            name=op.f("ck_invoice_subscriptions_invoicing_reason_known"),
        ),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_invoice_subscriptions_invoice_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_invoice_subscriptions_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["regenerated_invoice_id"], ["invoices.id"], name=op.f("fk_invoice_subscriptions_regenerated_invoice_id")
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name=op.f("fk_invoice_subscriptions_subscription_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_subscriptions")),
        sa.UniqueConstraint(
            "invoice_id", "subscription_id", name=op.f("uq_invoice_subscriptions_invoice_id_subscription_id")
        ),
    )
    op.create_index(
        "ix_invoice_subscriptions_billed", "invoice_subscriptions", ["subscription_id", "timestamp"], unique=False
    )
    op.create_index(
        "uq_invoice_subscriptions_fixed_period",
        "invoice_subscriptions",
        ["subscription_id", "fixed_charges_from_datetime", "fixed_charges_to_datetime"],
        unique=True,
        postgresql_where=sa.text("recurring AND regenerated_invoice_id IS NULL"),
    )
    op.create_index(
        "uq_invoice_subscriptions_period",
        "invoice_subscriptions",
        ["subscription_id", "charges_from_datetime", "charges_to_datetime"],
        unique=True,
        postgresql_where=sa.text("recurring AND regenerated_invoice_id IS NULL"),
    )
    op.create_index(
        "uq_invoice_subscriptions_starting",
        "invoice_subscriptions",
        ["subscription_id"],
        unique=True,
        postgresql_where=sa.text("invoicing_reason = 'subscription_starting' AND regenerated_invoice_id IS NULL"),
    )
    op.create_index(
        "uq_invoice_subscriptions_terminating",
        "invoice_subscriptions",
        ["subscription_id"],
        unique=True,
        postgresql_where=sa.text("invoicing_reason = 'subscription_terminating' AND regenerated_invoice_id IS NULL"),
    )
    op.create_table(
        "fee_applied_taxes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("fee_id", sa.Uuid(), nullable=False),
        sa.Column("tax_id", sa.Uuid(), nullable=True),
        sa.Column("tax_code", sa.Text(), nullable=False),
        sa.Column("tax_name", sa.Text(), nullable=False),
        sa.Column("tax_description", sa.Text(), nullable=True),
        sa.Column("tax_rate", sa.Numeric(precision=20, scale=8), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("amount_currency", sa.Text(), nullable=False),
        sa.Column("precise_amount_cents", sa.Numeric(precision=40, scale=15), nullable=False),
        sa.ForeignKeyConstraint(["fee_id"], ["fees.id"], name=op.f("fk_fee_applied_taxes_fee_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_fee_applied_taxes_organization_id")
        ),
        sa.ForeignKeyConstraint(["tax_id"], ["taxes.id"], name=op.f("fk_fee_applied_taxes_tax_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fee_applied_taxes")),
        sa.UniqueConstraint("fee_id", "tax_code", name=op.f("uq_fee_applied_taxes_fee_id_tax_code")),
    )
    op.create_table(
        "fee_pricing_units",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("fee_id", sa.Uuid(), nullable=False),
        sa.Column("pricing_unit_id", sa.Uuid(), nullable=False),
        sa.Column("short_name", sa.Text(), nullable=False),
        sa.Column("conversion_rate", sa.Numeric(precision=40, scale=15), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("precise_amount_cents", sa.Numeric(precision=40, scale=15), nullable=False),
        sa.Column("unit_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("precise_unit_amount", sa.Numeric(precision=40, scale=15), nullable=False),
        sa.ForeignKeyConstraint(["fee_id"], ["fees.id"], name=op.f("fk_fee_pricing_units_fee_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_fee_pricing_units_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["pricing_unit_id"], ["pricing_units.id"], name=op.f("fk_fee_pricing_units_pricing_unit_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fee_pricing_units")),
        sa.UniqueConstraint("fee_id", name=op.f("uq_fee_pricing_units_fee_id")),
    )
    op.create_index(
        op.f("ix_fee_pricing_units_pricing_unit_id"), "fee_pricing_units", ["pricing_unit_id"], unique=False
    )
    _doors()


TENANT_TABLES = (
    "billing_entities",
    "membership_roles",
    "memberships",
    "api_keys",
    "customers",
    "customer_metadata",
    "billable_metrics",
    "plans",
    "charges",
    "taxes",
    "billable_metric_filters",
    "charge_filters",
    "charge_filter_values",
    "add_ons",
    "fixed_charges",
    "commitments",
    "usage_thresholds",
    "pricing_units",
    "applied_pricing_units",
    "plan_taxes",
    "charge_taxes",
    "fixed_charge_taxes",
    "commitment_taxes",
    "add_on_taxes",
    "customer_taxes",
    "fixed_charge_events",
    "fixed_charge_units_overrides",
    "cached_aggregations",
    "fee_pricing_units",
    "billing_entity_taxes",
    "subscriptions",
    "events",
    "invoices",
    "invoice_subscriptions",
    "fees",
    "fee_applied_taxes",
    "invoice_applied_taxes",
    "invoice_number_counters",
    "webhook_endpoints",
    "webhooks",
    "jobs",
)


def _doors() -> None:
    rls.create_roles(op)
    for table in TENANT_TABLES:
        rls.protect(op, table)
    rls.protect(op, "organizations", "id", "SELECT, UPDATE")

    # Predefined roles belong to none and are read by all; a tenant writes only its own.
    op.execute("ALTER TABLE roles ENABLE ROW LEVEL SECURITY")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON roles TO {rls.TENANT}")
    op.execute(
        f"CREATE POLICY tenant ON roles TO {rls.TENANT} USING (organization_id = {rls.BOUND})"
        f" WITH CHECK (organization_id = {rls.BOUND})"
    )
    op.execute(f"CREATE POLICY predefined ON roles FOR SELECT TO {rls.TENANT} USING (organization_id IS NULL)")

    # A tenant sees the users who are its members, and nothing of their passwords.
    op.execute("ALTER TABLE users ENABLE ROW LEVEL SECURITY")
    op.execute(f"GRANT SELECT (id, email, created_at, updated_at) ON users TO {rls.TENANT}")
    op.execute(
        f"CREATE POLICY members ON users FOR SELECT TO {rls.TENANT} USING"
        f" (id IN (SELECT user_id FROM memberships WHERE organization_id = {rls.BOUND}))"
    )
    op.execute("ALTER TABLE clock_ticks ENABLE ROW LEVEL SECURITY")

    rls.allow(op, rls.LOGIN, "users", "SELECT, INSERT, UPDATE")
    rls.allow(op, rls.LOGIN, "organizations", "SELECT, INSERT")
    rls.allow(op, rls.LOGIN, "memberships", "SELECT, INSERT")
    rls.allow(op, rls.LOGIN, "membership_roles", "SELECT, INSERT")
    rls.allow(op, rls.LOGIN, "roles", "SELECT")
    rls.allow(op, rls.LOGIN, "api_keys", "SELECT")
    rls.allow(op, rls.LOGIN, "billing_entities", "SELECT")

    rls.allow(op, rls.INGEST, "events", "INSERT")
    rls.allow(op, rls.INGEST, "jobs", "INSERT")
    rls.allow(
        op,
        rls.INGEST,
        "billable_metrics",
        "SELECT (organization_id, code, field_name, aggregation_type, expression, deleted_at)",
    )

    rls.allow(op, rls.RELAY, "jobs", "SELECT, INSERT, UPDATE, DELETE")
    rls.allow(op, rls.RELAY, "organizations", "SELECT (id, sandbox, frozen_at)")

    rls.allow(op, rls.CLOCK, "clock_ticks", "SELECT, INSERT, DELETE")
    rls.allow(op, rls.CLOCK, "jobs", "INSERT")
    rls.allow(op, rls.CLOCK, "organizations", "SELECT (id, sandbox, frozen_at)")

    rls.allow(op, rls.SANDBOX, "organizations", "SELECT, INSERT, UPDATE (frozen_at, updated_at)")
    rls.allow(op, rls.SANDBOX, "users", "SELECT (id)")
    rls.allow(op, rls.SANDBOX, "memberships", "SELECT, INSERT")
    rls.allow(op, rls.SANDBOX, "membership_roles", "SELECT, INSERT")
    rls.allow(op, rls.SANDBOX, "roles", "SELECT")
    rls.allow(op, rls.SANDBOX, "jobs", "SELECT, INSERT")

    op.execute(
        "INSERT INTO roles (id, code, name, admin, permissions, created_at, updated_at) VALUES"
        " (uuidv7(), 'admin', 'Admin', true, '{}', clock_timestamp(), clock_timestamp()),"
        " (uuidv7(), 'finance', 'Finance', false, '{}', clock_timestamp(), clock_timestamp()),"
        " (uuidv7(), 'manager', 'Manager', false, '{}', clock_timestamp(), clock_timestamp())"
    )
