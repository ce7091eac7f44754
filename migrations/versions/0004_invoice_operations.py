"""Operations on invoices: regeneration, fees adjusted by hand, metadata

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import row_security as rls

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _regeneration()
    _adjusted_fees()
    _table(
        "invoice_metadata", sa.Column("key", sa.Text(), nullable=False), sa.Column("value", sa.Text(), nullable=False)
    )
    op.create_unique_constraint(op.f("uq_invoice_metadata_invoice_id_key"), "invoice_metadata", ["invoice_id", "key"])


def _regeneration() -> None:
    op.add_column("invoices", sa.Column("voided_invoice_id", sa.Uuid(), nullable=True))
    _reference("invoices", "voided_invoice_id", "invoices")
    op.create_index(
        "uq_invoices_voided_invoice_id",
        "invoices",
        ["voided_invoice_id"],
        unique=True,
        postgresql_where=sa.text("voided_invoice_id IS NOT NULL AND status <> 'deleted'"),
    )
    op.add_column("fees", sa.Column("original_fee_id", sa.Uuid(), nullable=True))
    _reference("fees", "original_fee_id", "fees")
    op.drop_index("uq_fees_pay_in_advance", "fees")
    op.create_index(
        "uq_fees_pay_in_advance",
        "fees",
        ["subscription_id", "pay_in_advance_event_transaction_id", "charge_id", "charge_filter_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("pay_in_advance_event_transaction_id IS NOT NULL AND original_fee_id IS NULL"),
    )


def _adjusted_fees() -> None:
    name = "adjusted_fees"
    _table(
        name,
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("fee_type", sa.Text(), nullable=False),
        sa.Column("charge_id", sa.Uuid(), nullable=True),
        sa.Column("charge_filter_id", sa.Uuid(), nullable=True),
        sa.Column("fixed_charge_id", sa.Uuid(), nullable=True),
        sa.Column("grouped_by", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("units", sa.Numeric(precision=60, scale=20), nullable=True),
        sa.Column("unit_amount", sa.Numeric(precision=40, scale=15), nullable=True),
        sa.Column("invoice_display_name", sa.Text(), nullable=True),
    )
    op.create_check_constraint(
        op.f("ck_adjusted_fees_fee_type_known"), name, "fee_type IN ('charge', 'subscription', 'fixed_charge')"
    )
    for column, target in (
        ("subscription_id", "subscriptions"),
        ("charge_id", "charges"),
        ("charge_filter_id", "charge_filters"),
        ("fixed_charge_id", "fixed_charges"),
    ):
        _reference(name, column, target)
    op.create_index(
        "uq_adjusted_fees_target",
        name,
        [
            "invoice_id", "subscription_id", "fee_type", "charge_id", "charge_filter_id", "fixed_charge_id",
            "grouped_by",
        ],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )  # fmt: skip
    op.add_column("fees", sa.Column("adjusted_fee_id", sa.Uuid(), nullable=True))
    _reference("fees", "adjusted_fee_id", name)


def _table(name: str, *columns: sa.Column[object]) -> None:
    """A tenant's table of things that hang on an invoice."""
    op.create_table(
        name,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    _reference(name, "organization_id", "organizations")
    _reference(name, "invoice_id", "invoices")
    rls.protect(op, name)


def _reference(table: str, column: str, target: str) -> None:
    op.create_foreign_key(op.f(f"fk_{table}_{column}"), table, target, [column], ["id"])
