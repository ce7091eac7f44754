"""a subscription that was changed inside a trial starts once more when the trial ends

Revision ID: 0019
Revises: 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

INDEX = "uq_invoice_subscriptions_starting"


def upgrade() -> None:
    op.drop_index(INDEX, table_name="invoice_subscriptions")
    op.create_index(
        INDEX,
        "invoice_subscriptions",
        ["subscription_id", "timestamp"],
        unique=True,
        postgresql_where=sa.text("invoicing_reason = 'subscription_starting' AND regenerated_invoice_id IS NULL"),
    )
