"""Telling the endpoints: one row per webhook and endpoint, written in bulk, each delivered by a job of its own.

The payload is made and stored here, inside the transaction of the job that was written with what happened. What goes
over the wire and what is signed is this text, byte for byte, at the first attempt and at every retry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from domain.kernel import clock
from domain.kernel.ids import new_id
from domain.kernel.jobs import JobRequest
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.messaging.models import Webhook, WebhookEndpoint
from infrastructure import exact_json

__all__ = ["DELIVER", "send_webhooks"]

DELIVER = "messaging.deliver"


async def send_webhooks(
    work: UnitOfWork,
    webhook_type: str,
    object_type: str,
    objects: Sequence[Mapping[str, Any]],
    object_ids: Sequence[UUID] | None = None,
) -> list[UUID]:
    """Writes a webhook per object and subscribed endpoint and asks for their delivery; returns their ids.

    `objects` are payloads as REST shows them; `object_ids` name them, else their `lago_id` does.
    """
    e = table(WebhookEndpoint).c
    wanted = sa.or_(e.event_types.is_(None), e.event_types.contains([webhook_type]))
    endpoints = (await work.session.execute(sa.select(e.id, e.webhook_url).where(wanted).order_by(e.id))).all()
    if not endpoints or not objects:
        return []
    now = clock.now()
    rows = []
    for place, content in enumerate(objects):
        payload = exact_json.dump_text(
            {
                "webhook_type": webhook_type,
                "object_type": object_type,
                "organization_id": work.organization_id,
                object_type: content,
            }
        )
        rows += [
            {
                "id": new_id(),
                "organization_id": work.organization_id,
                "webhook_endpoint_id": endpoint.id,
                "webhook_type": webhook_type,
                "object_type": object_type,
                "object_id": object_ids[place] if object_ids else content.get("lago_id"),
                "endpoint": endpoint.webhook_url,
                "payload": payload,
                "status": "pending",
                "retries": 0,
                "created_at": now,
                "updated_at": now,
            }
            for endpoint in endpoints
        ]
    await work.session.execute(sa.insert(table(Webhook)), rows)
    for row in rows:
        work.enqueue(JobRequest(DELIVER, {"webhook_id": str(row["id"])}))
    return [row["id"] for row in rows]
