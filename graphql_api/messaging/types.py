"""Webhook endpoints, webhooks and their types."""

from __future__ import annotations

from enum import Enum

import strawberry

from domain.messaging import models
from domain.messaging.event_types import KNOWN, EventType
from graphql_api.pagination import CollectionMetadata
from graphql_api.scalars import ISO8601DateTime

__all__ = [
    "EventCategoryEnum",
    "EventTypeEnum",
    "Webhook",
    "WebhookCollection",
    "WebhookEndpoint",
    "WebhookEndpointCollection",
    "WebhookEndpointSignatureAlgoEnum",
    "WebhookEventType",
    "WebhookStatusEnum",
    "endpoint_type",
    "event_type",
    "webhook_type",
]

# The value is the name with dots; `all` stands for everything.
EventTypeEnum = strawberry.enum(
    Enum("EventTypeEnum", {"all": "*", **{name.replace(".", "_"): name for name in sorted(KNOWN)}}),
    name="EventTypeEnum",
)


@strawberry.enum
class EventCategoryEnum(Enum):
    ALERTS = "ALERTS"
    BILLABLE_METRICS = "BILLABLE_METRICS"
    CREDIT_NOTES = "CREDIT_NOTES"
    CUSTOMERS = "CUSTOMERS"
    DUNNING_CAMPAIGNS = "DUNNING_CAMPAIGNS"
    EVENT_INGESTION = "EVENT_INGESTION"
    FEATURES = "FEATURES"
    INTEGRATIONS = "INTEGRATIONS"
    INVOICES = "INVOICES"
    PAYMENTS = "PAYMENTS"
    PAYMENT_RECEIPTS = "PAYMENT_RECEIPTS"
    PLANS = "PLANS"
    QUOTES = "QUOTES"
    SUBSCRIPTIONS_AND_FEES = "SUBSCRIPTIONS_AND_FEES"
    WALLETS_AND_CREDITS = "WALLETS_AND_CREDITS"


@strawberry.enum
class WebhookEndpointSignatureAlgoEnum(Enum):
    hmac = "hmac"
    jwt = "jwt"


@strawberry.enum
class WebhookStatusEnum(Enum):
    failed = "failed"
    pending = "pending"
    retrying = "retrying"
    succeeded = "succeeded"


@strawberry.type
class WebhookEndpoint:
    id: strawberry.ID
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime
    name: str | None
    webhook_url: str
    signature_algo: WebhookEndpointSignatureAlgoEnum | None
    event_types: list[EventTypeEnum] | None  # type: ignore[valid-type]


@strawberry.type
class WebhookEndpointCollection:
    collection: list[WebhookEndpoint]
    metadata: CollectionMetadata


@strawberry.type
class Webhook:
    id: strawberry.ID
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime
    endpoint: str
    http_status: int | None
    last_retried_at: ISO8601DateTime | None
    object_type: str
    payload: str | None
    response: str | None
    retries: int
    status: WebhookStatusEnum
    webhook_type: str
    webhook_endpoint: WebhookEndpoint | None


@strawberry.type
class WebhookCollection:
    collection: list[Webhook]
    metadata: CollectionMetadata


@strawberry.type
class WebhookEventType:
    key: EventTypeEnum  # type: ignore[valid-type]
    name: str
    description: str
    category: EventCategoryEnum
    deprecated: bool


def endpoint_type(row: models.WebhookEndpoint) -> WebhookEndpoint:
    """An endpoint as clients see it; null event types mean everything."""
    return WebhookEndpoint(
        id=strawberry.ID(str(row.id)),
        created_at=ISO8601DateTime(row.created_at),
        updated_at=ISO8601DateTime(row.updated_at),
        name=row.name,
        webhook_url=row.webhook_url,
        signature_algo=WebhookEndpointSignatureAlgoEnum(row.signature_algo),
        event_types=None if row.event_types is None else [EventTypeEnum(name) for name in row.event_types],
    )


def webhook_type(row: models.Webhook, endpoint: models.WebhookEndpoint | None) -> Webhook:
    """A webhook with its endpoint; the payload is the text that was sent."""
    return Webhook(
        id=strawberry.ID(str(row.id)),
        created_at=ISO8601DateTime(row.created_at),
        updated_at=ISO8601DateTime(row.updated_at),
        endpoint=row.endpoint,
        http_status=row.http_status,
        last_retried_at=ISO8601DateTime(row.last_retried_at) if row.last_retried_at else None,
        object_type=row.object_type,
        payload=row.payload,
        response=row.response,
        retries=row.retries,
        status=WebhookStatusEnum(row.status),
        webhook_type=row.webhook_type,
        webhook_endpoint=endpoint_type(endpoint) if endpoint else None,
    )


def event_type(known: EventType) -> WebhookEventType:
    return WebhookEventType(
        key=EventTypeEnum(known.name),
        name=known.name,
        description=known.description,
        category=EventCategoryEnum(known.category),
        deprecated=known.deprecated,
    )
