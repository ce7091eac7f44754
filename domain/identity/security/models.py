"""The security log, and the devices that users were seen with."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from domain.identity.security.events import LOG_EVENTS
from domain.kernel.rows import Row, TenantRow, json_object, one_of, reference, timestamp

__all__ = ["SecurityLog", "UserDevice"]


class SecurityLog(TenantRow, table=True):
    """Something that matters to an organization's safety (handbook, platform 15.3).

    The ids have no foreign keys: what they name may be deleted, the log stays. `created_at` is business time as in
    every row, `logged_at` real time: who got in when is a matter of real time, in sandboxes too.
    """

    __tablename__ = "security_logs"
    __table_args__ = (
        sa.Index("ix_security_logs_time", "organization_id", "logged_at"),
        one_of("log_event", LOG_EVENTS),
    )

    log_event: str
    user_id: UUID | None = None
    api_key_id: UUID | None = None
    resources: dict[str, Any] = json_object()
    device_info: dict[str, Any] | None = json_object(nullable=True)
    logged_at: datetime = timestamp(nullable=False)


class UserDevice(Row, table=True):
    """A browser or program that a user logged in with. `fingerprint`: the SHA-256 of its User-Agent, in hex."""

    __tablename__ = "user_devices"
    __table_args__ = (sa.UniqueConstraint("user_id", "fingerprint"),)

    user_id: UUID = reference("users.id")
    fingerprint: str
    last_login_at: datetime = timestamp(nullable=False)
    last_address: str
