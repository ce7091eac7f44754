"""Telling an organization, every hour, of events that will not be billed as their sender may think (metering handbook,
section 6)."""

from __future__ import annotations

from datetime import timedelta

from domain.kernel import clock
from domain.kernel.unit_of_work import UnitOfWork
from domain.messaging.queries import has_endpoints
from domain.messaging.send import send_webhooks
from domain.metering.post_validation import wrong_events
from infrastructure.settings import settings

__all__ = ["post_validate_events"]

HOUR = timedelta(hours=1)


async def post_validate_events(work: UnitOfWork) -> int:
    """Looks over the events received in the clock hour before this one; one webhook if anything is wrong. Purely
    informative; how many webhooks were written."""
    if settings().disable_events_validation or not await has_endpoints(work.session):
        return 0
    end = clock.now().replace(minute=0, second=0, microsecond=0)
    wrong = await wrong_events(work, end - HOUR, end)
    if wrong is None:
        return 0
    content = {
        "invalid_code": wrong.invalid_code,
        "missing_aggregation_property": wrong.missing_aggregation_property,
        "missing_group_key": None,
        "invalid_filter_values": wrong.invalid_filter_values,
    }
    return len(await send_webhooks(work, "events.errors", "events_errors", [content]))
