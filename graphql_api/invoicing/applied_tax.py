"""Taxes as they applied: what those of fees, invoices and credit notes have in common."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry
from strawberry import Info

from graphql_api.enums import CurrencyEnum
from graphql_api.loaders import load
from graphql_api.scalars import BigInt, ISO8601DateTime

if TYPE_CHECKING:
    from graphql_api.catalog.types import Tax

__all__ = ["AppliedTax", "number", "tax_fields"]

LazyTax = Annotated["Tax", strawberry.lazy("graphql_api.catalog.types")]


def number(value: Decimal) -> float:
    """What a Float of the interface shows; never computed with."""
    return float(value)


@strawberry.interface
class AppliedTax:
    """A tax as it applied when the invoice was built."""

    tax_id: strawberry.Private[UUID | None]

    id: strawberry.ID
    amount_cents: BigInt
    amount_currency: CurrencyEnum
    tax_code: str
    tax_name: str
    tax_rate: float
    tax_description: str | None
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime

    @strawberry.field
    async def tax(self, info: Info) -> LazyTax | None:
        from graphql_api.catalog.types import fetch_taxes

        return await load(info, "taxes", fetch_taxes, self.tax_id) if self.tax_id else None


def tax_fields(row: Any) -> dict[str, Any]:
    """What both kinds of applied taxes show."""
    return {
        "tax_id": row.tax_id,
        "id": strawberry.ID(str(row.id)),
        "amount_cents": row.amount_cents,
        "amount_currency": row.amount_currency,
        "tax_code": row.tax_code,
        "tax_name": row.tax_name,
        "tax_rate": number(row.tax_rate),
        "tax_description": row.tax_description,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }
