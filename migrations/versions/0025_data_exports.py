"""Exports of lists as files, and the parts they are made in

Revision ID: 0025
Revises: 0024
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import row_security as rls

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "data_exports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("resource_type", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("filters", postgresql.JSONB(), nullable=False),
        sa.Column("columns", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("parts_left", sa.Integer(), nullable=False),
        sa.Column("file_key", sa.Text(), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_exports")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_data_exports_organization_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_data_exports_user_id")),
        sa.CheckConstraint(
            "resource_type IN ('invoices', 'invoice_fees', 'credit_notes', 'credit_note_items')",
            name=op.f("ck_data_exports_resource_type_known"),
        ),
        sa.CheckConstraint("format IN ('csv')", name=op.f("ck_data_exports_format_known")),
        sa.CheckConstraint(
            "status IN ('pending', 'processing', 'completed', 'failed')", name=op.f("ck_data_exports_status_known")
        ),
    )
    op.create_index("ix_data_exports_age", "data_exports", ["organization_id", "created_at"])
    op.create_table(
        "data_export_parts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("data_export_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("object_ids", postgresql.JSONB(), nullable=False),
        sa.Column("lines", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_export_parts")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_data_export_parts_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["data_export_id"], ["data_exports.id"], name=op.f("fk_data_export_parts_data_export_id"),
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("data_export_id", "position", name=op.f("uq_data_export_parts_data_export_id_position")),
    )  # fmt: skip
    rls.protect(op, "data_exports")
    rls.protect(op, "data_export_parts")
