"""Analytics: figures over invoices and fees, month by month. Source: handbook, platform 20."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any

import strawberry
from strawberry import Info

from domain.insight import analytics
from domain.insight.analytics import YEAR, read_wanted
from domain.kernel.pagination import Page, PageRequest
from graphql_api.enums import CurrencyEnum
from graphql_api.invoicing.enums import InvoicePaymentStatusTypeEnum
from graphql_api.operations import operation, read
from graphql_api.pagination import CollectionMetadata, metadata_of
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
    async def gross_revenues(
        self,
        info: Info,
        currency: CurrencyEnum | None = None,
        external_customer_id: str | None = None,
        billing_entity_id: strawberry.ID | None = None,
        billing_entity_code: str | None = None,
        months: int | None = None,
        expire_cache: bool | None = None,
    ) -> GrossRevenueCollection:
        async with read(info) as work:
            wanted = await read_wanted(
                work,
                months=months,
                currency=_code(currency),
                billing_entity_id=billing_entity_id,
                billing_entity_code=billing_entity_code,
                customer=external_customer_id,
            )
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
            metadata=_metadata(rows),
        )

    @strawberry.field
    @operation(permission="analytics:view")
    async def mrrs(
        self, info: Info, currency: CurrencyEnum | None = None, billing_entity_code: str | None = None
    ) -> MrrCollection:
        async with read(info) as work:
            wanted = await read_wanted(
                work, months=YEAR, currency=_code(currency), billing_entity_code=billing_entity_code
            )
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
            metadata=_metadata(rows),
        )

    @strawberry.field
    @operation(permission="analytics:view")
    async def invoice_collections(
        self,
        info: Info,
        currency: CurrencyEnum | None = None,
        billing_entity_code: str | None = None,
        is_customer_tin_empty: bool | None = None,
    ) -> FinalizedInvoiceCollectionCollection:
        async with read(info) as work:
            wanted = await read_wanted(
                work,
                months=YEAR,
                currency=_code(currency),
                billing_entity_code=billing_entity_code,
                without_tin=is_customer_tin_empty,
            )
            rows = await analytics.invoice_collections(work, wanted)
        return invoice_collections_type(rows)

    @strawberry.field
    @operation(permission="analytics:view")
    async def invoiced_usages(
        self, info: Info, currency: CurrencyEnum | None = None, billing_entity_code: str | None = None
    ) -> InvoicedUsageCollection:
        async with read(info) as work:
            wanted = await read_wanted(
                work, months=YEAR, currency=_code(currency), billing_entity_code=billing_entity_code
            )
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
            metadata=_metadata(rows),
        )

    @strawberry.field
    @operation(permission="analytics:view")
    async def overdue_balances(
        self,
        info: Info,
        currency: CurrencyEnum | None = None,
        external_customer_id: str | None = None,
        billing_entity_code: str | None = None,
        is_customer_tin_empty: bool | None = None,
        months: int | None = None,
        expire_cache: bool | None = None,
    ) -> OverdueBalanceCollection:
        async with read(info) as work:
            wanted = await read_wanted(
                work,
                months=months,
                currency=_code(currency),
                billing_entity_code=billing_entity_code,
                customer=external_customer_id,
                without_tin=is_customer_tin_empty,
            )
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
        metadata=_metadata(rows),
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
        metadata=_metadata(rows),
    )


def _code(currency: CurrencyEnum | None) -> str | None:
    return currency.value if currency else None


def _instant(month: date) -> ISO8601DateTime:
    return ISO8601DateTime(datetime.combine(month, time(), UTC))


def _metadata(rows: Sequence[Any]) -> CollectionMetadata:
    """Figures come in one page."""
    return metadata_of(Page(rows, len(rows), PageRequest(1, max(len(rows), 1))))
