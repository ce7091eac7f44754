"""Writing the filters of charges: a list that is sent is the full list (pricing handbook, section 4.2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from domain.catalog.charge_filter_terms import FilterTerms, filter_code, same_values
from domain.catalog.charge_terms import SoldMetric
from domain.catalog.models import BillableMetricFilter, Charge, ChargeFilter, ChargeFilterValue
from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["KeptFilter", "drop_filters", "edit_filter", "kept_filters", "new_filter", "place_filters"]

_filters, _values, _dimensions = table(ChargeFilter), table(ChargeFilterValue), table(BillableMetricFilter)


@dataclass(slots=True)
class KeptFilter:
    """A filter that is there, with its values by key."""

    row: ChargeFilter
    values: dict[str, list[str]]


async def kept_filters(work: UnitOfWork, charge_ids: Collection[UUID]) -> dict[UUID, list[KeptFilter]]:
    """The filters of charges that are not deleted, in their order: two statements."""
    found: dict[UUID, list[KeptFilter]] = defaultdict(list)
    if not charge_ids:
        return found
    rows = await work.session.scalars(
        sa.select(ChargeFilter)
        .where(_filters.c.charge_id.in_(charge_ids), _filters.c.deleted_at.is_(None))
        .order_by(_filters.c.charge_id, _filters.c.position, _filters.c.id)
    )
    by_id: dict[UUID, KeptFilter] = {}
    for row in rows:
        by_id[row.id] = KeptFilter(row, {})
        found[row.charge_id].append(by_id[row.id])
    if by_id:
        values = await work.session.execute(
            sa.select(_values.c.charge_filter_id, _dimensions.c.key, _values.c["values"])
            .join(_dimensions, _dimensions.c.id == _values.c.billable_metric_filter_id)
            .where(_values.c.charge_filter_id.in_(by_id), _values.c.deleted_at.is_(None))
            .order_by(_values.c.id)
        )
        for filter_id, key, each in values:
            by_id[filter_id].values[key] = list(each)
    return found


async def place_filters(work: UnitOfWork, wanted: Sequence[tuple[Charge, SoldMetric, Sequence[FilterTerms]]]) -> None:
    """Edits, adds and removes filters so that each charge has exactly those sent, in their order. The charges are
    stored. Filters are known by their values; of two with the same values the later counts."""
    kept = await kept_filters(work, [charge.id for charge, _, _ in wanted])
    made: list[ChargeFilter] = []
    values: list[ChargeFilterValue] = []
    gone: list[UUID] = []
    for charge, metric, terms in wanted:
        there = {same_values(each.values): each.row for each in kept[charge.id]}
        codes = {row.code for row in there.values()}
        last = {same_values(each.values): each for each in terms}
        for position, (identity, each) in enumerate(last.items()):
            row = there.pop(identity, None)
            if row is None:
                row, its_values = new_filter(charge, metric, each, codes, position)
                codes.add(row.code)
                made.append(row)
                values += its_values
            else:
                edit_filter(row, each)
                row.position = position
                row.updated_at = clock.now()
        gone += [row.id for row in there.values()]
    work.session.add_all(made)
    await work.session.flush()
    work.session.add_all(values)
    await drop_filters(work, gone)


def new_filter(
    charge: Charge, metric: SoldMetric, terms: FilterTerms, codes: Collection[str], position: int
) -> tuple[ChargeFilter, list[ChargeFilterValue]]:
    """Rows not yet added to the session; the filter is to be flushed before its values."""
    row = ChargeFilter(
        organization_id=charge.organization_id,
        charge_id=charge.id,
        code=filter_code(terms.values, codes),
        invoice_display_name=terms.invoice_display_name,
        properties=terms.properties,
        position=position,
    )
    return row, [
        ChargeFilterValue(
            organization_id=charge.organization_id,
            charge_filter_id=row.id,
            billable_metric_filter_id=metric.dimensions[key].id,
            values=each,
        )
        for key, each in terms.values.items()
    ]


def edit_filter(row: ChargeFilter, terms: FilterTerms) -> None:
    """Gives a filter what was sent; its values stay."""
    row.properties, row.invoice_display_name = terms.properties, terms.invoice_display_name


async def drop_filters(work: UnitOfWork, filter_ids: Collection[UUID]) -> None:
    """Soft-deletes filters with their values."""
    if not filter_ids:
        return
    now = clock.now()
    marks: Mapping[str, object] = {"deleted_at": now, "updated_at": now}
    await work.session.execute(sa.update(_filters).where(_filters.c.id.in_(filter_ids)).values(marks))
    await work.session.execute(
        sa.update(_values)
        .where(_values.c.charge_filter_id.in_(filter_ids), _values.c.deleted_at.is_(None))
        .values(marks)
    )
