"""Recurring revenue and how it moves; prepaid credits. Source: handbook, platform 20."""

from __future__ import annotations

import strawberry
from strawberry import Info

from domain.insight.contracted import contracted_mrrs, contracted_plans
from domain.insight.prepaid import prepaid_movements
from domain.insight.wanted import read_wanted_figures
from domain.kernel.money import from_cents
from graphql_api.catalog.enums import PlanInterval
from graphql_api.enums import CurrencyEnum
from graphql_api.insight.filters import OF_PERIODS, DataApiMetadata, Filters, filtered, next_page, one_page
from graphql_api.operations import operation, read
from graphql_api.pagination import CollectionMetadata, page_request
from graphql_api.scalars import BigInt, ISO8601Date, ISO8601DateTime

__all__ = ["ContractedQueries"]


@strawberry.type
class DataApiMrr:
    """In minor units. The change is the sum of the four movements; churn and contraction are not above zero."""

    amount_currency: CurrencyEnum
    end_of_period_dt: ISO8601Date
    ending_mrr: BigInt
    mrr_change: BigInt
    mrr_churn: BigInt
    mrr_contraction: BigInt
    mrr_expansion: BigInt
    mrr_new: BigInt
    start_of_period_dt: ISO8601Date
    starting_mrr: BigInt


@strawberry.type
class DataApiMrrCollection:
    collection: list[DataApiMrr]
    metadata: CollectionMetadata


@strawberry.type
class DataApiMrrPlan:
    """As of the day `dt`; `mrr` in minor units."""

    active_customers_count: BigInt
    active_customers_share: float
    amount_currency: CurrencyEnum
    dt: ISO8601Date
    mrr: float
    mrr_share: float | None
    plan_code: str
    plan_deleted_at: ISO8601DateTime | None
    plan_id: strawberry.ID
    plan_interval: PlanInterval
    plan_name: str


@strawberry.type
class DataApiMrrsPlans:
    collection: list[DataApiMrrPlan]
    metadata: DataApiMetadata


@strawberry.type
class DataApiPrepaidCredit:
    """Amounts in units of the currency, as those of wallet transactions."""

    amount_currency: CurrencyEnum
    consumed_amount: float
    consumed_credits_quantity: float
    end_of_period_dt: ISO8601Date
    offered_amount: float
    offered_credits_quantity: float
    purchased_amount: float
    purchased_credits_quantity: float
    start_of_period_dt: ISO8601Date
    voided_amount: float
    voided_credits_quantity: float


@strawberry.type
class DataApiPrepaidCreditCollection:
    collection: list[DataApiPrepaidCredit]
    metadata: CollectionMetadata


@strawberry.type
class ContractedQueries:
    @strawberry.field
    @operation(permission="data_api:view")
    @filtered(*OF_PERIODS)
    async def data_api_mrrs(self, info: Info, filters: Filters) -> DataApiMrrCollection:
        wanted = read_wanted_figures(filters)
        async with read(info) as work:
            rows = await contracted_mrrs(work, wanted)
        return DataApiMrrCollection(
            collection=[
                DataApiMrr(
                    amount_currency=CurrencyEnum(row.currency),
                    end_of_period_dt=ISO8601Date(wanted.last_day(row.first)),
                    ending_mrr=BigInt(row.ending),
                    mrr_change=BigInt(row.change),
                    mrr_churn=BigInt(row.churn),
                    mrr_contraction=BigInt(row.contraction),
                    mrr_expansion=BigInt(row.expansion),
                    mrr_new=BigInt(row.new),
                    start_of_period_dt=ISO8601Date(row.first),
                    starting_mrr=BigInt(row.starting),
                )
                for row in rows
            ],
            metadata=one_page(rows),
        )

    @strawberry.field
    @operation(permission="data_api:view")
    async def data_api_mrrs_plans(
        self, info: Info, currency: CurrencyEnum | None = None, limit: int | None = None, page: int | None = None
    ) -> DataApiMrrsPlans:
        async with read(info) as work:
            found = await contracted_plans(work, page_request(page, limit), currency=currency and currency.value)
        return DataApiMrrsPlans(
            collection=[
                DataApiMrrPlan(
                    active_customers_count=BigInt(row.customers),
                    active_customers_share=float(row.customers_share),
                    amount_currency=CurrencyEnum(row.currency),
                    dt=ISO8601Date(row.day),
                    mrr=float(row.mrr),
                    mrr_share=None if row.mrr_share is None else float(row.mrr_share),
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

    @strawberry.field
    @operation(permission="data_api:view")
    @filtered(*OF_PERIODS)
    async def data_api_prepaid_credits(self, info: Info, filters: Filters) -> DataApiPrepaidCreditCollection:
        wanted = read_wanted_figures(filters)
        async with read(info) as work:
            rows = await prepaid_movements(work, wanted)
        return DataApiPrepaidCreditCollection(
            collection=[
                DataApiPrepaidCredit(
                    amount_currency=CurrencyEnum(row.currency),
                    consumed_amount=float(from_cents(row.consumed_cents, row.currency)),
                    consumed_credits_quantity=float(row.consumed_credits),
                    end_of_period_dt=ISO8601Date(wanted.last_day(row.first)),
                    offered_amount=float(from_cents(row.offered_cents, row.currency)),
                    offered_credits_quantity=float(row.offered_credits),
                    purchased_amount=float(from_cents(row.purchased_cents, row.currency)),
                    purchased_credits_quantity=float(row.purchased_credits),
                    start_of_period_dt=ISO8601Date(row.first),
                    voided_amount=float(from_cents(row.voided_cents, row.currency)),
                    voided_credits_quantity=float(row.voided_credits),
                )
                for row in rows
            ],
            metadata=one_page(rows),
        )
