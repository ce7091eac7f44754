"""Queries of the messaging context."""

from __future__ import annotations

import strawberry
from strawberry import Info

from domain.kernel.errors import NotFound
from domain.messaging import queries
from domain.messaging.event_types import SENT
from domain.messaging.queries import WebhookFilters
from graphql_api.messaging.types import (
    EVENT_NAMES,
    Webhook,
    WebhookCollection,
    WebhookEndpoint,
    WebhookEndpointCollection,
    WebhookEventType,
    WebhookStatusEnum,
    endpoint_type,
    event_type,
    webhook_type,
)
from graphql_api.operations import operation, read
from graphql_api.pagination import metadata_of, page_request
from graphql_api.scalars import ISO8601DateTime

__all__ = ["MessagingQueries"]


@strawberry.type
class MessagingQueries:
    @strawberry.field
    @operation(permission="developers:manage")
    async def webhook_endpoint(self, info: Info, id: strawberry.ID) -> WebhookEndpoint | None:
        async with read(info) as work:
            row = await queries.endpoint_by_id(work.session, id)
            if row is None:
                raise NotFound("webhook_endpoint")
            return endpoint_type(row)

    @strawberry.field
    @operation(permission="developers:manage")
    async def webhook_endpoints(
        self, info: Info, page: int | None = None, limit: int | None = None, search_term: str | None = None
    ) -> WebhookEndpointCollection:
        async with read(info) as work:
            found = await queries.endpoints_page(work.session, page_request(page, limit), search_term)
            return WebhookEndpointCollection(
                collection=[endpoint_type(row) for row in found.rows], metadata=metadata_of(found)
            )

    @strawberry.field
    @operation(permission="developers:manage")
    async def webhook(self, info: Info, id: strawberry.ID) -> Webhook | None:
        async with read(info) as work:
            row = await queries.webhook_by_id(work.session, id)
            if row is None:
                raise NotFound("webhook")
            return webhook_type(row, await queries.endpoint_by_id(work.session, row.webhook_endpoint_id))

    @strawberry.field
    @operation(permission="developers:manage")
    async def webhooks(
        self,
        info: Info,
        webhook_endpoint_id: str,
        page: int | None = None,
        limit: int | None = None,
        search_term: str | None = None,
        status: WebhookStatusEnum | None = None,
        statuses: list[WebhookStatusEnum] | None = None,
        event_types: list[str] | None = None,
        http_statuses: list[str] | None = None,
        from_date: ISO8601DateTime | None = None,
        to_date: ISO8601DateTime | None = None,
    ) -> WebhookCollection:
        async with read(info) as work:
            endpoint = await queries.endpoint_by_id(work.session, webhook_endpoint_id)
            if endpoint is None:
                raise NotFound("webhook_endpoint")
            filters = WebhookFilters(
                webhook_endpoint_id=endpoint.id,
                statuses=[one.value for one in statuses or ([status] if status else [])],
                event_types=[EVENT_NAMES.get(name, name) for name in event_types or []],
                http_statuses=http_statuses or [],
                from_date=from_date,
                to_date=to_date,
                search_term=search_term,
            )
            found = await queries.webhooks_page(work.session, filters, page_request(page, limit))
            return WebhookCollection(
                collection=[webhook_type(row, endpoint) for row in found.rows], metadata=metadata_of(found)
            )

    @strawberry.field
    @operation(permission="developers:manage")
    async def event_types(self, info: Info) -> list[WebhookEventType]:
        return [event_type(known) for known in SENT]
