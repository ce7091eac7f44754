"""Payment methods that subscriptions and invoices ask for; custom sections of wallets, their rules and movements

Revision ID: 0018
Revises: 0017
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import row_security as rls

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

OWNERS = {
    "wallet_custom_sections": ("wallet_id", "wallets"),
    "recurring_rule_custom_sections": ("rule_id", "recurring_transaction_rules"),
    "wallet_transaction_custom_sections": ("wallet_transaction_id", "wallet_transactions"),
}


def upgrade() -> None:
    op.add_column(
        "subscriptions", sa.Column("payment_method_type", sa.Text(), nullable=False, server_default="provider")
    )
    op.alter_column("subscriptions", "payment_method_type", server_default=None)
    op.add_column("invoices", sa.Column("payment_method_type", sa.Text(), nullable=True))
    for name in ("subscriptions", "invoices"):
        op.add_column(name, sa.Column("payment_method_id", sa.Uuid(), nullable=True))
        op.create_foreign_key(
            op.f(f"fk_{name}_payment_method_id"), name, "payment_methods", ["payment_method_id"], ["id"]
        )
        op.create_check_constraint(
            op.f(f"ck_{name}_payment_method_type_known"), name, "payment_method_type IN ('provider', 'manual')"
        )
    for name, (owner, owners) in OWNERS.items():
        op.create_table(
            name,
            sa.Column("id", sa.Uuid(), nullable=False),
            sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
            sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
            sa.Column("organization_id", sa.Uuid(), nullable=False),
            sa.Column(owner, sa.Uuid(), nullable=False),
            sa.Column("section_id", sa.Uuid(), nullable=False),
            sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f(f"fk_{name}_organization_id")),
            sa.ForeignKeyConstraint([owner], [f"{owners}.id"], name=op.f(f"fk_{name}_{owner}")),
            sa.ForeignKeyConstraint(["section_id"], ["invoice_custom_sections.id"], name=op.f(f"fk_{name}_section_id")),
            sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
            sa.UniqueConstraint(owner, "section_id", name=op.f(f"uq_{name}_{owner}_section_id")),
        )
        op.create_index(op.f(f"ix_{name}_section_id"), name, ["section_id"], unique=False)
        rls.protect(op, name)
