"""The log of API calls

Revision ID: 0026
Revises: 0025
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import row_security as rls

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_logs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("api_key_id", sa.Uuid(), nullable=True),
        sa.Column("api_version", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("request_body", postgresql.JSONB(), nullable=False),
        sa.Column("request_path", sa.Text(), nullable=False),
        sa.Column("request_origin", sa.Text(), nullable=False),
        sa.Column("request_response", postgresql.JSONB(), nullable=True),
        sa.Column("http_method", sa.Text(), nullable=False),
        sa.Column("http_status", sa.Integer(), nullable=False),
        sa.Column("logged_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_logs")),
        sa.CheckConstraint("http_method IN ('post', 'put', 'delete')", name=op.f("ck_api_logs_http_method_known")),
    )
    op.create_index("ix_api_logs_time", "api_logs", ["organization_id", "logged_at"])
    rls.protect(op, "api_logs")
    # Written by the shared flush, for all organizations at once; read and removed by their own.
    rls.allow(op, rls.INGEST, "api_logs", "INSERT")
