"""Mutations of the messaging context."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import Info

from domain.kernel.errors import NotFound
from domain.messaging import queries
from domain.messaging.endpoints import create_endpoint, destroy_endpoint, update_endpoint
from domain.messaging.retry import retry_webhook
from graphql_api.messaging.types import (
    EventTypeEnum,
    Webhook,
    WebhookEndpoint,
    WebhookEndpointSignatureAlgoEnum,
    endpoint_type,
    webhook_type,
)
from graphql_api.operations import command, operation, to_params

__all__ = ["MessagingMutations"]


@strawberry.input
class WebhookEndpointCreateInput:
    client_mutation_id: str | None = strawberry.UNSET
    webhook_url: str
    name: str | None = strawberry.UNSET
    signature_algo: WebhookEndpointSignatureAlgoEnum | None = strawberry.UNSET
    event_types: list[EventTypeEnum] | None = strawberry.UNSET


@strawberry.input
class WebhookEndpointUpdateInput:
    client_mutation_id: str | None = strawberry.UNSET
    id: strawberry.ID
    webhook_url: str
    name: str | None = strawberry.UNSET
    signature_algo: WebhookEndpointSignatureAlgoEnum | None = strawberry.UNSET
    event_types: list[EventTypeEnum] | None = strawberry.UNSET


@strawberry.input
class DestroyWebhookEndpointInput:
    client_mutation_id: str | None = strawberry.UNSET
    id: strawberry.ID


@strawberry.input
class RetryWebhookInput:
    client_mutation_id: str | None = strawberry.UNSET
    id: strawberry.ID


@strawberry.type
class DestroyWebhookEndpointPayload:
    client_mutation_id: str | None
    id: strawberry.ID | None


def _params(input: object) -> dict[str, Any]:
    params = to_params(input)
    params.pop("id", None)
    return params


@strawberry.type
class MessagingMutations:
    @strawberry.mutation
    @operation(permission="developers:manage")
    async def create_webhook_endpoint(self, info: Info, input: WebhookEndpointCreateInput) -> WebhookEndpoint | None:
        async with command(info) as work:
            return endpoint_type(await create_endpoint(work, _params(input)))

    @strawberry.mutation
    @operation(permission="developers:manage")
    async def update_webhook_endpoint(self, info: Info, input: WebhookEndpointUpdateInput) -> WebhookEndpoint | None:
        async with command(info) as work:
            row = await queries.endpoint_by_id(work.session, input.id)
            if row is None:
                raise NotFound("webhook_endpoint")
            return endpoint_type(await update_endpoint(work, row, _params(input)))

    @strawberry.mutation
    @operation(permission="developers:manage")
    async def destroy_webhook_endpoint(
        self, info: Info, input: DestroyWebhookEndpointInput
    ) -> DestroyWebhookEndpointPayload | None:
        async with command(info) as work:
            row = await queries.endpoint_by_id(work.session, input.id)
            if row is None:
                raise NotFound("webhook_endpoint")
            await destroy_endpoint(work, row)
            return DestroyWebhookEndpointPayload(
                client_mutation_id=input.client_mutation_id or None, id=strawberry.ID(str(row.id))
            )

    @strawberry.mutation
    @operation(permission="developers:manage")
    async def retry_webhook(self, info: Info, input: RetryWebhookInput) -> Webhook | None:
        async with command(info) as work:
            row = await queries.webhook_by_id(work.session, input.id)
            if row is None:
                raise NotFound("webhook")
            row = await retry_webhook(work, row)
            return webhook_type(row, await queries.endpoint_by_id(work.session, row.webhook_endpoint_id))
