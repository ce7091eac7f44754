"""Jobs that look at usage: thresholds and alerts, and what each day has used."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from domain.billing.bill import LostRace
from domain.billing.look_at_usage import LOOK_AT, look_at_noted, look_at_usage
from domain.kernel.jobs import JobRequest
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.activities import LOOK, note_plans
from domain.metering.daily_usages import COMPUTE, keep_days
from tasks.halving import do_or_halve
from tasks.jobs import job
from tasks.retries import DEFAULT, lock

__all__ = ["compute_days", "look", "look_at", "note_subscriptions_of_plans"]

RETRIES = (lock(25, LostRace), DEFAULT)


async def _look_at(work: UnitOfWork, subscription_ids: Sequence[UUID]) -> None:
    await do_or_halve(
        work,
        subscription_ids,
        lambda some: look_at_usage(work, some),
        lambda some: JobRequest(LOOK_AT, {"subscription_ids": list(some)}),
    )


@job(LOOK, dedicated="events", retries=RETRIES, unique_while="start")
async def look(work: UnitOfWork) -> None:
    """Looks at what was noted since the last look."""
    await _look_at(work, await look_at_noted(work))


@job(LOOK_AT, dedicated="events", retries=RETRIES)
async def look_at(work: UnitOfWork, subscription_ids: list[str]) -> None:
    """Looks at some subscriptions."""
    await _look_at(work, [UUID(text) for text in subscription_ids])


@job("metering.note_plans", retries=RETRIES)
async def note_subscriptions_of_plans(work: UnitOfWork, plan_ids: list[str]) -> None:
    """The thresholds of these plans have changed."""
    await note_plans(work, [UUID(text) for text in plan_ids])


@job(COMPUTE, queue="low_priority", dedicated="analytics")
async def compute_days(work: UnitOfWork, subscription_ids: list[str], only_first_days: bool) -> None:
    """Keeps the usage of the day that has ended."""
    await do_or_halve(
        work,
        subscription_ids,
        lambda some: keep_days(work, [UUID(text) for text in some], only_first_days=only_first_days),
        lambda some: JobRequest(COMPUTE, {"subscription_ids": list(some), "only_first_days": only_first_days}),
    )
