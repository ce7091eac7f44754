"""Telling that subscriptions will end. Source: handbook, subscriptions-and-invoices 1.6 and jobs 3."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Final

import sqlalchemy as sa

from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.messaging.models import Webhook
from domain.subscriptions.events import SubscriptionTerminationAlert
from domain.subscriptions.models import Subscription
from infrastructure.settings import settings

__all__ = ["alert_of_terminations"]

WEBHOOK: Final = "subscription.termination_alert"

_s, _webhooks = table(Subscription).c, table(Webhook).c


async def alert_of_terminations(work: UnitOfWork) -> int:
    """Tells of active rows whose UTC date of `ending_at` is so many days ahead as the setting says, once a day; how
    many. One statement."""
    today = clock.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    day = timedelta(days=1)
    starts = [today + timedelta(days=ahead) for ahead in settings().termination_alert_days]
    told = sa.exists().where(
        _webhooks.webhook_type == WEBHOOK,
        _webhooks.object_id == _s.id,
        _webhooks.created_at >= today,
        _webhooks.created_at < today + day,
    )
    ending = sa.or_(sa.false(), *(sa.and_(_s.ending_at >= start, _s.ending_at < start + day) for start in starts))
    ids = tuple(
        await work.session.scalars(sa.select(_s.id).where(_s.status == "active", ending, ~told).order_by(_s.id))
    )
    if ids:
        work.record(SubscriptionTerminationAlert(ids))
    return len(ids)
