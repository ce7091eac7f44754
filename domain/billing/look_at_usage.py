"""Looking at the usage of watched subscriptions: thresholds first, then alerts. Source: handbook, metering 18.3, 19.3.

Post-processing of events asks for a look within a moment; the scheduled job of every minute is the safety net. Rows are
locked in the order of their ids, as billing locks them, so that one subscription is looked at by one run at a time and
every run sees what the one before it has billed and told.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from domain.billing.lifetime_usage import of_usages
from domain.billing.progressive import bill_passed_thresholds
from domain.billing.usage_alerts import evaluate_usage_alerts
from domain.kernel.jobs import JobRequest
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.activities import LOOK, claim_activities
from domain.metering.current_usage import UsageOptions, usages_of

__all__ = ["LOOK_AT", "hand_out_looks", "look_at_noted", "look_at_usage"]

LOOK_AT: Final = "billing.look_at_some_usage"
CHUNK: Final = 200

_LOCK: Final = sa.text(
    "SELECT id FROM subscriptions WHERE id = ANY(:ids) AND status = 'active' ORDER BY id FOR NO KEY UPDATE"
)


async def hand_out_looks(work: UnitOfWork) -> int:
    """Hands what was noted to jobs "billing.look_at_some_usage" {"subscription_ids"}; how many subscriptions."""
    total = 0
    more = True
    while more:
        found, more = await claim_activities(work, 10_000)
        for start in range(0, len(found), CHUNK):
            work.enqueue(JobRequest(LOOK_AT, {"subscription_ids": found[start : start + CHUNK]}))
        total += len(found)
    return total


async def look_at_noted(work: UnitOfWork) -> Sequence[UUID]:
    """Takes some of the notes out and answers the subscriptions; asks for another look where there may be more."""
    found, more = await claim_activities(work, CHUNK)
    if more:
        work.enqueue(JobRequest(LOOK, unique_key="look"))
    return found


async def look_at_usage(work: UnitOfWork, subscription_ids: Collection[UUID]) -> None:
    """Bills the thresholds that these have passed and tells of the alerts they have crossed.

    Those that are not active are passed over. A fixed number of statements for any number of subscriptions.
    """
    ids = list((await work.session.execute(_LOCK, {"ids": sorted(subscription_ids)})).scalars())
    if not ids:
        return
    measured = await usages_of(work, ids, apply_taxes=False, options=UsageOptions(fresh=True))
    usages = {usage.subscription_id: usage for usage in measured}
    lifetimes = await of_usages(work.session, ids, usages)
    await bill_passed_thresholds(work, lifetimes)
    await evaluate_usage_alerts(work, lifetimes)
