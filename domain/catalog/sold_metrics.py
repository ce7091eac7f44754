"""The metrics that charges name, with the dimensions that charge filters may use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa

from domain.catalog.charge_terms import Dimension, SoldMetric
from domain.catalog.models import BillableMetric, BillableMetricFilter
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["sold_metrics"]

_metrics, _dimensions = table(BillableMetric), table(BillableMetricFilter)


async def sold_metrics(
    work: UnitOfWork, metric_ids: Collection[UUID], *, with_dimensions: bool = True
) -> dict[UUID, SoldMetric]:
    """The kept metrics among these, locked, so that none is deleted before the charges are written: one statement,
    two with dimensions."""
    if not metric_ids:
        return {}
    rows = await work.session.execute(
        sa.select(_metrics.c.id, _metrics.c.code, _metrics.c.aggregation_type, _metrics.c.recurring)
        .where(_metrics.c.id.in_(metric_ids), _metrics.c.deleted_at.is_(None))
        .order_by(_metrics.c.id)
        .with_for_update(read=True)
    )
    found = rows.all()
    dimensions: dict[UUID, dict[str, Dimension]] = defaultdict(dict)
    if with_dimensions and found:
        filters = await work.session.execute(
            sa.select(
                _dimensions.c.id, _dimensions.c.billable_metric_id, _dimensions.c.key, _dimensions.c["values"]
            ).where(_dimensions.c.billable_metric_id.in_(metric_ids), _dimensions.c.deleted_at.is_(None))
        )
        for row in filters:
            dimensions[row.billable_metric_id][row.key] = Dimension(row.id, tuple(row[3]))
    return {
        row.id: SoldMetric(row.id, row.code, row.aggregation_type, row.recurring, dimensions[row.id]) for row in found
    }
