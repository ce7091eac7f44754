"""Events and current usage."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import strawberry
from strawberry import Info

from domain.metering.current_usage import ChargeUsage as Used
from domain.metering.current_usage import CurrentUsage
from domain.metering.queries import Match
from graphql_api.catalog.types import BillableMetric, Charge, fetch_charges, fetch_metrics
from graphql_api.enums import CurrencyEnum, TimezoneEnum
from graphql_api.loaders import load_one
from graphql_api.pagination import CollectionMetadata
from graphql_api.scalars import JSON, BigInt, ChargeFilterValues, ISO8601Date, ISO8601DateTime

__all__ = ["CustomerUsage", "Event", "EventCollection", "customer_usage_type", "event_type"]


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


@strawberry.type
class PresentationBreakdownUsage:
    presentation_by: JSON
    units: str


@strawberry.type
class ChargeFilterUsage:
    id: strawberry.ID | None
    invoice_display_name: str | None
    values: ChargeFilterValues
    units: float
    events_count: int
    amount_cents: BigInt
    pricing_unit_amount_cents: BigInt | None
    presentation_breakdowns: list[PresentationBreakdownUsage] | None


@strawberry.type
class GroupedChargeUsage:
    id: strawberry.ID
    grouped_by: JSON | None
    units: float
    events_count: int
    amount_cents: BigInt
    pricing_unit_amount_cents: BigInt | None
    filters: list[ChargeFilterUsage] | None
    presentation_breakdowns: list[PresentationBreakdownUsage] | None


@strawberry.type
class ChargeUsage:
    charge_id: strawberry.Private[UUID]
    metric_id: strawberry.Private[UUID]

    id: strawberry.ID
    units: float
    events_count: int
    amount_cents: BigInt
    # Charges have no filters, groups or pricing units of their own.
    pricing_unit_amount_cents: BigInt | None
    filters: list[ChargeFilterUsage] | None
    grouped_usage: list[GroupedChargeUsage]
    presentation_breakdowns: list[PresentationBreakdownUsage] | None

    @strawberry.field
    async def charge(self, info: Info) -> Charge:
        return await load_one(info, "charges", fetch_charges, self.charge_id)

    @strawberry.field
    async def billable_metric(self, info: Info) -> BillableMetric:
        return await load_one(info, "billable_metrics", fetch_metrics, self.metric_id)


@strawberry.type
class CustomerUsage:
    from_datetime: ISO8601DateTime
    to_datetime: ISO8601DateTime
    issuing_date: ISO8601Date
    currency: CurrencyEnum
    amount_cents: BigInt
    taxes_amount_cents: BigInt
    total_amount_cents: BigInt
    charges_usage: list[ChargeUsage]


def _charge_usage(usage: Used) -> ChargeUsage:
    return ChargeUsage(
        charge_id=usage.charge.id,
        metric_id=usage.charge.metric_id,
        id=usage.charge.id,
        units=float(usage.units),
        events_count=usage.events_count,
        amount_cents=BigInt(usage.amount_cents),
        pricing_unit_amount_cents=None,
        filters=[],
        grouped_usage=[],
        presentation_breakdowns=[],
    )


def customer_usage_type(usage: CurrentUsage) -> CustomerUsage:
    return CustomerUsage(
        from_datetime=ISO8601DateTime(usage.from_datetime),
        to_datetime=ISO8601DateTime(usage.to_datetime),
        issuing_date=ISO8601Date(usage.issuing_date),
        currency=usage.currency,  # type: ignore[arg-type]
        amount_cents=BigInt(usage.amount_cents),
        taxes_amount_cents=BigInt(usage.taxes_amount_cents),
        total_amount_cents=BigInt(usage.total_amount_cents),
        charges_usage=[_charge_usage(charge) for charge in usage.charges],
    )
