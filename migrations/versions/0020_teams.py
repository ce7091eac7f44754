"""Invitations, forgotten passwords, devices, and the security log

Revision ID: 0020
Revises: 0019
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import row_security as rls

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

EVENTS = (
    "api_key.created", "api_key.deleted", "api_key.rotated", "api_key.updated", "billing_entity.created",
    "billing_entity.updated", "export.created", "integration.created", "integration.deleted", "integration.updated",
    "role.created", "role.deleted", "role.updated", "user.deleted", "user.invited", "user.new_device_logged_in",
    "user.password_edited", "user.password_reset_requested", "user.role_edited", "user.signed_up",
    "webhook_endpoint.created", "webhook_endpoint.deleted", "webhook_endpoint.updated",
)  # fmt: skip


def _instants() -> list[sa.Column[object]]:
    return [sa.Column(name, sa.DateTime(timezone=True), nullable=False) for name in ("created_at", "updated_at")]


def upgrade() -> None:
    op.create_table(
        "invites",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("token_digest", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("membership_id", sa.Uuid(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        *_instants(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invites")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_invites_organization_id")),
        sa.ForeignKeyConstraint(["membership_id"], ["memberships.id"], name=op.f("fk_invites_membership_id")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_invites_token_digest")),
        sa.CheckConstraint("status IN ('pending', 'accepted', 'revoked')", name=op.f("ck_invites_status_known")),
    )
    op.create_index(
        "uq_invites_email", "invites", ["organization_id", "email"], unique=True,
        postgresql_where=sa.text("status = 'pending'"),
    )  # fmt: skip
    op.create_table(
        "password_resets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_digest", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        *_instants(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_resets")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_password_resets_user_id")),
        sa.UniqueConstraint("user_id", name=op.f("uq_password_resets_user_id")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_password_resets_token_digest")),
    )
    op.create_table(
        "user_devices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_address", sa.Text(), nullable=False),
        *_instants(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_devices")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_devices_user_id")),
        sa.UniqueConstraint("user_id", "fingerprint", name=op.f("uq_user_devices_user_id_fingerprint")),
    )
    op.create_table(
        "security_logs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("log_event", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("api_key_id", sa.Uuid(), nullable=True),
        sa.Column("resources", postgresql.JSONB(), nullable=False),
        sa.Column("device_info", postgresql.JSONB(), nullable=True),
        sa.Column("logged_at", sa.DateTime(timezone=True), nullable=False),
        *_instants(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_logs")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_security_logs_organization_id")
        ),
        sa.CheckConstraint(
            f"log_event IN ({', '.join(repr(event) for event in EVENTS)})",
            name=op.f("ck_security_logs_log_event_known"),
        ),
    )
    op.create_index("ix_security_logs_time", "security_logs", ["organization_id", "logged_at"])
    rls.protect(op, "invites")
    rls.protect(op, "security_logs")
    for table in ("password_resets", "user_devices"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    rls.allow(op, rls.LOGIN, "invites", "SELECT, UPDATE (status)")
    rls.allow(op, rls.LOGIN, "password_resets", "SELECT, INSERT, UPDATE, DELETE")
    rls.allow(op, rls.LOGIN, "user_devices", "SELECT, INSERT, UPDATE")
    rls.allow(op, rls.LOGIN, "security_logs", "INSERT")
    rls.allow(op, rls.LOGIN, "jobs", "INSERT")
