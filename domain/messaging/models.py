"""What Tarn tells others: webhook endpoints and the webhooks sent to them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from domain.kernel.rows import TenantRow, one_of, texts, timestamp

__all__ = ["Webhook", "WebhookEndpoint"]


class WebhookEndpoint(TenantRow, table=True):
    """Where an organization wants to be told. `event_types` null means everything, empty means nothing."""

    __tablename__ = "webhook_endpoints"
    __table_args__ = (
        one_of("signature_algo", ("jwt", "hmac")),
        sa.UniqueConstraint("organization_id", "webhook_url"),
    )

    webhook_url: str
    name: str | None = None
    signature_algo: str = Field(default="jwt")
    event_types: list[str] | None = texts(nullable=True)


class Webhook(TenantRow, table=True):
    """One message to one endpoint, with what became of it. `payload` is the signed text, byte for byte."""

    __tablename__ = "webhooks"
    __table_args__ = (
        one_of("status", ("pending", "succeeded", "failed", "retrying")),
        sa.Index("ix_webhooks_endpoint", "webhook_endpoint_id", "updated_at"),
        # For the removal of old ones.
        sa.Index("ix_webhooks_updated_at", "organization_id", "updated_at"),
    )

    webhook_endpoint_id: UUID = Field(foreign_key="webhook_endpoints.id", ondelete="CASCADE")
    webhook_type: str
    object_type: str
    object_id: UUID | None = None
    endpoint: str
    payload: str
    status: str = Field(default="pending")
    http_status: int | None = None
    response: str | None = None
    retries: int = Field(default=0)
    last_retried_at: datetime | None = timestamp()
