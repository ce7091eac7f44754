"""Jobs of metering."""

from __future__ import annotations

from typing import Any

from domain.credits.wallets.flags import flag_usage
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.fill_values import FILL_VALUES, fill_values
from domain.metering.fold import fold_usage
from domain.metering.post_process import post_process
from domain.metering.rollups import FOLD
from tasks.jobs import job

__all__ = ["fill_event_values", "fold", "post_process_events"]


@job("metering.post_process", dedicated="events", unique_while="start")
async def post_process_events(
    work: UnitOfWork,
    subscriptions: list[str],
    codes: list[str],
    ids: list[str] | None = None,
    drawn: list[str] | None = None,
) -> None:
    """What follows from a batch of events, once for the batch."""
    touched = await post_process(work, subscriptions, codes, ids or (), drawn or ())
    await flag_usage(work, touched)


@job(FOLD, dedicated="events", time_limit=1800)
async def fold(work: UnitOfWork, subscription: str, **step: Any) -> None:
    """Folds the usage of a subscription, so that asking for it reads only what came since."""
    await fold_usage(work, subscription, **step)


@job(FILL_VALUES, queue="low_priority")
async def fill_event_values(work: UnitOfWork, metric_id: str, **step: Any) -> None:
    """One page of the numbers of a metric's events; asks for the next."""
    await fill_values(work, metric_id, **step)
