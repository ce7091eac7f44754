"""Reads of exports."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.insight.exports.models import DataExport
from domain.kernel.rows import table

__all__ = ["finished_exports"]

_exports = table(DataExport)


async def finished_exports(session: AsyncSession, export_ids: Collection[UUID]) -> dict[UUID, sa.Row[Any]]:
    """Completed exports by id."""
    query = sa.select(*_exports.c).where(_exports.c.id.in_(export_ids), _exports.c.status == "completed")
    return {row.id: row for row in await session.execute(query)}
