"""taxes that the server made

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A default is for the rows that are there; new ones are written by the model.
    op.add_column("taxes", sa.Column("auto_generated", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    op.alter_column("taxes", "auto_generated", server_default=None)
