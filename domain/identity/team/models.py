"""Invitations to an organization, and passwords that were forgotten."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from domain.kernel.rows import Row, TenantRow, encrypted, one_of, reference, texts, timestamp

__all__ = ["INVITE_STATUSES", "Invite", "PasswordReset"]

INVITE_STATUSES = ("pending", "accepted", "revoked")


class Invite(TenantRow, table=True):
    """An address that may become a member with these roles. Whoever knows the token may accept: it is encrypted, and
    found by its SHA-256."""

    __tablename__ = "invites"
    __table_args__ = (
        one_of("status", INVITE_STATUSES),
        sa.Index("uq_invites_email", "organization_id", "email", unique=True,
                 postgresql_where=sa.text("status = 'pending'")),
    )  # fmt: skip

    email: str
    token: str = encrypted("invites.token")
    token_digest: str = Field(unique=True)
    status: str = Field(default="pending")
    roles: list[str] = texts()
    membership_id: UUID | None = reference("memberships.id", nullable=True)
    accepted_at: datetime | None = timestamp()
    revoked_at: datetime | None = timestamp()


class PasswordReset(Row, table=True):
    """A user who may set a new password until `expires_at`, real time; one at a time, the latest. Only the SHA-256 of
    the token is kept."""

    __tablename__ = "password_resets"

    user_id: UUID = reference("users.id", unique=True)
    token_digest: str = Field(unique=True)
    expires_at: datetime = timestamp(nullable=False)
