"""Pages where payment requests are paid

Revision ID: 0028
Revises: 0027
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("payment_intents", "invoice_id", nullable=True)
    op.add_column("payment_intents", sa.Column("payment_request_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_payment_intents_payment_request_id"),
        "payment_intents",
        "payment_requests",
        ["payment_request_id"],
        ["id"],
    )
    op.create_check_constraint(
        op.f("ck_payment_intents_one_payable"),
        "payment_intents",
        "num_nonnulls(invoice_id, payment_request_id) = 1",
    )
    op.create_index(op.f("ix_payment_intents_payment_request_id"), "payment_intents", ["payment_request_id"])
    op.create_index(
        "uq_payment_intents_active_request",
        "payment_intents",
        ["payment_request_id"],
        unique=True,
        postgresql_where=sa.text("status = 'active'"),
    )
