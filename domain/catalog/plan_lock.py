"""Taking hold of a plan before it is changed."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from domain.catalog.models import Plan
from domain.kernel.errors import NotFound
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["locked_plan"]

_plans = table(Plan)


async def locked_plan(work: UnitOfWork, plan_id: UUID | None, code: str | None) -> Plan:
    """The kept plan with that id, or the one without parent with that code; locked against other edits and against
    subscriptions being put on it. Raises NotFound."""
    if code is not None:
        wanted = sa.and_(_plans.c.code == code, _plans.c.parent_id.is_(None))
    else:
        wanted = _plans.c.id == plan_id
    plan = await work.session.scalar(sa.select(Plan).where(wanted, _plans.c.deleted_at.is_(None)).with_for_update())
    if plan is None:
        raise NotFound("plan")
    return plan
