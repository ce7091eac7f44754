"""The queues, and which of them a job goes to.

The choice is made when a message is sent: every process that sends must see the same flags as the workers, and a
dedicated worker (`tarn worker --queues billing`) must run where its flag is on. What a queue still holds when its flag
is taken away is sent again to the default worker by the relay.
"""

from __future__ import annotations

from collections.abc import Sequence

from infrastructure.settings import Settings

__all__ = ["CAN_WAIT", "DEDICATED_QUEUES", "DEFAULT_QUEUES", "PRIORITY", "concurrency_of", "enabled_queues", "route"]

# What the default worker takes, the most urgent first.
DEFAULT_QUEUES = (
    "high_priority",  # prepaid credits and wallet top-ups: somebody is waiting
    "default",
    "mailers",
    "clock",  # the scheduled jobs, one per organization
    "providers",  # payment and tax providers
    "webhook",  # deliveries
    "invoices",  # drafts, finalisation, documents
    "wallets",
    "integrations",  # accounting and CRM
    "low_priority",  # bulk and catch-up
    "long_running",  # histories rebuilt
)

# A queue with workers of its own, and the setting (see `Settings`) that takes its jobs away from the default worker.
DEDICATED_QUEUES = {
    "analytics": "queue_analytics",
    "billing": "queue_billing",
    "clock_worker": "queue_clock",
    "events": "queue_events",
    "payments": "queue_payments",
    "pdfs": "queue_pdf",
    "webhook_worker": "queue_webhook",
    "ai_agent": "queue_ai_agent",
}

# Lower runs first. Dedicated queues rarely share a worker; if they do, they keep the order above.
PRIORITY = {queue: place for place, queue in enumerate((*DEFAULT_QUEUES, *DEDICATED_QUEUES))}

# Nobody waits for what goes through these.
CAN_WAIT = frozenset({"mailers", "clock", "integrations", "low_priority", "long_running", "analytics", "ai_agent"})

CONCURRENCY = 10
# Their jobs are heavy on the database.
FEWER_AT_A_TIME = frozenset({"billing", "clock_worker"})


def route(queue: str, dedicated: str | None, settings: Settings) -> str:
    """The queue to send to: the dedicated one where its flag is on, else the default worker's."""
    if dedicated is not None and getattr(settings, DEDICATED_QUEUES[dedicated]):
        return dedicated
    return queue


def enabled_queues(settings: Settings) -> list[str]:
    """Every queue that something may be sent to under these settings."""
    return [*DEFAULT_QUEUES, *(queue for queue, flag in DEDICATED_QUEUES.items() if getattr(settings, flag))]


def concurrency_of(queues: Sequence[str]) -> int:
    """How many jobs at a time a worker of these queues runs unless told otherwise."""
    return 5 if set(queues) <= FEWER_AT_A_TIME else CONCURRENCY
