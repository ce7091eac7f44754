"""Usage alerts, on subscriptions and on wallets."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from strawberry import Info

from domain.kernel.format import decimal_text
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering import models
from domain.metering.alert_queries import thresholds_of_alerts
from graphql_api.loaders import load
from graphql_api.pagination import CollectionMetadata
from graphql_api.scalars import ISO8601DateTime

if TYPE_CHECKING:
    from graphql_api.catalog.metrics import BillableMetric

__all__ = ["Alert", "AlertCollection", "AlertThreshold", "AlertTypeEnum", "DirectionEnum", "alert_type"]

LazyMetric = Annotated["BillableMetric", strawberry.lazy("graphql_api.catalog.metrics")]


@strawberry.enum
class AlertTypeEnum(Enum):
    billable_metric_current_usage_amount = "billable_metric_current_usage_amount"
    billable_metric_current_usage_units = "billable_metric_current_usage_units"
    billable_metric_lifetime_usage_units = "billable_metric_lifetime_usage_units"
    current_usage_amount = "current_usage_amount"
    lifetime_usage_amount = "lifetime_usage_amount"
    wallet_balance_amount = "wallet_balance_amount"
    wallet_credits_balance = "wallet_credits_balance"
    wallet_credits_ongoing_balance = "wallet_credits_ongoing_balance"
    wallet_ongoing_balance_amount = "wallet_ongoing_balance_amount"


@strawberry.enum
class DirectionEnum(Enum):
    decreasing = "decreasing"
    increasing = "increasing"


@strawberry.type
class AlertThreshold:
    code: str | None
    recurring: bool
    value: str


@strawberry.type
class Alert:
    key: strawberry.Private[UUID]
    metric_key: strawberry.Private[UUID | None]

    id: strawberry.ID
    alert_type: AlertTypeEnum
    billable_metric_id: strawberry.ID | None
    code: str
    created_at: ISO8601DateTime
    deleted_at: ISO8601DateTime | None
    direction: DirectionEnum
    name: str | None
    subscription_external_id: str | None
    updated_at: ISO8601DateTime
    wallet_id: str | None

    @strawberry.field
    async def billable_metric(self, info: Info) -> LazyMetric | None:
        from graphql_api.catalog.metrics import fetch_metrics

        return await load(info, "metrics", fetch_metrics, self.metric_key) if self.metric_key else None

    @strawberry.field
    async def thresholds(self, info: Info) -> list[AlertThreshold] | None:
        return await load(info, "thresholds_of_alerts", _fetch_thresholds, self.key) or []


@strawberry.type
class AlertCollection:
    collection: list[Alert]
    metadata: CollectionMetadata


def alert_type(row: models.UsageAlert) -> Alert:
    """An alert from its row."""
    metric_id = row.billable_metric_id
    return Alert(
        key=row.id,
        metric_key=metric_id,
        id=strawberry.ID(str(row.id)),
        alert_type=AlertTypeEnum(row.alert_type),
        billable_metric_id=strawberry.ID(str(metric_id)) if metric_id else None,
        code=row.code,
        created_at=ISO8601DateTime(row.created_at),
        deleted_at=ISO8601DateTime(row.deleted_at) if row.deleted_at else None,
        direction=DirectionEnum(row.direction),
        name=row.name,
        subscription_external_id=row.subscription_external_id,
        updated_at=ISO8601DateTime(row.updated_at),
        wallet_id=str(row.wallet_id) if row.wallet_id else None,
    )


async def _fetch_thresholds(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, list[AlertThreshold]]:
    found = await thresholds_of_alerts(work.session, ids)
    return {
        key: [AlertThreshold(code=row.code, recurring=row.recurring, value=decimal_text(row.value)) for row in rows]
        for key, rows in found.items()
    }
