"""What was used and what it came to, by period. Source: handbook, platform 20."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import strawberry
from strawberry import Info

from domain.insight.usages import read_wanted_usage, usage_amounts, usages
from domain.kernel.pagination import Page, PageRequest
from graphql_api.customers.enums import CustomerTypeEnum
from graphql_api.enums import CountryCode, CurrencyEnum
from graphql_api.operations import operation, read
from graphql_api.pagination import CollectionMetadata, metadata_of
from graphql_api.scalars import BigInt, ISO8601Date

__all__ = ["UsageFigureQueries"]


@strawberry.enum
class TimeGranularityEnum(Enum):
    daily = "daily"
    monthly = "monthly"
    weekly = "weekly"


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
class UsageFigureQueries:
    @strawberry.field
    @operation(permission="data_api:view")
    async def data_api_usages(
        self,
        info: Info,
        billable_metric_code: str | None = None,
        billing_entity_code: str | None = None,
        currency: CurrencyEnum | None = None,
        customer_country: CountryCode | None = None,
        customer_type: CustomerTypeEnum | None = None,
        external_customer_id: str | None = None,
        external_subscription_id: str | None = None,
        from_date: ISO8601Date | None = None,
        is_billable_metric_recurring: bool | None = None,
        is_customer_tin_empty: bool | None = None,
        plan_code: str | None = None,
        time_granularity: TimeGranularityEnum | None = None,
        to_date: ISO8601Date | None = None,
    ) -> DataApiUsageCollection:
        wanted = read_wanted_usage(
            _plain(
                {
                    "billable_metric_code": billable_metric_code,
                    "billing_entity_code": billing_entity_code,
                    "currency": currency,
                    "customer_country": customer_country,
                    "customer_type": customer_type,
                    "external_customer_id": external_customer_id,
                    "external_subscription_id": external_subscription_id,
                    "from_date": from_date,
                    "is_billable_metric_recurring": is_billable_metric_recurring,
                    "is_customer_tin_empty": is_customer_tin_empty,
                    "plan_code": plan_code,
                    "time_granularity": time_granularity,
                    "to_date": to_date,
                }
            )
        )
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
            metadata=metadata_of(Page(rows, len(rows), PageRequest(1, max(len(rows), 1)))),
        )

    @strawberry.field
    @operation(permission="data_api:view")
    async def data_api_usages_aggregated_amounts(
        self,
        info: Info,
        billing_entity_code: str | None = None,
        currency: CurrencyEnum | None = None,
        customer_country: CountryCode | None = None,
        customer_type: CustomerTypeEnum | None = None,
        external_customer_id: str | None = None,
        external_subscription_id: str | None = None,
        from_date: ISO8601Date | None = None,
        is_billable_metric_recurring: bool | None = None,
        is_customer_tin_empty: bool | None = None,
        plan_code: str | None = None,
        time_granularity: TimeGranularityEnum | None = None,
        to_date: ISO8601Date | None = None,
    ) -> DataApiUsageAggregatedAmountCollection:
        wanted = read_wanted_usage(
            _plain(
                {
                    "billing_entity_code": billing_entity_code,
                    "currency": currency,
                    "customer_country": customer_country,
                    "customer_type": customer_type,
                    "external_customer_id": external_customer_id,
                    "external_subscription_id": external_subscription_id,
                    "from_date": from_date,
                    "is_billable_metric_recurring": is_billable_metric_recurring,
                    "is_customer_tin_empty": is_customer_tin_empty,
                    "plan_code": plan_code,
                    "time_granularity": time_granularity,
                    "to_date": to_date,
                }
            )
        )
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
            metadata=metadata_of(Page(rows, len(rows), PageRequest(1, max(len(rows), 1)))),
        )


def _plain(arguments: Mapping[str, object]) -> dict[str, object]:
    return {name: value.value if isinstance(value, Enum) else value for name, value in arguments.items()}
