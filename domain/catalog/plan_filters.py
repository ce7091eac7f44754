"""Adding, editing and removing one filter of a charge (pricing handbook, section 4.2)."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from domain.catalog.cascade import cascading
from domain.catalog.charge_filter_terms import FilterTerms, check_amount, read_filter_terms, same_values
from domain.catalog.charge_filters import KeptFilter, drop_filters, edit_filter, kept_filters, new_filter
from domain.catalog.events import PlanUpdated
from domain.catalog.models import Charge, ChargeFilter
from domain.catalog.plan_charges import charge_of_plan
from domain.catalog.sold_metrics import sold_metrics
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.ids import parse_id
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params

__all__ = [
    "add_filter", "change_filter", "create_filter", "delete_filter", "filter_of_charge", "remove_filter",
    "update_filter",
]  # fmt: skip

_filters = table(ChargeFilter)


async def create_filter(
    work: UnitOfWork, params: Params, *, charge_id: UUID | None = None,
    plan_code: str | None = None, charge_code: str | None = None,
) -> ChargeFilter:  # fmt: skip
    """A filter at the end of a charge's list; one with the same values is not refused. Raises NotFound,
    ValidationFailed."""
    plan, charge, _ = await charge_of_plan(work, charge_id, plan_code, charge_code)
    async with cascading(work, plan, params):
        row = await add_filter(work, charge, params)
    work.record(PlanUpdated((plan.id,)))
    return row


async def add_filter(work: UnitOfWork, charge: Charge, params: Params, *, distinct: bool = False) -> ChargeFilter:
    """The same for a charge whose plan is locked. distinct: values that another filter has are refused."""
    metrics = await sold_metrics(work, [charge.billable_metric_id])
    metric = metrics.get(charge.billable_metric_id)
    if metric is None:
        raise NotFound("billable_metric")
    terms = read_filter_terms(params, charge.charge_model, metric)
    kept = (await kept_filters(work, [charge.id]))[charge.id]
    check_amount([*(each.values for each in kept), terms.values], metric)
    if distinct and any(same_values(each.values) == same_values(terms.values) for each in kept):
        raise ValidationFailed({"values": ["value_already_exists"]})
    position = 1 + max((each.row.position for each in kept), default=-1)
    row, values = new_filter(charge, metric, terms, {each.row.code for each in kept}, position)
    work.session.add(row)
    await work.session.flush()
    work.session.add_all(values)
    await work.session.flush()
    return row


async def update_filter(
    work: UnitOfWork, params: Params, filter_id: object, *, plan_code: str | None = None, charge_code: str | None = None
) -> ChargeFilter:
    """Edits price and name of a filter; its values can't be changed. Raises NotFound, ValidationFailed."""
    filter_id = parse_id(filter_id)
    charge_id = await _charge_id(work, filter_id) if plan_code is None else None
    plan, charge, _ = await charge_of_plan(work, charge_id, plan_code, charge_code)
    kept = await filter_of_charge(work, charge, filter_id)
    async with cascading(work, plan, params):
        await change_filter(work, charge, kept, params)
    work.record(PlanUpdated((plan.id,)))
    return kept.row


async def change_filter(work: UnitOfWork, charge: Charge, kept: KeptFilter, params: Params) -> None:
    """The same for a charge whose plan is locked. What was not sent stays."""
    metrics = await sold_metrics(work, [charge.billable_metric_id])
    metric = metrics.get(charge.billable_metric_id)
    if metric is None:
        raise NotFound("billable_metric")
    before = {"properties": kept.row.properties, "invoice_display_name": kept.row.invoice_display_name}
    terms: FilterTerms = read_filter_terms(before | dict(params), charge.charge_model, metric, values=kept.values)
    edit_filter(kept.row, terms)
    await work.session.flush()


async def delete_filter(
    work: UnitOfWork, filter_id: object, params: Params | None = None, *,
    plan_code: str | None = None, charge_code: str | None = None,
) -> ChargeFilter:  # fmt: skip
    """Soft-deletes a filter: its events are priced as the charge's others. Raises NotFound."""
    filter_id = parse_id(filter_id)
    charge_id = await _charge_id(work, filter_id) if plan_code is None else None
    plan, charge, _ = await charge_of_plan(work, charge_id, plan_code, charge_code)
    kept = await filter_of_charge(work, charge, filter_id)
    async with cascading(work, plan, params or {}):
        await remove_filter(work, kept)
    work.record(PlanUpdated((plan.id,)))
    return kept.row


async def remove_filter(work: UnitOfWork, kept: KeptFilter) -> None:
    """The same for a charge whose plan is locked."""
    await drop_filters(work, [kept.row.id])


async def filter_of_charge(work: UnitOfWork, charge: Charge, filter_id: UUID | None) -> KeptFilter:
    """A kept filter of the charge. Raises NotFound."""
    for kept in (await kept_filters(work, [charge.id]))[charge.id]:
        if kept.row.id == filter_id:
            return kept
    raise NotFound("charge_filter")


async def _charge_id(work: UnitOfWork, filter_id: UUID | None) -> UUID:
    charge_id: UUID | None = await work.session.scalar(
        sa.select(_filters.c.charge_id).where(_filters.c.id == filter_id, _filters.c.deleted_at.is_(None))
    )
    if charge_id is None:
        raise NotFound("charge_filter")
    return charge_id
