"""Analytics: figures over invoices and fees, month by month. Source: handbook, platform 20."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any

import strawberry
from strawberry import Info

from domain.insight import analytics
from domain.insight.analytics import YEAR, read_wanted
from graphql_api.enums import CurrencyEnum
from graphql_api.insight.filters import Filters, filtered, one_page
from graphql_api.invoicing.enums import InvoicePaymentStatusTypeEnum
from graphql_api.operations import operation, read
from graphql_api.pagination import CollectionMetadata
from graphql_api.scalars import BigInt, ISO8601DateTime

__all__ = [
    "AnalyticsQueries", "FinalizedInvoiceCollectionCollection", "OverdueBalanceCollection", "invoice_collections_type",
    "overdue_balances_type",
]  # fmt: skip


@strawberry.type
class GrossRevenue:
    month: ISO8601DateTime
    amount_cents: BigInt | None
    currency: CurrencyEnum | None
    invoices_count: BigInt
    billing_entity_id: strawberry.ID | None


@strawberry.type
class GrossRevenueCollection:
    collection: list[GrossRevenue]
    metadata: CollectionMetadata


@strawberry.type
class Mrr:
    """Neither amount nor currency in a month without any."""

    month: ISO8601DateTime
    amount_cents: BigInt | None
    currency: CurrencyEnum | None


@strawberry.type
class MrrCollection:
    collection: list[Mrr]
    metadata: CollectionMetadata


@strawberry.type
class FinalizedInvoiceCollection:
    """No payment status in a month without invoices."""

    month: ISO8601DateTime
    payment_status: InvoicePaymentStatusTypeEnum | None
    invoices_count: BigInt
    amount_cents: BigInt
    currency: CurrencyEnum | None


@strawberry.type
class FinalizedInvoiceCollectionCollection:
    collection: list[FinalizedInvoiceCollection]
    metadata: CollectionMetadata


@strawberry.type
class InvoicedUsage:
    month: ISO8601DateTime
    code: str | None
    amount_cents: BigInt
    currency: CurrencyEnum


@strawberry.type
class InvoicedUsageCollection:
    collection: list[InvoicedUsage]
    metadata: CollectionMetadata


@strawberry.type
class OverdueBalance:
    month: ISO8601DateTime
    amount_cents: BigInt
    currency: CurrencyEnum
    lago_invoice_ids: list[str]
    billing_entity_id: strawberry.ID | None


@strawberry.type
class OverdueBalanceCollection:
    collection: list[OverdueBalance]
    metadata: CollectionMetadata


@strawberry.type
class AnalyticsQueries:
    """`expire_cache` asks for new figures, which they are each time."""

    @strawberry.field
    @operation(permission="analytics:view")
    @filtered("currency", "external_customer_id", "billing_entity_id", "billing_entity_code", "months", "expire_cache")
    async def gross_revenues(self, info: Info, filters: Filters) -> GrossRevenueCollection:
        async with read(info) as work:
            wanted = await read_wanted(work, filters)
            rows = await analytics.gross_revenues(work, wanted)
        return GrossRevenueCollection(
            collection=[
                GrossRevenue(
                    month=_instant(row.month),
                    amount_cents=BigInt(row.amount_cents),
                    currency=CurrencyEnum(row.currency),
                    invoices_count=BigInt(row.invoices_count),
                    billing_entity_id=row.billing_entity_id,
                )
                for row in rows
            ],
            metadata=one_page(rows),
        )

    @strawberry.field
    @operation(permission="analytics:view")
    @filtered("currency", "billing_entity_code")
    async def mrrs(self, info: Info, filters: Filters) -> MrrCollection:
        async with read(info) as work:
            wanted = await read_wanted(work, {**filters, "months": YEAR})
            rows = await analytics.mrrs(work, wanted)
        return MrrCollection(
            collection=[
                Mrr(
                    month=_instant(row.month),
                    amount_cents=None if row.amount_cents is None else BigInt(row.amount_cents),
                    currency=CurrencyEnum(row.currency) if row.currency else None,
                )
                for row in rows
            ],
            metadata=one_page(rows),
        )

    @strawberry.field
    @operation(permission="analytics:view")
    @filtered("currency", "billing_entity_code", "is_customer_tin_empty")
    async def invoice_collections(self, info: Info, filters: Filters) -> FinalizedInvoiceCollectionCollection:
        async with read(info) as work:
            wanted = await read_wanted(work, {**filters, "months": YEAR})
            rows = await analytics.invoice_collections(work, wanted)
        return invoice_collections_type(rows)

    @strawberry.field
    @operation(permission="analytics:view")
    @filtered("currency", "billing_entity_code")
    async def invoiced_usages(self, info: Info, filters: Filters) -> InvoicedUsageCollection:
        async with read(info) as work:
            wanted = await read_wanted(work, {**filters, "months": YEAR})
            rows = await analytics.invoiced_usages(work, wanted)
        return InvoicedUsageCollection(
            collection=[
                InvoicedUsage(
                    month=_instant(row.month),
                    code=row.code,
                    amount_cents=BigInt(row.amount_cents),
                    currency=CurrencyEnum(row.currency),
                )
                for row in rows
            ],
            metadata=one_page(rows),
        )

    @strawberry.field
    @operation(permission="analytics:view")
    @filtered(
        "currency", "external_customer_id", "billing_entity_code", "is_customer_tin_empty", "months", "expire_cache"
    )
    async def overdue_balances(self, info: Info, filters: Filters) -> OverdueBalanceCollection:
        async with read(info) as work:
            wanted = await read_wanted(work, filters)
            rows = await analytics.overdue_balances(work, wanted)
        return overdue_balances_type(rows)


def invoice_collections_type(rows: Sequence[Any]) -> FinalizedInvoiceCollectionCollection:
    """Finalized invoices by month and payment status, as `domain.insight.analytics` counts them."""
    return FinalizedInvoiceCollectionCollection(
        collection=[
            FinalizedInvoiceCollection(
                month=_instant(row.month),
                payment_status=InvoicePaymentStatusTypeEnum(row.payment_status) if row.payment_status else None,
                invoices_count=BigInt(row.invoices_count),
                amount_cents=BigInt(row.amount_cents),
                currency=CurrencyEnum(row.currency) if row.currency else None,
            )
            for row in rows
        ],
        metadata=one_page(rows),
    )


def overdue_balances_type(rows: Sequence[Any]) -> OverdueBalanceCollection:
    """What is overdue, by month of its due date, as `domain.insight.analytics` sums it."""
    return OverdueBalanceCollection(
        collection=[
            OverdueBalance(
                month=_instant(row.month),
                amount_cents=BigInt(row.amount_cents),
                currency=CurrencyEnum(row.currency),
                lago_invoice_ids=[str(each) for each in row.invoice_ids],
                billing_entity_id=row.billing_entity_id,
            )
            for row in rows
        ],
        metadata=one_page(rows),
    )


def _instant(month: date) -> ISO8601DateTime:
    return ISO8601DateTime(datetime.combine(month, time(), UTC))
