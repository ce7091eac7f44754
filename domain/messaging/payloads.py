"""Webhook endpoints as REST shows them."""

from __future__ import annotations

from typing import Any

from domain.kernel.format import instant

__all__ = ["endpoint_payload"]


def endpoint_payload(row: Any) -> dict[str, Any]:
    """One endpoint, from its row or entity; `event_types` null means everything."""
    return {
        "lago_id": row.id,
        "lago_organization_id": row.organization_id,
        "webhook_url": row.webhook_url,
        "signature_algo": row.signature_algo,
        "name": row.name,
        "event_types": row.event_types,
        "created_at": instant(row.created_at),
    }
