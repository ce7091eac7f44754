"""A chunk of a billing run as a job: billed in one transaction, or halved until the bad row stands alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import psycopg
import structlog
from sqlalchemy.exc import DBAPIError

from domain.billing.bill import bill_subscriptions
from domain.billing.requests import BillRequest
from domain.kernel.jobs import JobRequest
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["bill_chunk"]

log = structlog.get_logger(__name__)

_CONFLICTS = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.LockNotAvailable,
)


async def bill_chunk(work: UnitOfWork, groups: Sequence[Sequence[UUID]], at: datetime) -> int:
    """Bills groups of subscriptions periodically, one invoice each; how many invoices were made.

    When something in the chunk cannot be billed its two halves become jobs of their own and the rest is not held up;
    a group that fails alone raises, and stays in the ledger with the reason. What the database or the connection is to
    blame for is raised at once, for the whole job to be tried again.
    """
    recorded = work.recorded
    requests = [BillRequest(tuple(group), at, "subscription_periodic") for group in groups]
    try:
        async with work.session.begin_nested():
            return len(await bill_subscriptions(work, requests))
    except Exception as error:
        if len(groups) <= 1 or _is_infrastructure(error):
            raise
        work.forget_since(recorded)
        log.warning("chunk halved", groups=len(groups), error=f"{type(error).__name__}: {error}"[:500])
    middle = len(groups) // 2
    for half in (groups[:middle], groups[middle:]):
        work.enqueue(JobRequest("billing.bill_chunk", {"at": at, "groups": [list(group) for group in half]}))
    return 0


def _is_infrastructure(error: Exception) -> bool:
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or isinstance(error.orig, _CONFLICTS)
    return isinstance(error, ConnectionError)
