"""The activity log keeps what changed, and its rows are cheap to write

Revision ID: 0023
Revises: 0022
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("activity_logs", sa.Column("activity_object_changes", postgresql.JSONB(), nullable=True))
    op.drop_constraint("fk_activity_logs_organization_id", "activity_logs", type_="foreignkey")
