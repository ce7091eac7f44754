"""What a fee's amount was reckoned from

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Fees from before have none, and are explained by what they show.
    op.add_column("fees", sa.Column("reckoning", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
