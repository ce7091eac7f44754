"""Jobs of the catalog."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from domain.catalog.cascade_to_overrides import cascade_to_overrides
from domain.kernel.unit_of_work import UnitOfWork
from tasks.jobs import job

__all__ = ["CASCADE", "cascade"]

CASCADE = "catalog.cascade_to_overrides"


@job(CASCADE)
async def cascade(work: UnitOfWork, plan_id: str, before: dict[str, Any], at_once: bool) -> None:
    """Hands changes of a plan's prices on to its overrides."""
    await cascade_to_overrides(work, UUID(plan_id), before, at_once=at_once)
