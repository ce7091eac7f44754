"""billing entities, custom sections, activation rules and VAT checks

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import row_security as rls

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _tenant_table(name: str, *parts: sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        *parts,
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f(f"fk_{name}_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    rls.protect(op, name)


def _reference(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))


def _selection(table: str, owner: str, target: str) -> None:
    _tenant_table(
        table,
        sa.Column(owner, sa.Uuid(), nullable=False),
        sa.Column("section_id", sa.Uuid(), nullable=False),
        _reference(table, owner, target),
        _reference(table, "section_id", "invoice_custom_sections.id"),
        sa.UniqueConstraint(owner, "section_id", name=op.f(f"uq_{table}_{owner}_section_id")),
    )
    op.create_index(op.f(f"ix_{table}_section_id"), table, ["section_id"])


def upgrade() -> None:
    _columns()
    _tenant_table(
        "invoice_custom_sections",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("details", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("section_type", sa.Text(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "section_type IN ('manual', 'system_generated')", name=op.f("ck_invoice_custom_sections_section_type_known")
        ),
    )
    op.create_index(
        "uq_invoice_custom_sections_code",
        "invoice_custom_sections",
        ["organization_id", "code"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    _selection("billing_entity_custom_sections", "billing_entity_id", "billing_entities.id")
    _selection("customer_custom_sections", "customer_id", "customers.id")
    _selection("subscription_custom_sections", "subscription_id", "subscriptions.id")
    _tenant_table(
        "invoice_applied_custom_sections",
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("details", sa.Text(), nullable=True),
        _reference("invoice_applied_custom_sections", "invoice_id", "invoices.id"),
        sa.UniqueConstraint("invoice_id", "code", name=op.f("uq_invoice_applied_custom_sections_invoice_id_code")),
    )
    _tenant_table(
        "pending_vies_checks",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("tax_identification_number", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        _reference("pending_vies_checks", "customer_id", "customers.id"),
        sa.UniqueConstraint("customer_id", name=op.f("uq_pending_vies_checks_customer_id")),
    )
    _activation_rules()


def _columns() -> None:
    no = sa.text("false")
    op.add_column("billing_entities", sa.Column("einvoicing", sa.Boolean(), nullable=False, server_default=no))
    for name in ("skip_invoice_custom_sections", "exclude_from_dunning_campaign"):
        op.add_column("customers", sa.Column(name, sa.Boolean(), nullable=False, server_default=no))
    for name in ("progressive_billing_disabled", "skip_invoice_custom_sections"):
        op.add_column("subscriptions", sa.Column(name, sa.Boolean(), nullable=False, server_default=no))
    # A default is for the rows that are there; new ones are written by the models.
    for table, names in (
        ("billing_entities", ["einvoicing"]),
        ("customers", ["skip_invoice_custom_sections", "exclude_from_dunning_campaign"]),
        ("subscriptions", ["progressive_billing_disabled", "skip_invoice_custom_sections"]),
    ):
        for name in names:
            op.alter_column(table, name, server_default=None)
    op.add_column("subscriptions", sa.Column("billing_entity_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_subscriptions_billing_entity_id"), "subscriptions", "billing_entities", ["billing_entity_id"], ["id"]
    )
    op.add_column("subscriptions", sa.Column("cancellation_reason", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_subscriptions_cancellation_reason_known"),
        "subscriptions",
        "cancellation_reason IN ('payment_failed', 'timeout')",
    )
    op.create_index(
        "uq_subscriptions_incomplete_external_id",
        "subscriptions",
        ["organization_id", "external_id"],
        unique=True,
        postgresql_where=sa.text("status = 'incomplete'"),
    )
    op.add_column("invoices", sa.Column("tax_status", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_invoices_tax_status_known"), "invoices", "tax_status IN ('pending', 'succeeded', 'failed')"
    )


def _activation_rules() -> None:
    name = "subscription_activation_rules"
    _tenant_table(
        name,
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("rule_type", sa.Text(), nullable=False),
        sa.Column("timeout_hours", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("rule_type IN ('payment')", name=op.f(f"ck_{name}_rule_type_known")),
        sa.CheckConstraint(
            "status IN ('inactive', 'pending', 'satisfied', 'declined', 'failed', 'expired', 'not_applicable')",
            name=op.f(f"ck_{name}_status_known"),
        ),
        sa.CheckConstraint("timeout_hours >= 0", name=op.f(f"ck_{name}_timeout_hours_not_negative")),
        _reference(name, "subscription_id", "subscriptions.id"),
        sa.UniqueConstraint("subscription_id", "rule_type", name=op.f(f"uq_{name}_subscription_id_rule_type")),
    )
    op.create_index(
        "ix_subscription_activation_rules_expiring",
        name,
        ["organization_id", "expires_at"],
        postgresql_where=sa.text("status = 'pending'"),
    )
