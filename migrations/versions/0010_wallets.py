"""Wallets

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import row_security as rls

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLES = (
    "wallets",
    "wallet_targets",
    "wallet_transactions",
    "wallet_consumptions",
    "recurring_transaction_rules",
    "wallet_refreshes",
)


def upgrade() -> None:
    op.create_table(
        "wallet_refreshes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_wallet_refreshes_customer_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_wallet_refreshes_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_refreshes")),
    )
    op.create_index(
        "ix_wallet_refreshes_customer", "wallet_refreshes", ["organization_id", "customer_id"], unique=False
    )
    op.create_table(
        "wallets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("billing_entity_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("rate_amount", sa.Numeric(precision=30, scale=5), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("balance_cents", sa.BigInteger(), nullable=False),
        sa.Column("credits_balance", sa.Numeric(precision=30, scale=5), nullable=False),
        sa.Column("consumed_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("consumed_credits", sa.Numeric(precision=30, scale=5), nullable=False),
        sa.Column("ongoing_usage_balance_cents", sa.BigInteger(), nullable=False),
        sa.Column("credits_ongoing_usage_balance", sa.Numeric(precision=30, scale=5), nullable=False),
        sa.Column("ongoing_balance_cents", sa.BigInteger(), nullable=False),
        sa.Column("credits_ongoing_balance", sa.Numeric(precision=30, scale=5), nullable=False),
        sa.Column("depleted_ongoing_balance", sa.Boolean(), nullable=False),
        sa.Column("expiration_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("invoice_requires_successful_payment", sa.Boolean(), nullable=False),
        sa.Column("paid_top_up_min_amount_cents", sa.BigInteger(), nullable=True),
        sa.Column("paid_top_up_max_amount_cents", sa.BigInteger(), nullable=True),
        sa.Column("allowed_fee_types", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("payment_method_type", sa.Text(), nullable=False),
        sa.Column("payment_method_id", sa.Uuid(), nullable=True),
        sa.Column("purchase_order_number", sa.Text(), nullable=True),
        sa.Column("skip_invoice_custom_sections", sa.Boolean(), nullable=False),
        sa.Column("wallet_metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("last_balance_sync_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_ongoing_balance_sync_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_consumed_credit_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("terminated_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "payment_method_type IN ('provider', 'manual')", name=op.f("ck_wallets_payment_method_type_known")
        ),
        sa.CheckConstraint("status IN ('active', 'terminated')", name=op.f("ck_wallets_status_known")),
        sa.CheckConstraint("balance_cents >= 0", name=op.f("ck_wallets_balance_not_negative")),
        sa.CheckConstraint("priority BETWEEN 1 AND 50", name=op.f("ck_wallets_priority_in_range")),
        sa.CheckConstraint("rate_amount > 0", name=op.f("ck_wallets_rate_positive")),
        sa.ForeignKeyConstraint(
            ["billing_entity_id"], ["billing_entities.id"], name=op.f("fk_wallets_billing_entity_id")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_wallets_customer_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_wallets_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallets")),
    )
    op.create_index(op.f("ix_wallets_customer_id"), "wallets", ["customer_id"], unique=False)
    op.create_index(
        "ix_wallets_expiring",
        "wallets",
        ["organization_id", "expiration_at"],
        unique=False,
        postgresql_where=sa.text("status = 'active' AND expiration_at IS NOT NULL"),
    )
    op.create_index("ix_wallets_listed", "wallets", ["organization_id", "created_at"], unique=False)
    op.create_index(
        "uq_wallets_code",
        "wallets",
        ["customer_id", "code"],
        unique=True,
        postgresql_where=sa.text("status = 'active'"),
    )
    op.create_table(
        "recurring_transaction_rules",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("wallet_id", sa.Uuid(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("interval", sa.Text(), nullable=True),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("paid_credits", sa.Numeric(precision=30, scale=5), nullable=False),
        sa.Column("granted_credits", sa.Numeric(precision=30, scale=5), nullable=False),
        sa.Column("threshold_credits", sa.Numeric(precision=30, scale=5), nullable=False),
        sa.Column("target_ongoing_balance", sa.Numeric(precision=30, scale=5), nullable=True),
        sa.Column("grants_target_top_up", sa.Boolean(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expiration_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("terminated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("invoice_requires_successful_payment", sa.Boolean(), nullable=False),
        sa.Column("ignore_paid_top_up_limits", sa.Boolean(), nullable=False),
        sa.Column("transaction_name", sa.Text(), nullable=True),
        sa.Column("transaction_metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("payment_method_type", sa.Text(), nullable=False),
        sa.Column("payment_method_id", sa.Uuid(), nullable=True),
        sa.Column("purchase_order_number", sa.Text(), nullable=True),
        sa.Column("skip_invoice_custom_sections", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "interval IN ('weekly', 'monthly', 'quarterly', 'semiannual', 'yearly')",
            name=op.f("ck_recurring_transaction_rules_interval_known"),
        ),
        sa.CheckConstraint("method IN ('fixed', 'target')", name=op.f("ck_recurring_transaction_rules_method_known")),
        sa.CheckConstraint(
            "payment_method_type IN ('provider', 'manual')",
            name=op.f("ck_recurring_transaction_rules_payment_method_type_known"),
        ),
        sa.CheckConstraint(
            "status IN ('active', 'terminated')", name=op.f("ck_recurring_transaction_rules_status_known")
        ),
        sa.CheckConstraint(
            "trigger IN ('interval', 'threshold')", name=op.f("ck_recurring_transaction_rules_trigger_known")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_recurring_transaction_rules_organization_id")
        ),
        sa.ForeignKeyConstraint(["wallet_id"], ["wallets.id"], name=op.f("fk_recurring_transaction_rules_wallet_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recurring_transaction_rules")),
    )
    op.create_index(
        "ix_recurring_transaction_rules_trigger",
        "recurring_transaction_rules",
        ["organization_id", "trigger"],
        unique=False,
        postgresql_where=sa.text("status = 'active'"),
    )
    op.create_index(
        op.f("ix_recurring_transaction_rules_wallet_id"), "recurring_transaction_rules", ["wallet_id"], unique=False
    )
    op.create_index(
        "uq_recurring_transaction_rules_active",
        "recurring_transaction_rules",
        ["wallet_id"],
        unique=True,
        postgresql_where=sa.text("status = 'active'"),
    )
    op.create_table(
        "wallet_targets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("wallet_id", sa.Uuid(), nullable=False),
        sa.Column("billable_metric_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["billable_metric_id"], ["billable_metrics.id"], name=op.f("fk_wallet_targets_billable_metric_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_wallet_targets_organization_id")
        ),
        sa.ForeignKeyConstraint(["wallet_id"], ["wallets.id"], name=op.f("fk_wallet_targets_wallet_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_targets")),
        sa.UniqueConstraint(
            "wallet_id", "billable_metric_id", name=op.f("uq_wallet_targets_wallet_id_billable_metric_id")
        ),
    )
    op.create_index(
        op.f("ix_wallet_targets_billable_metric_id"), "wallet_targets", ["billable_metric_id"], unique=False
    )
    op.create_table(
        "wallet_transactions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("wallet_id", sa.Uuid(), nullable=False),
        sa.Column("billing_entity_id", sa.Uuid(), nullable=True),
        sa.Column("invoice_id", sa.Uuid(), nullable=True),
        sa.Column("voided_invoice_id", sa.Uuid(), nullable=True),
        sa.Column("credit_note_id", sa.Uuid(), nullable=True),
        sa.Column("transaction_type", sa.Text(), nullable=False),
        sa.Column("transaction_status", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("credit_amount", sa.Numeric(precision=30, scale=5), nullable=False),
        sa.Column("remaining_amount_cents", sa.BigInteger(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("transaction_metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("invoice_requires_successful_payment", sa.Boolean(), nullable=False),
        sa.Column("payment_method_type", sa.Text(), nullable=False),
        sa.Column("payment_method_id", sa.Uuid(), nullable=True),
        sa.Column("purchase_order_number", sa.Text(), nullable=True),
        sa.Column("skip_invoice_custom_sections", sa.Boolean(), nullable=False),
        sa.Column("interval_on", sa.Date(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(remaining_amount_cents IS NOT NULL) = (transaction_type = 'inbound' AND status = 'settled')",
            name=op.f("ck_wallet_transactions_remaining_of_settled_inbound"),
        ),
        sa.CheckConstraint(
            "payment_method_type IN ('provider', 'manual')",
            name=op.f("ck_wallet_transactions_payment_method_type_known"),
        ),
        sa.CheckConstraint(
            "source IN ('manual', 'interval', 'threshold')", name=op.f("ck_wallet_transactions_source_known")
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'settled', 'failed')", name=op.f("ck_wallet_transactions_status_known")
        ),
        sa.CheckConstraint(
            "transaction_status IN ('purchased', 'granted', 'invoiced', 'voided')",
            name=op.f("ck_wallet_transactions_transaction_status_known"),
        ),
        sa.CheckConstraint(
            "transaction_type IN ('inbound', 'outbound')", name=op.f("ck_wallet_transactions_transaction_type_known")
        ),
        sa.CheckConstraint(
            "amount_cents >= 0 AND credit_amount >= 0", name=op.f("ck_wallet_transactions_amounts_not_negative")
        ),
        sa.CheckConstraint(
            "remaining_amount_cents BETWEEN 0 AND amount_cents", name=op.f("ck_wallet_transactions_remaining_in_range")
        ),
        sa.ForeignKeyConstraint(
            ["billing_entity_id"], ["billing_entities.id"], name=op.f("fk_wallet_transactions_billing_entity_id")
        ),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_wallet_transactions_invoice_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_wallet_transactions_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["voided_invoice_id"], ["invoices.id"], name=op.f("fk_wallet_transactions_voided_invoice_id")
        ),
        sa.ForeignKeyConstraint(["wallet_id"], ["wallets.id"], name=op.f("fk_wallet_transactions_wallet_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_transactions")),
    )
    op.create_index("ix_wallet_transactions_listed", "wallet_transactions", ["wallet_id", "created_at"], unique=False)
    op.create_index(
        "ix_wallet_transactions_pending",
        "wallet_transactions",
        ["wallet_id"],
        unique=False,
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        "ix_wallet_transactions_remaining",
        "wallet_transactions",
        ["wallet_id"],
        unique=False,
        postgresql_where=sa.text("remaining_amount_cents > 0"),
    )
    op.create_index(
        "uq_wallet_transactions_interval",
        "wallet_transactions",
        ["wallet_id", "interval_on", "transaction_status"],
        unique=True,
        postgresql_where=sa.text("interval_on IS NOT NULL"),
    )
    op.create_index(
        "uq_wallet_transactions_invoiced",
        "wallet_transactions",
        ["invoice_id", "wallet_id"],
        unique=True,
        postgresql_where=sa.text("transaction_status = 'invoiced'"),
    )
    op.create_index(
        "uq_wallet_transactions_purchased",
        "wallet_transactions",
        ["invoice_id"],
        unique=True,
        postgresql_where=sa.text("transaction_status = 'purchased'"),
    )
    op.create_index(
        "uq_wallet_transactions_returned",
        "wallet_transactions",
        ["voided_invoice_id", "wallet_id"],
        unique=True,
        postgresql_where=sa.text("voided_invoice_id IS NOT NULL"),
    )
    op.create_index(
        "uq_wallet_transactions_voided",
        "wallet_transactions",
        ["credit_note_id"],
        unique=True,
        postgresql_where=sa.text("credit_note_id IS NOT NULL"),
    )
    op.create_table(
        "wallet_consumptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("inbound_wallet_transaction_id", sa.Uuid(), nullable=False),
        sa.Column("outbound_wallet_transaction_id", sa.Uuid(), nullable=False),
        sa.Column("consumed_amount_cents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("consumed_amount_cents > 0", name=op.f("ck_wallet_consumptions_consumed_positive")),
        sa.ForeignKeyConstraint(
            ["inbound_wallet_transaction_id"],
            ["wallet_transactions.id"],
            name=op.f("fk_wallet_consumptions_inbound_wallet_transaction_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_wallet_consumptions_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["outbound_wallet_transaction_id"],
            ["wallet_transactions.id"],
            name=op.f("fk_wallet_consumptions_outbound_wallet_transaction_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_consumptions")),
        sa.UniqueConstraint(
            "inbound_wallet_transaction_id", "outbound_wallet_transaction_id", name="uq_wallet_consumptions_pair"
        ),
    )
    op.create_index(
        op.f("ix_wallet_consumptions_outbound_wallet_transaction_id"),
        "wallet_consumptions",
        ["outbound_wallet_transaction_id"],
        unique=False,
    )
    op.add_column("invoices", sa.Column("prepaid_granted_credit_amount_cents", sa.BigInteger(), nullable=True))
    op.add_column("invoices", sa.Column("prepaid_purchased_credit_amount_cents", sa.BigInteger(), nullable=True))
    for table in TABLES:
        rls.protect(op, table)
