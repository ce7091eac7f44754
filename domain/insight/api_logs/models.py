"""The log of API calls: what clients asked the REST interface to change, and what they were answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from domain.insight.log_activities import KEPT
from domain.kernel import clock
from domain.kernel.retention import cleaning
from domain.kernel.rows import TenantRow, json_object, one_of, timestamp

__all__ = ["METHODS", "ApiLog", "clean_api_logs"]

METHODS = ("post", "put", "delete")


class ApiLog(TenantRow, table=True):
    """One write over REST (handbook, platform 15.1); its id is the request's. All instants are real time, in sandboxes
    too. Without foreign keys: very many rows are written, and the log stays when a key goes.

    request_body: what was sent in the query and the body, secrets left out. request_response: the JSON that was
    answered, null where the answer had no body.
    """

    __tablename__ = "api_logs"
    __table_args__ = (
        sa.Index("ix_api_logs_time", "organization_id", "logged_at"),
        one_of("http_method", METHODS),
    )

    organization_id: UUID
    api_key_id: UUID | None = None
    api_version: str
    client: str
    request_body: Any = json_object()
    request_path: str
    request_origin: str
    request_response: Any = json_object(nullable=True)
    http_method: str
    http_status: int
    logged_at: datetime = timestamp(nullable=False)


clean_api_logs = cleaning(ApiLog, "logged_at", KEPT, lambda: clock.wall())
"""Removes what is too old to be shown."""
