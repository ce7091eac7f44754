"""Jobs of messaging: webhooks are written once per command, and each is delivered by a job of its own."""

from __future__ import annotations

from uuid import UUID

from domain.kernel.unit_of_work import UnitOfWork
from domain.messaging.announce import announce
from domain.messaging.deliver import load, note, post
from domain.messaging.send import DELIVER
from tasks.jobs import external_job, job
from tasks.lease import Lease

__all__ = ["SEND", "deliver", "send"]

SEND = "messaging.send"


@job(SEND, queue="webhook", dedicated="webhook_worker")
async def send(work: UnitOfWork, webhook_type: str, ids: list[str]) -> None:
    """Writes the webhooks of one type for these objects."""
    await announce(work, webhook_type, [UUID(each) for each in ids])


@external_job(DELIVER, queue="webhook", dedicated="webhook_worker")
async def deliver(lease: Lease, webhook_id: str) -> None:
    """One HTTP attempt; the next one waits on the same row."""
    async with lease.work() as work:
        delivery = await load(work, UUID(webhook_id))
    if delivery is None:
        return
    outcome = await post(delivery)
    async with lease.settle() as work:
        pause = await note(work, delivery.webhook_id, outcome)
        if pause is not None:
            lease.repeat_after(pause, f"the receiver answered {outcome.http_status or 'nothing'}")
