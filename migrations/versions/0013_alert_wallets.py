"""Alerts stand on wallets

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("usage_alerts", "triggered_usage_alerts"):
        op.create_foreign_key(op.f(f"fk_{table}_wallet_id"), table, "wallets", ["wallet_id"], ["id"])
