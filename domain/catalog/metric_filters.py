"""The dimensions of a metric, and what becomes of charge filters when they change (metering handbook, section 2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.catalog.models import BillableMetricFilter, ChargeFilter, ChargeFilterValue
from domain.kernel import clock
from domain.kernel.ids import new_id
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from infrastructure import exact_json

__all__ = ["filters_of_metrics", "remove_metric_filters", "set_metric_filters"]

_filters, _values, _charge_filters = table(BillableMetricFilter), table(ChargeFilterValue), table(ChargeFilter)

_CHANGE = sa.text(
    """
    UPDATE billable_metric_filters AS f SET "values" = c.left_values, updated_at = :now
    FROM jsonb_to_recordset(CAST(:changes AS jsonb)) AS c(id uuid, left_values text[])
    WHERE f.id = c.id
    """
)
_TRIM = sa.text(
    """
    UPDATE charge_filter_values AS v SET "values" = c.left_values, updated_at = :now
    FROM jsonb_to_recordset(CAST(:changes AS jsonb)) AS c(id uuid, left_values text[])
    WHERE v.id = c.id
    """
)


async def filters_of_metrics(session: AsyncSession, metric_ids: Collection[UUID]) -> dict[UUID, list[sa.Row[Any]]]:
    """The kept filters of each metric (id, key, values in ascending order), oldest first: one statement."""
    if not metric_ids:
        return {}
    rows = await session.execute(
        sa.select(*_filters.c)
        .where(_filters.c.billable_metric_id.in_(metric_ids), _filters.c.deleted_at.is_(None))
        .order_by(_filters.c.billable_metric_id, _filters.c.id)
    )
    found: dict[UUID, list[sa.Row[Any]]] = defaultdict(list)
    for row in rows:
        found[row.billable_metric_id].append(row)
    return dict(found)


async def set_metric_filters(work: UnitOfWork, metric_id: UUID, sent: Mapping[str, Sequence[str]]) -> bool:
    """Afterwards the metric, which is locked, has exactly these filters; whether anything changed.

    A value or key that is gone is taken out of the charge filters that use it: a charge filter left without any value
    is soft-deleted. A fixed number of statements.
    """
    kept = {row.key: row for row in (await filters_of_metrics(work.session, [metric_id])).get(metric_id, ())}
    gone = [row.id for key, row in kept.items() if key not in sent]
    changed = {
        row.id: list(sent[key]) for key, row in kept.items() if key in sent and set(row.values) != set(sent[key])
    }
    made = {key: values for key, values in sent.items() if key not in kept}
    now = clock.now()
    if changed:
        await work.session.execute(_CHANGE, {"changes": _changes(changed), "now": now})
    if gone:
        await work.session.execute(
            sa.update(_filters).where(_filters.c.id.in_(gone)).values(deleted_at=now, updated_at=now)
        )
    if made:
        rows = [
            {
                "id": new_id(),
                "organization_id": work.organization_id,
                "billable_metric_id": metric_id,
                "key": key,
                "values": list(values),
                "created_at": now,
                "updated_at": now,
            }
            for key, values in made.items()
        ]
        await work.session.execute(sa.insert(_filters).values(rows))
    lost = {
        row.id: frozenset(row.values) - frozenset(changed.get(row.id, ()))
        for row in kept.values()
        if row.id in changed or row.key not in sent
    }
    await _trim(work, {filter_id: values for filter_id, values in lost.items() if values}, gone)
    return bool(changed or gone or made)


async def remove_metric_filters(work: UnitOfWork, metric_id: UUID) -> None:
    """Soft-deletes all filters of a metric, the values that charge filters take from them, and those charge filters."""
    now = clock.now()
    gone = await work.session.scalars(
        sa.update(_filters)
        .where(_filters.c.billable_metric_id == metric_id, _filters.c.deleted_at.is_(None))
        .values(deleted_at=now, updated_at=now)
        .returning(_filters.c.id)
    )
    filter_ids = gone.all()
    if filter_ids:
        await _trim(work, {}, filter_ids)


async def _trim(work: UnitOfWork, lost: Mapping[UUID, Collection[str]], gone: Sequence[UUID]) -> None:
    """Takes the lost values (by filter) and all values of filters that are gone out of the charge filters."""
    used = await work.session.execute(
        sa.select(_values.c.id, _values.c.charge_filter_id, _values.c.billable_metric_filter_id, _values.c["values"])
        .where(_values.c.billable_metric_filter_id.in_([*lost, *gone]), _values.c.deleted_at.is_(None))
        .order_by(_values.c.id)
        .with_for_update()
    )
    trimmed: dict[UUID, list[str]] = {}
    emptied: list[UUID] = []
    touched: set[UUID] = set()
    for value_id, charge_filter_id, filter_id, values in used:
        left = [] if filter_id in gone else [each for each in values if each not in lost[filter_id]]
        if not left:
            emptied.append(value_id)
            touched.add(charge_filter_id)
        elif len(left) < len(values):
            trimmed[value_id] = left
    now = clock.now()
    if trimmed:
        await work.session.execute(_TRIM, {"changes": _changes(trimmed), "now": now})
    if emptied:
        await work.session.execute(
            sa.update(_values).where(_values.c.id.in_(emptied)).values(deleted_at=now, updated_at=now)
        )
        has_values = sa.exists().where(
            _values.c.charge_filter_id == _charge_filters.c.id, _values.c.deleted_at.is_(None)
        )
        await work.session.execute(
            sa.update(_charge_filters)
            .where(_charge_filters.c.id.in_(touched), _charge_filters.c.deleted_at.is_(None), ~has_values)
            .values(deleted_at=now, updated_at=now)
        )


def _changes(values: Mapping[UUID, Sequence[str]]) -> str:
    return exact_json.dump_text([{"id": key, "left_values": list(each)} for key, each in values.items()])
