"""Pages where invoices are paid, what providers tell, and refunds

Revision ID: 0022
Revises: 0021
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import row_security as rls

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def _table(name: str, *columns: sa.Column, keys: dict[str, str], checks: dict[str, str]) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        *(
            sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{name}_{column}"))
            for column, target in {"organization_id": "organizations", **keys}.items()
        ),
        *(sa.CheckConstraint(check, name=op.f(f"ck_{name}_{which}")) for which, check in checks.items()),
    )
    rls.protect(op, name)


def upgrade() -> None:
    _table(
        "payment_intents",
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("payment_provider_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payment_url", sa.Text(), nullable=True),
        sa.Column("provider_session_id", sa.Text(), nullable=True),
        keys={"invoice_id": "invoices", "payment_provider_id": "payment_providers"},
        checks={"status_known": "status IN ('active', 'expired')"},
    )
    op.create_index(op.f("ix_payment_intents_invoice_id"), "payment_intents", ["invoice_id"])
    op.create_index(
        "uq_payment_intents_active",
        "payment_intents",
        ["invoice_id"],
        unique=True,
        postgresql_where=sa.text("status = 'active'"),
    )
    _table(
        "inbound_webhooks",
        sa.Column("payment_provider_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("processing_at", sa.DateTime(timezone=True), nullable=True),
        keys={"payment_provider_id": "payment_providers"},
        checks={"status_known": "status IN ('pending', 'processing', 'succeeded', 'failed')"},
    )
    op.create_unique_constraint(
        op.f("uq_inbound_webhooks_payment_provider_id_event_id"),
        "inbound_webhooks",
        ["payment_provider_id", "event_id"],
    )
    op.create_index(
        "ix_inbound_webhooks_open",
        "inbound_webhooks",
        ["organization_id", "created_at"],
        postgresql_where=sa.text("status IN ('pending', 'processing')"),
    )
    op.create_index("ix_inbound_webhooks_updated_at", "inbound_webhooks", ["organization_id", "updated_at"])
    _table(
        "refunds",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("payment_provider_id", sa.Uuid(), nullable=False),
        sa.Column("credit_note_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("amount_currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("refund_status", sa.Text(), nullable=False),
        sa.Column("provider_refund_id", sa.Text(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        keys={
            "payment_id": "payments",
            "payment_provider_id": "payment_providers",
            "credit_note_id": "credit_notes",
        },
        checks={
            "reason_known": "reason IN ('credit_note', 'subscription_activation_expired')",
            "refund_status_known": "refund_status IN ('pending', 'succeeded', 'failed')",
            "positive": "amount_cents > 0",
        },
    )
    for name, columns, where in (
        ("credit_note", ["credit_note_id"], "credit_note_id IS NOT NULL"),
        ("expired", ["payment_id"], "reason = 'subscription_activation_expired'"),
    ):
        op.create_index(f"uq_refunds_{name}", "refunds", columns, unique=True, postgresql_where=sa.text(where))
    op.create_index("ix_refunds_remote", "refunds", ["payment_provider_id", "provider_refund_id"])
