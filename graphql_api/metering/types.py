"""Events."""

from __future__ import annotations

from typing import Any

import strawberry

from domain.metering.queries import Match
from graphql_api.enums import TimezoneEnum
from graphql_api.pagination import CollectionMetadata
from graphql_api.scalars import JSON, ISO8601DateTime

__all__ = ["Event", "EventCollection", "event_type"]


@strawberry.type
class Event:
    id: strawberry.ID
    code: str
    transaction_id: str | None
    external_subscription_id: str | None
    timestamp: ISO8601DateTime | None
    received_at: ISO8601DateTime | None
    deleted_at: ISO8601DateTime | None
    customer_timezone: TimezoneEnum
    api_client: str | None
    ip_address: str | None
    billable_metric_name: str | None
    match_billable_metric: bool | None
    match_custom_field: bool | None
    match_customer: bool | None
    match_subscription: bool | None
    payload: JSON


@strawberry.type
class EventCollection:
    collection: list[Event]
    metadata: CollectionMetadata


def event_type(row: Any, match: Match) -> Event:
    """An event with what it belongs to."""
    payload = {
        "transaction_id": row.transaction_id,
        "external_subscription_id": row.external_subscription_id,
        "code": row.code,
        "timestamp": int(row.timestamp.timestamp() // 1),
        "properties": row.properties,
    }
    return Event(
        id=row.id,
        code=row.code,
        transaction_id=row.transaction_id,
        external_subscription_id=row.external_subscription_id,
        timestamp=row.timestamp,
        received_at=row.created_at,
        deleted_at=row.deleted_at,
        customer_timezone=match.timezone,  # type: ignore[arg-type]
        api_client=row.event_metadata.get("user_agent"),
        ip_address=row.event_metadata.get("ip_address"),
        billable_metric_name=match.metric_name,
        match_billable_metric=match.metric_name is not None,
        match_custom_field=match.field_name is None or match.field_name in row.properties,
        match_customer=match.has_subscription,
        match_subscription=match.has_subscription,
        payload=JSON({"event": payload}),
    )
