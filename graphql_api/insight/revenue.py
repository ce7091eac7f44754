"""Revenue by stream, customer and plan. Source: handbook, platform 20."""

from __future__ import annotations

from enum import Enum
from typing import Any

import strawberry
from strawberry import Info

from domain.insight.revenue import revenue_of_customers, revenue_of_plans, revenue_streams
from domain.insight.wanted import read_wanted_figures
from graphql_api.catalog.enums import PlanInterval
from graphql_api.enums import CurrencyEnum
from graphql_api.insight.filters import OF_PERIODS, DataApiMetadata, Filters, filtered, next_page, one_page
from graphql_api.operations import operation, read
from graphql_api.pagination import CollectionMetadata, page_request
from graphql_api.scalars import BigInt, ISO8601Date, ISO8601DateTime

__all__ = ["RevenueQueries"]


@strawberry.enum
class OrderByEnum(Enum):
    gross_revenue_amount_cents = "gross_revenue_amount_cents"
    net_revenue_amount_cents = "net_revenue_amount_cents"


@strawberry.type
class DataApiRevenueStream:
    """Gross is the sum of the four kinds of fees, contra revenue that of the five deductions, net their difference."""

    amount_currency: CurrencyEnum
    commitment_fee_amount_cents: BigInt
    contra_revenue_amount_cents: BigInt | None
    coupons_amount_cents: BigInt
    credit_notes_credits_amount_cents: BigInt | None
    end_of_period_dt: ISO8601Date
    free_credits_amount_cents: BigInt | None
    gross_revenue_amount_cents: BigInt
    net_revenue_amount_cents: BigInt
    one_off_fee_amount_cents: BigInt
    prepaid_credits_amount_cents: BigInt | None
    progressive_billing_credit_amount_cents: BigInt | None
    start_of_period_dt: ISO8601Date
    subscription_fee_amount_cents: BigInt
    usage_based_fee_amount_cents: BigInt


@strawberry.type
class DataApiRevenueStreamCollection:
    collection: list[DataApiRevenueStream]
    metadata: CollectionMetadata


@strawberry.type
class DataApiRevenueStreamCustomer:
    amount_currency: CurrencyEnum
    customer_deleted_at: ISO8601DateTime | None
    customer_id: strawberry.ID
    customer_name: str | None
    external_customer_id: str
    gross_revenue_amount_cents: BigInt
    gross_revenue_share: float | None
    net_revenue_amount_cents: BigInt
    net_revenue_share: float | None


@strawberry.type
class DataApiRevenueStreamsCustomers:
    collection: list[DataApiRevenueStreamCustomer]
    metadata: DataApiMetadata


@strawberry.type
class DataApiRevenueStreamPlan:
    amount_currency: CurrencyEnum
    customers_count: int
    customers_share: float
    gross_revenue_amount_cents: BigInt
    gross_revenue_share: float | None
    net_revenue_amount_cents: BigInt
    net_revenue_share: float | None
    plan_code: str
    plan_deleted_at: ISO8601DateTime | None
    plan_id: strawberry.ID
    plan_interval: PlanInterval
    plan_name: str


@strawberry.type
class DataApiRevenueStreamsPlans:
    collection: list[DataApiRevenueStreamPlan]
    metadata: DataApiMetadata


@strawberry.type
class RevenueQueries:
    @strawberry.field
    @operation(permission="data_api:view")
    @filtered(*OF_PERIODS)
    async def data_api_revenue_streams(self, info: Info, filters: Filters) -> DataApiRevenueStreamCollection:
        wanted = read_wanted_figures(filters)
        async with read(info) as work:
            rows = await revenue_streams(work, wanted)
        return DataApiRevenueStreamCollection(
            collection=[
                DataApiRevenueStream(
                    amount_currency=CurrencyEnum(row.currency),
                    commitment_fee_amount_cents=BigInt(row.commitment),
                    contra_revenue_amount_cents=BigInt(row.contra),
                    coupons_amount_cents=BigInt(row.coupons),
                    credit_notes_credits_amount_cents=BigInt(row.notes),
                    end_of_period_dt=ISO8601Date(wanted.last_day(row.first)),
                    free_credits_amount_cents=BigInt(row.free),
                    gross_revenue_amount_cents=BigInt(row.gross),
                    net_revenue_amount_cents=BigInt(row.net),
                    one_off_fee_amount_cents=BigInt(row.one_off),
                    prepaid_credits_amount_cents=BigInt(row.prepaid),
                    progressive_billing_credit_amount_cents=BigInt(row.progressive),
                    start_of_period_dt=ISO8601Date(row.first),
                    subscription_fee_amount_cents=BigInt(row.subscription),
                    usage_based_fee_amount_cents=BigInt(row.usage),
                )
                for row in rows
            ],
            metadata=one_page(rows),
        )

    @strawberry.field
    @operation(permission="data_api:view")
    async def data_api_revenue_streams_customers(
        self,
        info: Info,
        currency: CurrencyEnum | None = None,
        limit: int | None = None,
        order_by: OrderByEnum | None = None,
        page: int | None = None,
    ) -> DataApiRevenueStreamsCustomers:
        async with read(info) as work:
            found = await revenue_of_customers(
                work, page_request(page, limit), currency=currency and currency.value, order_by=_order(order_by)
            )
        return DataApiRevenueStreamsCustomers(
            collection=[
                DataApiRevenueStreamCustomer(
                    **_figures(row),
                    customer_deleted_at=ISO8601DateTime(row.deleted_at) if row.deleted_at else None,
                    customer_id=strawberry.ID(str(row.id)),
                    customer_name=row.name,
                    external_customer_id=row.external_id,
                )
                for row in found.rows
            ],
            metadata=next_page(found),
        )

    @strawberry.field
    @operation(permission="data_api:view")
    async def data_api_revenue_streams_plans(
        self,
        info: Info,
        currency: CurrencyEnum | None = None,
        limit: int | None = None,
        order_by: OrderByEnum | None = None,
        page: int | None = None,
    ) -> DataApiRevenueStreamsPlans:
        async with read(info) as work:
            found = await revenue_of_plans(
                work, page_request(page, limit), currency=currency and currency.value, order_by=_order(order_by)
            )
        return DataApiRevenueStreamsPlans(
            collection=[
                DataApiRevenueStreamPlan(
                    **_figures(row),
                    customers_count=row.customers,
                    customers_share=float(row.customers_share),
                    plan_code=row.code,
                    plan_deleted_at=ISO8601DateTime(row.deleted_at) if row.deleted_at else None,
                    plan_id=strawberry.ID(str(row.id)),
                    plan_interval=PlanInterval(row.interval),
                    plan_name=row.name,
                )
                for row in found.rows
            ],
            metadata=next_page(found),
        )


def _order(order_by: OrderByEnum | None) -> str:
    return (order_by or OrderByEnum.gross_revenue_amount_cents).value


def _figures(row: Any) -> dict[str, Any]:
    """What lists of customers and of plans have in common."""
    return {
        "amount_currency": CurrencyEnum(row.currency),
        "gross_revenue_amount_cents": BigInt(row.gross),
        "gross_revenue_share": None if row.gross_share is None else float(row.gross_share),
        "net_revenue_amount_cents": BigInt(row.net),
        "net_revenue_share": None if row.net_share is None else float(row.net_share),
    }
