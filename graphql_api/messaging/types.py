"""Webhook endpoints, webhooks and their types."""

from __future__ import annotations

from enum import Enum
from typing import Any
from uuid import UUID

import strawberry
from strawberry import Info

from domain.identity.queries import organizations_by_id
from domain.messaging.event_types import KNOWN, EventType
from domain.messaging.models import WebhookEndpoint as WebhookEndpointRow
from graphql_api.context import current
from graphql_api.identity.types import Organization
from graphql_api.loaders import load_one
from graphql_api.operations import permitted
from graphql_api.pagination import CollectionMetadata
from graphql_api.scalars import ISO8601DateTime

__all__ = [
    "EVENT_NAMES",
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

# The names with dots by their names as GraphQL writes them; `all` stands for everything.
EVENT_NAMES = {"all": "*", **{name.replace(".", "_"): name for name in sorted(KNOWN)}}


@strawberry.enum
class EventTypeEnum(Enum):
    _ignore_ = ["members"]
    members = vars()
    members.update(EVENT_NAMES)


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
    organization_id: strawberry.Private[UUID]
    id: strawberry.ID
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime
    name: str | None
    webhook_url: str
    signature_algo: WebhookEndpointSignatureAlgoEnum | None
    event_types: list[EventTypeEnum] | None

    @strawberry.field
    async def organization(self, info: Info) -> Organization | None:
        row: Any = await load_one(info, "organizations", organizations_by_id, self.organization_id)
        return Organization(
            row=row,
            login_method=current(info).login_method,
            shows_billing=permitted(info, "organization:invoices:view"),
        )


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
    key: EventTypeEnum
    name: str
    description: str
    category: EventCategoryEnum
    deprecated: bool


def endpoint_type(row: Any) -> WebhookEndpoint:
    """An endpoint as clients see it, from its row or entity; null event types mean everything."""
    return WebhookEndpoint(
        organization_id=row.organization_id,
        id=strawberry.ID(str(row.id)),
        created_at=ISO8601DateTime(row.created_at),
        updated_at=ISO8601DateTime(row.updated_at),
        name=row.name,
        webhook_url=row.webhook_url,
        signature_algo=WebhookEndpointSignatureAlgoEnum(row.signature_algo),
        event_types=None if row.event_types is None else [EventTypeEnum(name) for name in row.event_types],
    )


def webhook_type(row: Any, endpoint: WebhookEndpointRow | None) -> Webhook:
    """A webhook, from its row or entity, with its endpoint; the payload is the text that was sent."""
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
