"""Where the electronic receipts are stored

Revision ID: 0017
Revises: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payment_receipts", sa.Column("xml_key", sa.Text(), nullable=True))
