"""Queries of the metering context."""

from __future__ import annotations

import strawberry
from strawberry import Info

from domain.kernel import clock
from domain.metering.current_usage import current_usage
from domain.metering.projection import projected
from domain.metering.queries import event_row, matches, newest_events_page
from graphql_api.metering.types import Event, EventCollection, event_type
from graphql_api.metering.usage_types import (
    CustomerProjectedUsage,
    CustomerUsage,
    customer_projected_usage_type,
    customer_usage_type,
)
from graphql_api.operations import operation, read
from graphql_api.pagination import metadata_of, page_request

__all__ = ["MeteringQueries"]


@strawberry.type
class MeteringQueries:
    @strawberry.field
    @operation(permission="developers:manage")
    async def event(self, info: Info, transaction_id: strawberry.ID) -> Event | None:
        async with read(info) as work:
            row = await event_row(work, transaction_id)
            (match,) = await matches(work, [row])
        return event_type(row, match)

    @strawberry.field
    @operation(permission="developers:manage")
    async def events(self, info: Info, page: int | None = None, limit: int | None = None) -> EventCollection | None:
        async with read(info) as work:
            found = await newest_events_page(work, page_request(page, limit))
            belongings = await matches(work, found.rows)
        return EventCollection(
            collection=[event_type(row, match) for row, match in zip(found.rows, belongings, strict=True)],
            metadata=metadata_of(found),
        )

    @strawberry.field
    @operation(permission="customers:view")
    async def customer_usage(
        self, info: Info, subscription_id: strawberry.ID, customer_id: strawberry.ID | None = None
    ) -> CustomerUsage:
        async with read(info) as work:
            usage = await current_usage(
                work, customer_id=customer_id, subscription_id=subscription_id, apply_taxes=False
            )
        return customer_usage_type(usage)

    @strawberry.field
    @operation(permission="customers:view")
    async def customer_projected_usage(
        self, info: Info, subscription_id: strawberry.ID, customer_id: strawberry.ID | None = None
    ) -> CustomerProjectedUsage:
        async with read(info) as work:
            usage = await current_usage(
                work, customer_id=customer_id, subscription_id=subscription_id, apply_taxes=False
            )
            return customer_projected_usage_type(projected(usage, clock.now()))
