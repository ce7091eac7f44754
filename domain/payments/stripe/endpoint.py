"""Where Stripe sends its events. Source: handbook, credits 10.3."""

from __future__ import annotations

from urllib.parse import urlencode

from domain.payments.providers.gateway import Connection
from infrastructure.settings import settings

__all__ = ["inbound_url"]


def inbound_url(connection: Connection) -> str:
    """The address of one connection's events."""
    query = urlencode({"code": connection.code})
    return f"{settings().api_url.rstrip('/')}/webhooks/stripe/{connection.organization_id}?{query}"
