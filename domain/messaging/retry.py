"""Sending a webhook once more by hand."""

from __future__ import annotations

from domain.kernel.errors import NotAllowed
from domain.kernel.jobs import JobRequest
from domain.kernel.unit_of_work import UnitOfWork
from domain.messaging.models import Webhook
from domain.messaging.send import DELIVER

__all__ = ["retry_webhook"]


async def retry_webhook(work: UnitOfWork, webhook: Webhook) -> Webhook:
    """Asks for another delivery of a webhook in any status but succeeded."""
    if webhook.status == "succeeded":
        raise NotAllowed("is_succeeded")
    webhook.status = "pending"
    await work.session.flush()
    work.enqueue(JobRequest(DELIVER, {"webhook_id": str(webhook.id)}))
    return webhook
