"""Usage folded ahead of being asked for, and the index that finds what came since

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import row_security as rls

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A rollup belongs to a question, not to a row of another table: nothing refers to it, and it can be thrown away.
    op.create_table(
        "usage_rollups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("external_subscription_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("watermark", sa.BigInteger(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_usage_rollups_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_rollups")),
    )
    op.create_index(
        "uq_usage_rollups_key",
        "usage_rollups",
        ["organization_id", "external_subscription_id", "key"],
        unique=True,
    )
    op.create_table(
        "usage_rollup_items",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("rollup_id", sa.Uuid(), nullable=False),
        sa.Column("item", sa.Uuid(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("timestamp", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("rollup_id", "item", name=op.f("pk_usage_rollup_items")),
    )
    for table in ("usage_rollups", "usage_rollup_items"):
        rls.protect(op, table)
    op.create_index(
        "ix_events_arrival",
        "events",
        ["organization_id", "external_subscription_id", "code", "sequence"],
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
