"""The activity log

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import row_security as rls

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "activity_logs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("activity_type", sa.Text(), nullable=False),
        sa.Column("activity_source", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("api_key_id", sa.Uuid(), nullable=True),
        sa.Column("resource_type", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("external_customer_id", sa.Text(), nullable=True),
        sa.Column("external_subscription_id", sa.Text(), nullable=True),
        sa.Column("activity_object", postgresql.JSONB(), nullable=True),
        sa.Column("logged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity_logs")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_activity_logs_organization_id")
        ),
        sa.CheckConstraint(
            "activity_source IN ('api', 'front', 'system')", name=op.f("ck_activity_logs_activity_source_known")
        ),
    )
    for name, columns in (
        ("time", ["organization_id", "logged_at"]),
        ("resource", ["organization_id", "resource_id", "logged_at"]),
        ("customer", ["organization_id", "external_customer_id", "logged_at"]),
    ):
        op.create_index(f"ix_activity_logs_{name}", "activity_logs", columns)
    rls.protect(op, "activity_logs")
