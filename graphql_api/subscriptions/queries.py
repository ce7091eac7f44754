"""Queries of the subscriptions context."""

from __future__ import annotations

import strawberry
from strawberry import Info

from domain.kernel.errors import NotFound
from domain.kernel.ids import parse_id
from domain.subscriptions import queries
from domain.subscriptions.queries import SubscriptionFilters
from graphql_api.operations import operation, read
from graphql_api.pagination import metadata_of, page_request
from graphql_api.subscriptions.types import StatusTypeEnum, Subscription, SubscriptionCollection, subscription_type

__all__ = ["SubscriptionsQueries"]


@strawberry.type
class SubscriptionsQueries:
    @strawberry.field
    @operation(permission="subscriptions:view")
    async def subscription(
        self, info: Info, id: strawberry.ID | None = None, external_id: strawberry.ID | None = None
    ) -> Subscription | None:
        async with read(info) as work:
            identifier = parse_id(id)
            if identifier is None and external_id:
                row = await queries.find(work.session, external_id)
                identifier = row.id if row else None
            rows = await queries.rows_by_ids(work.session, [identifier] if identifier else [])
            if not rows:
                raise NotFound("subscription")
            return subscription_type(rows[0])

    @strawberry.field
    @operation(permission="subscriptions:view")
    async def subscriptions(
        self,
        info: Info,
        page: int | None = None,
        limit: int | None = None,
        external_customer_id: str | None = None,
        external_id: str | None = None,
        plan_code: str | None = None,
        status: list[StatusTypeEnum] | None = None,
        currency: str | None = None,
        overriden: bool | None = None,
        billing_entity_ids: list[strawberry.ID] | None = None,
        search_term: str | None = None,
    ) -> SubscriptionCollection:
        async with read(info) as work:
            filters = SubscriptionFilters(
                statuses=[one.value for one in status or []],
                external_customer_id=external_customer_id,
                external_id=external_id,
                plan_code=plan_code,
                currency=currency,
                overridden=overriden,
                billing_entity_ids=[parse_id(one) for one in billing_entity_ids or []],
                search_term=search_term,
            )
            found = await queries.list_rows(work.session, filters, page_request(page, limit))
            return SubscriptionCollection(
                collection=[subscription_type(row) for row in found.rows], metadata=metadata_of(found)
            )
