"""The activity log: what happened to an organization's objects, and who did it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from domain.insight.activity_types import SOURCES
from domain.kernel.rows import TenantRow, json_object, one_of, timestamp

__all__ = ["ActivityLog"]


class ActivityLog(TenantRow, table=True):
    """One thing that happened (handbook, platform 15.2).

    The ids have no foreign keys, not even the organization's: what they name may be deleted, the log stays, and a run
    writes very many rows. activity_object: the object as REST showed it then, null where it was not kept.
    activity_object_changes: of updates, {field: [before, after]}; null for the rest.
    """

    __tablename__ = "activity_logs"
    __table_args__ = (
        sa.Index("ix_activity_logs_time", "organization_id", "logged_at"),
        sa.Index("ix_activity_logs_resource", "organization_id", "resource_id", "logged_at"),
        sa.Index("ix_activity_logs_customer", "organization_id", "external_customer_id", "logged_at"),
        one_of("activity_source", SOURCES),
    )

    organization_id: UUID
    activity_type: str
    activity_source: str
    user_id: UUID | None = None
    api_key_id: UUID | None = None
    resource_type: str
    resource_id: UUID
    external_customer_id: str | None = None
    external_subscription_id: str | None = None
    activity_object: dict[str, Any] | None = json_object(nullable=True)
    activity_object_changes: dict[str, Any] | None = json_object(nullable=True)
    logged_at: datetime = timestamp(nullable=False)
