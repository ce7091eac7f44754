"""What was used and what it came to, by period. Source: handbook, platform 20."""

from __future__ import annotations

import strawberry
from strawberry import Info

from domain.insight.forecasted_usage import forecasted_usages
from domain.insight.invoiced_usage import invoiced_usage_of_periods
from domain.insight.usages import usage_amounts, usages
from domain.insight.wanted import read_wanted_figures
from domain.kernel.money import round_cents
from graphql_api.enums import CurrencyEnum
from graphql_api.insight.filters import OF_PERIODS, Filters, filtered, one_page
from graphql_api.operations import operation, read
from graphql_api.pagination import CollectionMetadata
from graphql_api.scalars import BigInt, ISO8601Date

__all__ = ["UsageFigureQueries"]


@strawberry.type
class DataApiUsage:
    amount_cents: BigInt
    amount_currency: CurrencyEnum
    billable_metric_code: str
    end_of_period_dt: ISO8601Date
    is_billable_metric_deleted: bool
    start_of_period_dt: ISO8601Date
    units: float


@strawberry.type
class DataApiUsageCollection:
    collection: list[DataApiUsage]
    metadata: CollectionMetadata


@strawberry.type
class DataApiUsageAggregatedAmount:
    amount_cents: BigInt
    amount_currency: CurrencyEnum
    end_of_period_dt: ISO8601Date
    start_of_period_dt: ISO8601Date


@strawberry.type
class DataApiUsageAggregatedAmountCollection:
    collection: list[DataApiUsageAggregatedAmount]
    metadata: CollectionMetadata


@strawberry.type
class DataApiUsageInvoiced:
    amount_cents: BigInt
    amount_currency: CurrencyEnum
    billable_metric_code: str
    end_of_period_dt: ISO8601Date
    start_of_period_dt: ISO8601Date


@strawberry.type
class DataApiUsageInvoicedCollection:
    collection: list[DataApiUsageInvoiced]
    metadata: CollectionMetadata


@strawberry.type
class DataApiUsageForecasted:
    """What was used of a period so far, and what it will have come to at its end."""

    amount_cents: BigInt
    amount_cents_forecast_conservative: BigInt
    amount_cents_forecast_optimistic: BigInt
    amount_cents_forecast_realistic: BigInt
    amount_currency: CurrencyEnum
    end_of_period_dt: ISO8601Date
    start_of_period_dt: ISO8601Date
    units: float
    units_forecast_conservative: float
    units_forecast_optimistic: float
    units_forecast_realistic: float


@strawberry.type
class DataApiUsageForecastedCollection:
    collection: list[DataApiUsageForecasted]
    metadata: CollectionMetadata


@strawberry.type
class UsageFigureQueries:
    @strawberry.field
    @operation(permission="data_api:view")
    @filtered(*OF_PERIODS, "billable_metric_code", "is_billable_metric_recurring")
    async def data_api_usages(self, info: Info, filters: Filters) -> DataApiUsageCollection:
        wanted = read_wanted_figures(filters)
        async with read(info) as work:
            rows = await usages(work, wanted)
        return DataApiUsageCollection(
            collection=[
                DataApiUsage(
                    amount_cents=BigInt(row.amount_cents),
                    amount_currency=CurrencyEnum(row.currency),
                    billable_metric_code=row.code,
                    end_of_period_dt=ISO8601Date(wanted.last_day(row.first)),
                    is_billable_metric_deleted=row.deleted,
                    start_of_period_dt=ISO8601Date(row.first),
                    units=float(row.units),
                )
                for row in rows
            ],
            metadata=one_page(rows),
        )

    @strawberry.field
    @operation(permission="data_api:view")
    @filtered(*OF_PERIODS, "is_billable_metric_recurring")
    async def data_api_usages_aggregated_amounts(
        self, info: Info, filters: Filters
    ) -> DataApiUsageAggregatedAmountCollection:
        wanted = read_wanted_figures(filters)
        async with read(info) as work:
            rows = await usage_amounts(work, wanted)
        return DataApiUsageAggregatedAmountCollection(
            collection=[
                DataApiUsageAggregatedAmount(
                    amount_cents=BigInt(row.amount_cents),
                    amount_currency=CurrencyEnum(row.currency),
                    end_of_period_dt=ISO8601Date(wanted.last_day(row.first)),
                    start_of_period_dt=ISO8601Date(row.first),
                )
                for row in rows
            ],
            metadata=one_page(rows),
        )

    @strawberry.field
    @operation(permission="data_api:view")
    @filtered(*OF_PERIODS, "billable_metric_code", "filter_values", "grouped_by")
    async def data_api_usages_invoiced(self, info: Info, filters: Filters) -> DataApiUsageInvoicedCollection:
        wanted = read_wanted_figures(filters)
        async with read(info) as work:
            rows = await invoiced_usage_of_periods(work, wanted)
        return DataApiUsageInvoicedCollection(
            collection=[
                DataApiUsageInvoiced(
                    amount_cents=BigInt(row.amount_cents),
                    amount_currency=CurrencyEnum(row.currency),
                    billable_metric_code=row.code,
                    end_of_period_dt=ISO8601Date(wanted.last_day(row.first)),
                    start_of_period_dt=ISO8601Date(row.first),
                )
                for row in rows
            ],
            metadata=one_page(rows),
        )

    @strawberry.field
    @operation(permission="data_api:view")
    @filtered(*OF_PERIODS, "billable_metric_code", "charge_filter_id", "charge_id")
    async def data_api_usages_forecasted(self, info: Info, filters: Filters) -> DataApiUsageForecastedCollection:
        wanted = read_wanted_figures(filters)
        async with read(info) as work:
            rows = await forecasted_usages(work, wanted)
        return DataApiUsageForecastedCollection(
            collection=[
                DataApiUsageForecasted(
                    amount_cents=BigInt(round_cents(row.amount)),
                    amount_cents_forecast_conservative=BigInt(round_cents(row.amounts.conservative)),
                    amount_cents_forecast_optimistic=BigInt(round_cents(row.amounts.optimistic)),
                    amount_cents_forecast_realistic=BigInt(round_cents(row.amounts.realistic)),
                    amount_currency=CurrencyEnum(row.currency),
                    end_of_period_dt=ISO8601Date(wanted.last_day(row.first)),
                    start_of_period_dt=ISO8601Date(row.first),
                    units=float(row.units),
                    units_forecast_conservative=float(row.unit_counts.conservative),
                    units_forecast_optimistic=float(row.unit_counts.optimistic),
                    units_forecast_realistic=float(row.unit_counts.realistic),
                )
                for row in rows
            ],
            metadata=one_page(rows),
        )
