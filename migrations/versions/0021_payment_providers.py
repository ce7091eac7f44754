"""Payment providers, and what they take payments with

Revision ID: 0021
Revises: 0020
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import row_security as rls

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

TYPES = "'adyen', 'cashfree', 'flutterwave', 'gocardless', 'moneyhash', 'stripe'"


def _base() -> list[sa.Column]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    ]


def _keys(table: str, **references: str) -> list[sa.Constraint]:
    return [
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        *(
            sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))
            for column, target in {"organization_id": "organizations", **references}.items()
        ),
    ]


def upgrade() -> None:
    kept = sa.text("deleted_at IS NULL")
    op.create_table(
        "payment_providers",
        *_base(),
        sa.Column("provider_type", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secrets", sa.Text(), nullable=False),
        sa.Column("settings", postgresql.JSONB(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        *_keys("payment_providers"),
        sa.CheckConstraint(f"provider_type IN ({TYPES})", name=op.f("ck_payment_providers_provider_type_known")),
    )
    op.create_index(
        "uq_payment_providers_code",
        "payment_providers",
        ["organization_id", "code"],
        unique=True,
        postgresql_where=kept,
    )
    op.create_table(
        "payment_provider_customers",
        *_base(),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("payment_provider_id", sa.Uuid(), nullable=False),
        sa.Column("provider_type", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("provider_customer_id", sa.Text(), nullable=True),
        sa.Column("sync_with_provider", sa.Boolean(), nullable=False),
        sa.Column("provider_payment_methods", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        *_keys("payment_provider_customers", customer_id="customers", payment_provider_id="payment_providers"),
        sa.CheckConstraint(
            f"provider_type IN ({TYPES})", name=op.f("ck_payment_provider_customers_provider_type_known")
        ),
    )
    for name, columns, where in (
        ("type", ["customer_id", "provider_type"], kept),
        ("code", ["customer_id", "code"], kept),
        ("default", ["customer_id"], sa.text("is_default AND deleted_at IS NULL")),
    ):
        op.create_index(
            f"uq_payment_provider_customers_{name}",
            "payment_provider_customers",
            columns,
            unique=True,
            postgresql_where=where,
        )
    op.create_index(
        "ix_payment_provider_customers_remote",
        "payment_provider_customers",
        ["payment_provider_id", "provider_customer_id"],
    )
    for table in ("payment_providers", "payment_provider_customers"):
        rls.protect(op, table)

    for column in ("payment_provider", "payment_provider_code"):
        op.add_column("customers", sa.Column(column, sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_customers_payment_provider_known"), "customers", f"payment_provider IN ({TYPES})"
    )
    for table in ("payment_methods", "payments"):
        for column in ("payment_provider_id", "payment_provider_customer_id"):
            op.add_column(table, sa.Column(column, sa.Uuid(), nullable=True))
            op.create_foreign_key(
                op.f(f"fk_{table}_{column}"), table, f"{column.removesuffix('_id')}s", [column], ["id"]
            )
    op.create_index(
        "uq_payment_methods_remote",
        "payment_methods",
        ["payment_provider_customer_id", "provider_method_id"],
        unique=True,
        postgresql_where=kept,
    )
    op.add_column("payments", sa.Column("payment_method_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_payments_payment_method_id"), "payments", "payment_methods", ["payment_method_id"], ["id"]
    )
    op.add_column("payments", sa.Column("provider_payment_id", sa.Text(), nullable=True))
    op.add_column("payments", sa.Column("next_action", postgresql.JSONB(), nullable=True))
    op.add_column("payments", sa.Column("method", postgresql.JSONB(), nullable=True))
    op.add_column("payments", sa.Column("attempt", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("payments", sa.Column("error_code", sa.Text(), nullable=True))
    op.add_column("payments", sa.Column("error_message", sa.Text(), nullable=True))
    op.create_index(
        "uq_payments_remote",
        "payments",
        ["payment_provider_id", "provider_payment_id"],
        unique=True,
        postgresql_where=sa.text("provider_payment_id IS NOT NULL"),
    )
