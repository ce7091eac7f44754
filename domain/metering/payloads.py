"""Events as REST and webhooks show them. Source: handbook, metering 4.1."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import sqlalchemy as sa

from domain.kernel.format import decimal_or_none, instant

__all__ = ["event_payload"]


def event_payload(row: sa.Row[Any]) -> dict[str, Any]:
    """A stored event."""
    return {
        "lago_id": row.id,
        "transaction_id": row.transaction_id,
        "lago_customer_id": None,
        "code": row.code,
        # An event may be of any year from 1 on, which strftime would not fill up to four digits.
        "timestamp": row.timestamp.astimezone(UTC).isoformat(timespec="milliseconds")[:23] + "Z",
        "precise_total_amount_cents": decimal_or_none(row.precise_total_amount_cents),
        "properties": row.properties,
        "lago_subscription_id": None,
        "external_subscription_id": row.external_subscription_id,
        "created_at": instant(row.created_at),
    }
