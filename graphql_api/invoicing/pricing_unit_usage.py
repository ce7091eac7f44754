"""What a fee is in the pricing unit of its charge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry
from strawberry import Info

from graphql_api.loaders import load_one
from graphql_api.scalars import BigInt, ISO8601DateTime

if TYPE_CHECKING:
    from graphql_api.catalog.pricing_units import PricingUnit

__all__ = ["PricingUnitUsage", "pricing_unit_usage"]

LazyPricingUnit = Annotated["PricingUnit", strawberry.lazy("graphql_api.catalog.pricing_units")]


@strawberry.type
class PricingUnitUsage:
    pricing_unit_id: strawberry.Private[UUID]

    id: strawberry.ID
    amount_cents: BigInt
    conversion_rate: float
    precise_amount_cents: float
    precise_unit_amount: float
    short_name: str
    unit_amount_cents: BigInt
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime

    @strawberry.field
    async def pricing_unit(self, info: Info) -> LazyPricingUnit:
        from graphql_api.catalog.pricing_units import fetch_pricing_units

        return await load_one(info, "pricing_units", fetch_pricing_units, self.pricing_unit_id)


def pricing_unit_usage(row: Any) -> PricingUnitUsage | None:
    """From a row of `domain.invoicing.fee_queries`."""
    if row.pricing_unit_id is None:
        return None
    return PricingUnitUsage(
        pricing_unit_id=row.pricing_unit_id,
        id=strawberry.ID(str(row.fee_pricing_unit_id)),
        amount_cents=row.pricing_unit_amount_cents,
        conversion_rate=float(row.conversion_rate),
        precise_amount_cents=float(row.pricing_unit_precise_amount_cents),
        precise_unit_amount=float(row.pricing_unit_precise_unit_amount),
        short_name=row.pricing_unit_short_name,
        unit_amount_cents=row.pricing_unit_unit_amount_cents,
        # It is made with the fee and never changed.
        created_at=row.created_at,
        updated_at=row.created_at,
    )
