"""Payments, payment requests, receipts and dunning

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import row_security as rls

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = (
    "dunning_campaigns",
    "dunning_campaign_thresholds",
    "payment_methods",
    "payment_requests",
    "payment_request_invoices",
    "payments",
    "payment_receipts",
)


def upgrade() -> None:
    op.create_table(
        "dunning_campaigns",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("days_between_attempts", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("bcc_emails", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "days_between_attempts > 0 AND max_attempts > 0", name=op.f("ck_dunning_campaigns_positive")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_dunning_campaigns_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dunning_campaigns")),
    )
    op.create_index(
        "uq_dunning_campaigns_code",
        "dunning_campaigns",
        ["organization_id", "code"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "dunning_campaign_thresholds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("dunning_campaign_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_cents >= 0", name=op.f("ck_dunning_campaign_thresholds_not_negative")),
        sa.ForeignKeyConstraint(
            ["dunning_campaign_id"],
            ["dunning_campaigns.id"],
            name=op.f("fk_dunning_campaign_thresholds_dunning_campaign_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_dunning_campaign_thresholds_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dunning_campaign_thresholds")),
        sa.UniqueConstraint(
            "dunning_campaign_id", "currency", name=op.f("uq_dunning_campaign_thresholds_dunning_campaign_id_currency")
        ),
    )
    op.create_table(
        "payment_methods",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("provider_method_id", sa.Text(), nullable=False),
        sa.Column("provider_method_type", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_payment_methods_customer_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_payment_methods_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_methods")),
    )
    op.create_index(op.f("ix_payment_methods_customer_id"), "payment_methods", ["customer_id"], unique=False)
    op.create_index(
        "uq_payment_methods_default",
        "payment_methods",
        ["customer_id"],
        unique=True,
        postgresql_where=sa.text("is_default AND deleted_at IS NULL"),
    )
    op.create_table(
        "payment_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("dunning_campaign_id", sa.Uuid(), nullable=True),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("amount_currency", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("payment_status", sa.Text(), nullable=False),
        sa.Column("payment_attempts", sa.Integer(), nullable=False),
        sa.Column("ready_for_payment_processing", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "payment_status IN ('pending', 'succeeded', 'failed')",
            name=op.f("ck_payment_requests_payment_status_known"),
        ),
        sa.CheckConstraint("amount_cents >= 0", name=op.f("ck_payment_requests_not_negative")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_payment_requests_customer_id")),
        sa.ForeignKeyConstraint(
            ["dunning_campaign_id"], ["dunning_campaigns.id"], name=op.f("fk_payment_requests_dunning_campaign_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_payment_requests_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_requests")),
    )
    op.create_index(op.f("ix_payment_requests_customer_id"), "payment_requests", ["customer_id"], unique=False)
    op.create_index("ix_payment_requests_listed", "payment_requests", ["organization_id", "created_at"], unique=False)
    op.create_table(
        "payment_request_invoices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("payment_request_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_cents >= 0", name=op.f("ck_payment_request_invoices_not_negative")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_payment_request_invoices_invoice_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_payment_request_invoices_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["payment_request_id"], ["payment_requests.id"], name=op.f("fk_payment_request_invoices_payment_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_request_invoices")),
        sa.UniqueConstraint(
            "payment_request_id", "invoice_id", name=op.f("uq_payment_request_invoices_payment_request_id_invoice_id")
        ),
    )
    op.create_index(
        op.f("ix_payment_request_invoices_invoice_id"), "payment_request_invoices", ["invoice_id"], unique=False
    )
    op.create_table(
        "payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=True),
        sa.Column("payment_request_id", sa.Uuid(), nullable=True),
        sa.Column("payment_type", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("amount_currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("payable_payment_status", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "payable_payment_status IN ('pending', 'processing', 'succeeded', 'failed')",
            name=op.f("ck_payments_payable_payment_status_known"),
        ),
        sa.CheckConstraint("payment_type IN ('manual', 'provider')", name=op.f("ck_payments_payment_type_known")),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_payments_positive")),
        sa.CheckConstraint("num_nonnulls(invoice_id, payment_request_id) = 1", name=op.f("ck_payments_one_payable")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_payments_customer_id")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_payments_invoice_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_payments_organization_id")),
        sa.ForeignKeyConstraint(
            ["payment_request_id"], ["payment_requests.id"], name=op.f("fk_payments_payment_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
    )
    op.create_index(op.f("ix_payments_customer_id"), "payments", ["customer_id"], unique=False)
    op.create_index(op.f("ix_payments_invoice_id"), "payments", ["invoice_id"], unique=False)
    op.create_index("ix_payments_listed", "payments", ["organization_id", "created_at"], unique=False)
    op.create_index(op.f("ix_payments_payment_request_id"), "payments", ["payment_request_id"], unique=False)
    op.create_index(
        "uq_payments_invoice_under_way",
        "payments",
        ["invoice_id"],
        unique=True,
        postgresql_where=sa.text("payment_type = 'provider' AND payable_payment_status IN ('pending', 'processing')"),
    )
    op.create_index(
        "uq_payments_request_under_way",
        "payments",
        ["payment_request_id"],
        unique=True,
        postgresql_where=sa.text("payment_type = 'provider' AND payable_payment_status IN ('pending', 'processing')"),
    )
    op.create_table(
        "payment_receipts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("billing_entity_id", sa.Uuid(), nullable=False),
        sa.Column("sequential_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("document_key", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["billing_entity_id"], ["billing_entities.id"], name=op.f("fk_payment_receipts_billing_entity_id")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_payment_receipts_customer_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_payment_receipts_organization_id")
        ),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_payment_receipts_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_receipts")),
        sa.UniqueConstraint("customer_id", "sequential_id", name=op.f("uq_payment_receipts_customer_id_sequential_id")),
        sa.UniqueConstraint("payment_id", name=op.f("uq_payment_receipts_payment_id")),
    )
    op.create_index("ix_payment_receipts_listed", "payment_receipts", ["organization_id", "created_at"], unique=False)
    for table in TABLES:
        rls.protect(op, table)

    op.add_column("invoices", sa.Column("offset_amount_cents", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("invoices", sa.Column("payment_attempts", sa.Integer(), nullable=False, server_default="0"))
    op.add_column(
        "invoices",
        sa.Column("ready_for_payment_processing", sa.Boolean(), nullable=False, server_default=sa.text("true")),
    )
    op.add_column("invoices", sa.Column("payment_dispute_lost_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_invoices_unpaid",
        "invoices",
        ["organization_id", "payment_due_date"],
        postgresql_where=sa.text(
            "status = 'finalized' AND payment_status <> 'succeeded' AND NOT payment_overdue "
            "AND payment_dispute_lost_at IS NULL"
        ),
    )
    op.create_index(
        "ix_invoices_overdue",
        "invoices",
        ["organization_id", "customer_id"],
        postgresql_where=sa.text("payment_overdue"),
    )

    op.add_column("customers", sa.Column("applied_dunning_campaign_id", sa.Uuid(), nullable=True))
    op.add_column(
        "customers",
        sa.Column("dunning_currency_attempts", postgresql.JSONB(), nullable=False, server_default="{}"),
    )
    op.add_column("customers", sa.Column("last_dunning_campaign_attempt_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "customers", sa.Column("payment_receipt_counter", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.create_index("ix_customers_applied_dunning_campaign_id", "customers", ["applied_dunning_campaign_id"])
    op.add_column("billing_entities", sa.Column("applied_dunning_campaign_id", sa.Uuid(), nullable=True))
    # A partner issues the invoices itself and is never reminded of them.
    op.execute("UPDATE customers SET exclude_from_dunning_campaign = true WHERE account_type = 'partner'")
    for table in ("customers", "billing_entities"):
        op.create_foreign_key(
            f"fk_{table}_applied_dunning_campaign_id",
            table,
            "dunning_campaigns",
            ["applied_dunning_campaign_id"],
            ["id"],
        )
