"""credit notes

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import row_security as rls

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create(
        "credit_notes",
        [
            sa.Column("customer_id", sa.Uuid(), nullable=False),
            sa.Column("invoice_id", sa.Uuid(), nullable=False),
            sa.Column("sequential_id", sa.BigInteger(), nullable=False),
            sa.Column("number", sa.Text(), nullable=False),
            sa.Column("issuing_date", sa.Date(), nullable=False),
            sa.Column("status", sa.Text(), nullable=False),
            sa.Column("reason", sa.Text(), nullable=False),
            sa.Column("description", sa.Text(), nullable=True),
            sa.Column("credit_status", sa.Text(), nullable=True),
            sa.Column("refund_status", sa.Text(), nullable=True),
            sa.Column("currency", sa.Text(), nullable=False),
            sa.Column("total_amount_cents", sa.BigInteger(), nullable=False),
            sa.Column("credit_amount_cents", sa.BigInteger(), nullable=False),
            sa.Column("refund_amount_cents", sa.BigInteger(), nullable=False),
            sa.Column("offset_amount_cents", sa.BigInteger(), nullable=False),
            sa.Column("balance_amount_cents", sa.BigInteger(), nullable=False),
            sa.Column("sub_total_excluding_taxes_amount_cents", sa.BigInteger(), nullable=False),
            sa.Column("taxes_amount_cents", sa.BigInteger(), nullable=False),
            sa.Column("precise_taxes_amount_cents", sa.Numeric(30, 5), nullable=False),
            sa.Column("taxes_rate", sa.Numeric(30, 5), nullable=False),
            sa.Column("coupons_adjustment_amount_cents", sa.BigInteger(), nullable=False),
            sa.Column("precise_coupons_adjustment_amount_cents", sa.Numeric(30, 5), nullable=False),
            sa.Column("note_metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
            sa.Column("document_key", sa.Text(), nullable=True),
            sa.Column("refunded_at", sa.DateTime(timezone=True), nullable=True),
            sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
            sa.CheckConstraint(
                "status IN ('draft', 'finalized', 'deleted')", name=op.f("ck_credit_notes_status_known")
            ),
            sa.CheckConstraint(
                "reason IN ('duplicated_charge', 'product_unsatisfactory', 'order_change', 'order_cancellation', "
                "'fraudulent_charge', 'other')",
                name=op.f("ck_credit_notes_reason_known"),
            ),
            sa.CheckConstraint(
                "credit_status IN ('available', 'consumed', 'voided')", name=op.f("ck_credit_notes_credit_status_known")
            ),
            sa.CheckConstraint(
                "refund_status IN ('pending', 'succeeded', 'failed')", name=op.f("ck_credit_notes_refund_status_known")
            ),
            sa.CheckConstraint(
                "balance_amount_cents >= 0 AND balance_amount_cents <= credit_amount_cents",
                name=op.f("ck_credit_notes_balance_within_credit"),
            ),
            sa.CheckConstraint(
                "credit_amount_cents >= 0 AND refund_amount_cents >= 0 AND offset_amount_cents >= 0",
                name=op.f("ck_credit_notes_parts_not_negative"),
            ),
            sa.UniqueConstraint("invoice_id", "sequential_id", name=op.f("uq_credit_notes_invoice_id_sequential_id")),
        ],
        {"customer_id": "customers", "invoice_id": "invoices"},
    )
    op.create_index(op.f("ix_credit_notes_customer_id"), "credit_notes", ["customer_id"], unique=False)
    op.create_index("ix_credit_notes_listed", "credit_notes", ["organization_id", "issuing_date", "created_at"])
    op.create_index(
        "ix_credit_notes_spendable",
        "credit_notes",
        ["customer_id", "currency", "created_at"],
        postgresql_where=sa.text("status = 'finalized' AND credit_status = 'available'"),
    )
    _create(
        "credit_note_items",
        [
            sa.Column("credit_note_id", sa.Uuid(), nullable=False),
            sa.Column("fee_id", sa.Uuid(), nullable=False),
            sa.Column("position", sa.Integer(), nullable=False),
            sa.Column("amount_cents", sa.BigInteger(), nullable=False),
            sa.Column("precise_amount_cents", sa.Numeric(30, 5), nullable=False),
            sa.Column("amount_currency", sa.Text(), nullable=False),
        ],
        {"credit_note_id": "credit_notes", "fee_id": "fees"},
    )
    op.create_index(op.f("ix_credit_note_items_credit_note_id"), "credit_note_items", ["credit_note_id"])
    op.create_index(op.f("ix_credit_note_items_fee_id"), "credit_note_items", ["fee_id"])
    _create(
        "credit_note_applied_taxes",
        [
            sa.Column("credit_note_id", sa.Uuid(), nullable=False),
            sa.Column("tax_id", sa.Uuid(), nullable=True),
            sa.Column("tax_code", sa.Text(), nullable=False),
            sa.Column("tax_name", sa.Text(), nullable=False),
            sa.Column("tax_description", sa.Text(), nullable=True),
            sa.Column("tax_rate", sa.Numeric(20, 8), nullable=False),
            sa.Column("base_amount_cents", sa.BigInteger(), nullable=False),
            sa.Column("amount_cents", sa.BigInteger(), nullable=False),
            sa.Column("amount_currency", sa.Text(), nullable=False),
            sa.UniqueConstraint(
                "credit_note_id", "tax_code", name=op.f("uq_credit_note_applied_taxes_credit_note_id_tax_code")
            ),
        ],
        {"credit_note_id": "credit_notes", "tax_id": "taxes"},
    )
    # Nothing could spend a note before there were any.
    op.create_foreign_key(op.f("fk_credits_credit_note_id"), "credits", "credit_notes", ["credit_note_id"], ["id"])


def _create(table: str, parts: Sequence[Any], references: dict[str, str]) -> None:
    """A tenant's table: its own columns and constraints between those that every one has."""
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        *parts,
        *(
            sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))
            for column, target in {"organization_id": "organizations", **references}.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    rls.protect(op, table)
