"""Telling that every stored event of a metric carries its number."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from domain.catalog.models import BillableMetric
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["mark_values_ready"]

_m = table(BillableMetric)


async def mark_values_ready(work: UnitOfWork, metric_id: UUID, aggregation_type: str, field_name: str | None) -> None:
    """Sets `values_ready`, unless the metric reads something else by now: whoever changed it fills the values anew."""
    await work.session.execute(
        sa.update(_m)
        .where(
            _m.c.organization_id == work.organization_id,
            _m.c.id == metric_id,
            _m.c.aggregation_type == aggregation_type,
            _m.c.field_name.is_not_distinct_from(field_name),
            _m.c.deleted_at.is_(None),
        )
        .values(values_ready=True, updated_at=_m.c.updated_at)
    )
