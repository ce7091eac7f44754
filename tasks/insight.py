"""Jobs of insight."""

from __future__ import annotations

from domain.insight.log_activities import LOG, log_many
from domain.kernel.unit_of_work import UnitOfWork
from tasks.jobs import job

__all__ = ["log_activities"]


@job(LOG, queue="low_priority")
async def log_activities(
    work: UnitOfWork, activity_type: str, ids: list[str], source: str, at: str, user_id: str | None = None,
    api_key_id: str | None = None,
) -> None:  # fmt: skip
    """The activity log of what concerned many objects."""
    await log_many(work, activity_type, ids, source, user_id, api_key_id, at)
