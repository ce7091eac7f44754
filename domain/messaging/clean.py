"""The daily job that removes old webhooks."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.messaging.models import Webhook

__all__ = ["KEPT_DAYS", "clean_webhooks"]

KEPT_DAYS = 90
BATCH = 1_000


async def clean_webhooks(work: UnitOfWork) -> int:
    """Deletes webhooks untouched for 90 days, in batches; returns how many."""
    w = table(Webhook).c
    deleted = 0
    while True:
        old = sa.select(w.id).where(w.updated_at < clock.now() - timedelta(days=KEPT_DAYS)).limit(BATCH)
        gone = (await work.session.execute(sa.delete(table(Webhook)).where(w.id.in_(old)).returning(w.id))).all()
        deleted += len(gone)
        if len(gone) < BATCH:
            return deleted
