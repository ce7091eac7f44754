"""Creating, editing and deleting billable metrics with their filters (metering handbook, sections 1 and 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from uuid import UUID

import sqlalchemy as sa

from domain.catalog.events import (
    BillableMetricCreated,
    BillableMetricDeleted,
    BillableMetricUpdated,
    MetricFieldChanged,
    PlanComponentsChanged,
)
from domain.catalog.metric_filters import remove_metric_filters, set_metric_filters
from domain.catalog.metric_terms import MetricTerms, read_metric_filters, read_metric_terms
from domain.catalog.models import BillableMetric, Charge, Plan
from domain.kernel import clock
from domain.kernel.errors import NotFound
from domain.kernel.rows import table
from domain.kernel.uniqueness import unique
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params

__all__ = ["create_billable_metric", "delete_billable_metric", "update_billable_metric"]

ALWAYS_EDITABLE = frozenset({"name", "description", "filters"})
UNIQUE = {"uq_billable_metrics_code": "code"}

_metrics, _charges, _plans = table(BillableMetric), table(Charge), table(Plan)


async def create_billable_metric(work: UnitOfWork, params: Params) -> BillableMetric:
    """Raises ValidationFailed, Forbidden."""
    terms = read_metric_terms(params, await _taken(work, params.get("code")))
    filters = read_metric_filters(params)
    metric = BillableMetric(organization_id=work.organization_id, **asdict(terms))
    async with unique(work, UNIQUE):
        work.session.add(metric)
    if filters:
        await set_metric_filters(work, metric.id, filters)
    work.record(BillableMetricCreated((metric.id,)))
    if terms.reads is not None:
        work.record(MetricFieldChanged(metric.id))
    return metric


async def update_billable_metric(
    work: UnitOfWork, params: Params, *, metric_id: UUID | None = None, code: str | None = None
) -> BillableMetric:
    """Changes what is given, of the metric with that id or code; `filters` given is the full list. While a kept charge
    of a kept plan uses the metric, all but name, description and filters is silently left as it is.
    Raises NotFound, ValidationFailed, Forbidden."""
    metric = await _locked(work, metric_id, code)
    before = _terms_of(metric)
    if await _in_use(work, metric.id):
        params = {name: value for name, value in params.items() if name in ALWAYS_EDITABLE}
    merged: Mapping[str, object] = {**asdict(before), **params}
    moved = merged.get("code") != metric.code
    terms = read_metric_terms(merged, moved and await _taken(work, merged.get("code"), metric.id))
    filters = read_metric_filters(params)
    async with unique(work, UNIQUE):
        for name, value in asdict(terms).items():
            setattr(metric, name, value)
        # The rows of another code or property carry no number yet, or another one.
        if (terms.reads, terms.code) != (before.reads, before.code):
            metric.values_ready = False
            if terms.reads is not None:
                work.record(MetricFieldChanged(metric.id))
    if filters is not None and await set_metric_filters(work, metric.id, filters):
        metric.updated_at = clock.now()
        await work.session.flush()
        if plan_ids := await _plans_of(work, metric.id):
            work.record(PlanComponentsChanged(plan_ids))
    work.record(BillableMetricUpdated((metric.id,)))
    return metric


async def delete_billable_metric(
    work: UnitOfWork, *, metric_id: UUID | None = None, code: str | None = None
) -> BillableMetric:
    """Soft-deletes the metric, its charges on every plan, its filters and the charge filters that use them; events
    are kept. Raises NotFound."""
    metric = await _locked(work, metric_id, code)
    metric.deleted_at = clock.now()
    rows = await work.session.execute(
        sa.update(_charges)
        .where(_charges.c.billable_metric_id == metric.id, _charges.c.deleted_at.is_(None))
        .values(deleted_at=metric.deleted_at, updated_at=metric.deleted_at)
        .returning(_charges.c.plan_id)
    )
    work.record(BillableMetricDeleted((metric.id,), tuple(sorted(set(rows.scalars())))))
    await remove_metric_filters(work, metric.id)
    await work.session.flush()
    return metric


def _terms_of(metric: BillableMetric) -> MetricTerms:
    return MetricTerms(**{field.name: getattr(metric, field.name) for field in fields(MetricTerms)})


async def _locked(work: UnitOfWork, metric_id: UUID | None, code: str | None) -> BillableMetric:
    """The kept metric, locked against charges being put on it meanwhile."""
    wanted = _metrics.c.code == code if code is not None else _metrics.c.id == metric_id
    metric = await work.session.scalar(
        sa.select(BillableMetric).where(wanted, _metrics.c.deleted_at.is_(None)).with_for_update()
    )
    if metric is None:
        raise NotFound("billable_metric")
    return metric


async def _in_use(work: UnitOfWork, metric_id: UUID) -> bool:
    used = sa.exists().where(
        _charges.c.billable_metric_id == metric_id,
        _charges.c.deleted_at.is_(None),
        _plans.c.id == _charges.c.plan_id,
        _plans.c.deleted_at.is_(None),
    )
    return bool(await work.session.scalar(sa.select(used)))


async def _plans_of(work: UnitOfWork, metric_id: UUID) -> tuple[UUID, ...]:
    """The plans that a kept charge puts the metric on."""
    rows = await work.session.scalars(
        sa.select(_charges.c.plan_id)
        .where(_charges.c.billable_metric_id == metric_id, _charges.c.deleted_at.is_(None))
        .distinct()
        .order_by(_charges.c.plan_id)
    )
    return tuple(rows)


async def _taken(work: UnitOfWork, code: object, but: UUID | None = None) -> bool:
    if not isinstance(code, str):
        return False
    used = sa.exists().where(
        _metrics.c.code == code.strip(), _metrics.c.deleted_at.is_(None), _metrics.c.id != but if but else sa.true()
    )
    return bool(await work.session.scalar(sa.select(used)))
