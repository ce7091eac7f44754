"""Objects that show what happened to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry
from strawberry import Info

from graphql_api.loaders import load
from graphql_api.operations import permitted

if TYPE_CHECKING:
    from domain.kernel.unit_of_work import UnitOfWork
    from graphql_api.insight.activity_logs import ActivityLog

__all__ = ["Logged"]

LazyActivityLog = Annotated["ActivityLog", strawberry.lazy("graphql_api.insight.activity_logs")]


@strawberry.type
class Logged:
    """A part of every type that has an `id` and an activity log."""

    @strawberry.field
    async def activity_logs(self: Any, info: Info) -> list[LazyActivityLog] | None:
        """The last hundred of what happened to it within the days that are kept; null for who may not see the log."""
        if not permitted(info, "audit_logs:view"):
            return None
        return await load(info, "activity_logs", _fetch, UUID(str(self.id))) or []


async def _fetch(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[ActivityLog]]:
    # Types of all areas are logged, and the log names types of all areas.
    from graphql_api.insight.activity_logs import fetch_activities_of

    return await fetch_activities_of(work, ids)
