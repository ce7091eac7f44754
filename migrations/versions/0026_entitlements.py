"""Features, their privileges, and who is entitled to which

Revision ID: 0025
Revises: 0024
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import row_security as rls

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

TABLES = ("features", "privileges", "entitlements", "entitlement_values", "subscription_feature_removals")


def _table(name: str, *columns: sa.Column[object], references: dict[str, str], checks: dict[str, str]) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        *columns,
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        *(
            sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{name}_{column}"))
            for column, target in {"organization_id": "organizations.id", **references}.items()
        ),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_{name}_{check}")) for check, rule in checks.items()),
    )
    rls.protect(op, name)


def _unique(index: str, of: str, columns: Sequence[str]) -> None:
    op.create_index(index, of, columns, unique=True, postgresql_where=sa.text("deleted_at IS NULL"))


def upgrade() -> None:
    _table(
        "features",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        references={},
        checks={},
    )
    _table(
        "privileges",
        sa.Column("feature_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("value_type", sa.Text(), nullable=False),
        sa.Column("config", postgresql.JSONB(), nullable=False),
        references={"feature_id": "features.id"},
        checks={"value_type_known": "value_type IN ('string', 'integer', 'boolean', 'select')"},
    )
    _table(
        "entitlements",
        sa.Column("feature_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=True),
        sa.Column("subscription_id", sa.Uuid(), nullable=True),
        references={"feature_id": "features.id", "plan_id": "plans.id", "subscription_id": "subscriptions.id"},
        checks={"one_owner": "num_nonnulls(plan_id, subscription_id) = 1"},
    )
    _table(
        "entitlement_values",
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("privilege_id", sa.Uuid(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        references={"entitlement_id": "entitlements.id", "privilege_id": "privileges.id"},
        checks={},
    )
    _table(
        "subscription_feature_removals",
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("feature_id", sa.Uuid(), nullable=True),
        sa.Column("privilege_id", sa.Uuid(), nullable=True),
        references={
            "subscription_id": "subscriptions.id", "feature_id": "features.id", "privilege_id": "privileges.id",
        },
        checks={"one_removed": "num_nonnulls(feature_id, privilege_id) = 1"},
    )  # fmt: skip
    _unique("uq_features_code", "features", ["organization_id", "code"])
    _unique("uq_privileges_code", "privileges", ["feature_id", "code"])
    _unique("uq_entitlements_of_plan", "entitlements", ["plan_id", "feature_id"])
    _unique("uq_entitlements_of_subscription", "entitlements", ["subscription_id", "feature_id"])
    _unique("uq_entitlement_values_privilege", "entitlement_values", ["entitlement_id", "privilege_id"])
    removals = "subscription_feature_removals"
    _unique(f"uq_{removals}_feature", removals, ["subscription_id", "feature_id"])
    _unique(f"uq_{removals}_privilege", removals, ["subscription_id", "privilege_id"])
    for table, column in (
        ("entitlements", "feature_id"),
        ("entitlement_values", "privilege_id"),
        (removals, "feature_id"),
        (removals, "privilege_id"),
    ):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
