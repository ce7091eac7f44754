"""Add-ons that were billed to a customer."""

from __future__ import annotations

from uuid import UUID

import strawberry
from strawberry import Info

from domain.invoicing.applied_add_ons import add_ons_of_customers
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.catalog.add_ons import AddOn, fetch_add_ons
from graphql_api.enums import CurrencyEnum
from graphql_api.loaders import load_one
from graphql_api.scalars import BigInt, ISO8601DateTime

__all__ = ["AppliedAddOn", "fetch_add_ons_of_customers"]


@strawberry.type
class AppliedAddOn:
    """A line of a one-off invoice, which is how an add-on comes to a customer; the id is that of its fee.

    amount_cents: of the line, before coupons and taxes.
    """

    key: strawberry.Private[UUID]

    id: strawberry.ID
    amount_cents: BigInt
    amount_currency: CurrencyEnum
    created_at: ISO8601DateTime

    @strawberry.field
    async def add_on(self, info: Info) -> AddOn:
        return await load_one(info, "add_ons", fetch_add_ons, self.key)


async def fetch_add_ons_of_customers(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[AppliedAddOn]]:
    """By customer, the latest first."""
    rows = await add_ons_of_customers(work.session, ids)
    return {
        customer_id: [
            AppliedAddOn(
                key=row.add_on_id,
                id=row.id,
                amount_cents=row.amount_cents,
                amount_currency=CurrencyEnum(row.amount_currency),
                created_at=row.created_at,
            )
            for row in lines
        ]
        for customer_id, lines in rows.items()
    }
