"""Exports of lists as CSV files, and the parts in which one is made."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from domain.insight.exports.kinds import FORMATS, KINDS
from domain.kernel.rows import TenantRow, json_object, one_of, reference, texts, timestamp

__all__ = ["STATUSES", "DataExport", "DataExportPart"]

STATUSES = ("pending", "processing", "completed", "failed")


class DataExport(TenantRow, table=True):
    """A file that a user asked for (handbook, platform 16). All instants are real time, in sandboxes too: how long a
    link lives is a matter of real time.

    filters: of the list, by their names in the interface. columns: of the file, from when it was begun. parts_left:
    parts that are still to be written. file_key: where the finished file stands in the storage.
    """

    __tablename__ = "data_exports"
    __table_args__ = (
        one_of("resource_type", KINDS),
        one_of("format", FORMATS),
        one_of("status", STATUSES),
        sa.Index("ix_data_exports_age", "organization_id", "created_at"),
    )

    user_id: UUID = reference("users.id")
    resource_type: str
    format: str = Field(default="csv")
    status: str = Field(default="pending")
    filters: dict[str, Any] = json_object()
    columns: list[str] = texts()
    parts_left: int = Field(default=0)
    file_key: str | None = None
    completed_at: datetime | None = timestamp()
    expires_at: datetime | None = timestamp()


class DataExportPart(TenantRow, table=True):
    """Some of the objects of an export, in order, and their lines once they are written. Gone when the file stands."""

    __tablename__ = "data_export_parts"
    __table_args__ = (sa.UniqueConstraint("data_export_id", "position"),)

    data_export_id: UUID = Field(foreign_key="data_exports.id", ondelete="CASCADE")
    position: int
    object_ids: list[str] = json_object(default_factory=list)
    lines: str | None = None
