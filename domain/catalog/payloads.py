"""Catalog objects as REST and webhooks show them (metering handbook 1.3; pricing handbook 1.2, 2.1, 13)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.catalog.metric_filters import filters_of_metrics
from domain.catalog.queries import metric_rows, tax_rows
from domain.kernel.format import instant, rate

__all__ = [
    "billable_metric_payload", "billable_metric_payloads", "tax_payload", "tax_payloads",
]  # fmt: skip

Payload = dict[str, Any]


def billable_metric_payload(row: Any, filters: Sequence[Any] = (), *, counters: bool = True) -> Payload:
    """A metric with its filter rows. counters: the three counts that the interface keeps and that are always 0."""
    payload = {
        "lago_id": row.id,
        "name": row.name,
        "code": row.code,
        "description": row.description,
        "aggregation_type": row.aggregation_type,
        "weighted_interval": row.weighted_interval,
        "recurring": row.recurring,
        "rounding_function": row.rounding_function,
        "rounding_precision": row.rounding_precision,
        "created_at": instant(row.created_at),
        "field_name": row.field_name,
        "expression": row.expression,
        "filters": [{"key": one.key, "values": sorted(one.values)} for one in filters],
    }
    if counters:
        payload |= {"active_subscriptions_count": 0, "draft_invoices_count": 0, "plans_count": 0}
    return payload


async def billable_metric_payloads(
    session: AsyncSession, metric_ids: Collection[UUID], *, rows: Mapping[UUID, Any] | None = None,
    counters: bool = True,
) -> dict[UUID, Payload]:  # fmt: skip
    """Metrics by id, deleted ones as well: two statements, one when the metrics' rows are already read."""
    metrics = rows if rows is not None else await metric_rows(session, metric_ids)
    filters = await filters_of_metrics(session, list(metrics))
    return {
        metric_id: billable_metric_payload(row, filters.get(metric_id, ()), counters=counters)
        for metric_id, row in metrics.items()
    }


def tax_payload(row: Any) -> Payload:
    """A tax; the row carries `applied_to_organization`."""
    return {
        "lago_id": row.id,
        "name": row.name,
        "code": row.code,
        "rate": rate(row.rate),
        "description": row.description,
        "applied_to_organization": row.applied_to_organization,
        "created_at": instant(row.created_at),
    }


async def tax_payloads(session: AsyncSession, organization_id: UUID, tax_ids: Collection[UUID]) -> dict[UUID, Payload]:
    """Taxes by id, deleted ones as well: one statement."""
    return {tax_id: tax_payload(row) for tax_id, row in (await tax_rows(session, organization_id, tax_ids)).items()}
