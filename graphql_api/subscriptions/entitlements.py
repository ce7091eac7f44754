"""Queries and mutations of what a subscription is entitled to."""

from __future__ import annotations

import strawberry
from strawberry import UNSET, Info

from domain.kernel.errors import NotFound
from domain.kernel.ids import parse_id
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.unit_of_work import UnitOfWork
from domain.subscriptions.entitlements.change import (
    current_entitlements,
    entitlement_of_subscription,
    remove_entitlement,
    set_entitlement,
)
from domain.subscriptions.models import Subscription
from graphql_api.catalog.entitlement_types import (
    EntitlementInput,
    SubscriptionEntitlement,
    SubscriptionEntitlementCollection,
    subscription_entitlement_type,
)
from graphql_api.operations import command, operation, read, to_params
from graphql_api.pagination import metadata_of

__all__ = ["SubscriptionEntitlementMutations", "SubscriptionEntitlementQueries"]


@strawberry.input
class CreateOrUpdateSubscriptionEntitlementInput:
    client_mutation_id: str | None = UNSET
    subscription_id: strawberry.ID
    entitlement: EntitlementInput


@strawberry.input
class RemoveSubscriptionEntitlementInput:
    client_mutation_id: str | None = UNSET
    subscription_id: strawberry.ID
    feature_code: str


@strawberry.type
class RemoveSubscriptionEntitlementPayload:
    client_mutation_id: str | None
    feature_code: str | None


async def _subscription(work: UnitOfWork, identifier: object, *, locked: bool) -> Subscription:
    parsed = parse_id(identifier)
    row = await work.session.get(Subscription, parsed, with_for_update=locked) if parsed else None
    if row is None:
        raise NotFound("subscription")
    return row


@strawberry.type
class SubscriptionEntitlementQueries:
    @strawberry.field
    @operation(permission="subscriptions:view")
    async def subscription_entitlement(
        self, info: Info, subscription_id: strawberry.ID, feature_code: str
    ) -> SubscriptionEntitlement:
        async with read(info) as work:
            row = await _subscription(work, subscription_id, locked=False)
            return subscription_entitlement_type(await entitlement_of_subscription(work, row, feature_code))

    @strawberry.field
    @operation(permission="subscriptions:view")
    async def subscription_entitlements(
        self, info: Info, subscription_id: strawberry.ID
    ) -> SubscriptionEntitlementCollection:
        """All of them, on one page."""
        async with read(info) as work:
            row = await _subscription(work, subscription_id, locked=False)
            held = await current_entitlements(work, row)
        return SubscriptionEntitlementCollection(
            collection=[subscription_entitlement_type(each) for each in held],
            metadata=metadata_of(Page(held, len(held), PageRequest(1, len(held)))),
        )


@strawberry.type
class SubscriptionEntitlementMutations:
    @strawberry.mutation
    @operation(permission="subscriptions:update")
    async def create_or_update_subscription_entitlement(
        self, info: Info, input: CreateOrUpdateSubscriptionEntitlementInput
    ) -> SubscriptionEntitlement | None:
        async with command(info) as work:
            row = await _subscription(work, input.subscription_id, locked=True)
            await set_entitlement(work, row, to_params(input.entitlement))
            found = await entitlement_of_subscription(work, row, input.entitlement.feature_code)
            return subscription_entitlement_type(found)

    @strawberry.mutation
    @operation(permission="subscriptions:update")
    async def remove_subscription_entitlement(
        self, info: Info, input: RemoveSubscriptionEntitlementInput
    ) -> RemoveSubscriptionEntitlementPayload | None:
        async with command(info) as work:
            row = await _subscription(work, input.subscription_id, locked=True)
            await remove_entitlement(work, row, input.feature_code)
        return RemoveSubscriptionEntitlementPayload(
            client_mutation_id=input.client_mutation_id or None, feature_code=input.feature_code
        )
