"""The arguments that figures share, written once.

    @strawberry.field
    @operation(permission="data_api:view")
    @filtered(*OF_PERIODS, "billable_metric_code")
    async def data_api_usages(self, info: Info, filters: Filters) -> DataApiUsageCollection: ...

In the schema the field has an optional argument for each name, of the type below. The resolver is handed those that
were given, by name, enums as their values.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, Final, Optional, TypeAlias, TypeVar

import strawberry
from strawberry import Info

from domain.kernel.pagination import Page, PageRequest
from graphql_api.customers.enums import CustomerTypeEnum
from graphql_api.enums import CountryCode, CurrencyEnum
from graphql_api.pagination import CollectionMetadata, metadata_of
from graphql_api.scalars import ISO8601Date

__all__ = ["OF_PERIODS", "DataApiMetadata", "Filters", "filtered", "next_page", "one_page"]

R = TypeVar("R")
Filters: TypeAlias = Mapping[str, object]


@strawberry.enum
class TimeGranularityEnum(Enum):
    daily = "daily"
    monthly = "monthly"
    weekly = "weekly"


ARGUMENTS: Final[Mapping[str, Any]] = {
    "billable_metric_code": str,
    "billing_entity_code": str,
    "billing_entity_id": strawberry.ID,
    "charge_filter_id": str,
    "charge_id": str,
    "currency": CurrencyEnum,
    "customer_country": CountryCode,
    "customer_type": CustomerTypeEnum,
    "expire_cache": bool,
    "external_customer_id": str,
    "external_subscription_id": str,
    "filter_values": str,
    "from_date": ISO8601Date,
    "grouped_by": str,
    "is_billable_metric_recurring": bool,
    "is_customer_tin_empty": bool,
    "months": int,
    "plan_code": str,
    "time_granularity": TimeGranularityEnum,
    "to_date": ISO8601Date,
}
OF_PERIODS: Final = (
    "billing_entity_code", "currency", "customer_country", "customer_type", "external_customer_id",
    "external_subscription_id", "from_date", "is_customer_tin_empty", "plan_code", "time_granularity", "to_date",
)  # fmt: skip
"""What all figures by period can be asked for."""


def filtered(
    *names: str,
) -> Callable[[Callable[[Any, Info, Filters], Awaitable[R]]], Callable[..., Awaitable[R]]]:
    """Gives a field an optional argument for each of these names of ARGUMENTS."""
    arguments = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=Optional[ARGUMENTS[name]])  # noqa: UP045
        for name in names
    ]

    def decorate(resolver: Callable[[Any, Info, Filters], Awaitable[R]]) -> Callable[..., Awaitable[R]]:
        written = signature(resolver)
        own, info, _ = written.parameters.values()

        @wraps(resolver)
        async def asked(self: Any, info: Info, **given: object) -> R:
            known = {name: value.value if isinstance(value, Enum) else value for name, value in given.items()}
            return await resolver(self, info, {name: value for name, value in known.items() if value is not None})

        asked.__signature__ = Signature(  # type: ignore[attr-defined]
            [own, info, *arguments], return_annotation=written.return_annotation
        )
        return asked

    return decorate


def one_page(rows: Sequence[object]) -> CollectionMetadata:
    """Figures by period come in one page."""
    return metadata_of(Page(rows, len(rows), PageRequest(1, max(len(rows), 1))))


@strawberry.type
class DataApiMetadata:
    """Of lists that come in pages; 0 stands for a page that is not there."""

    current_page: int
    next_page: int
    prev_page: int
    total_count: int
    total_pages: int


def next_page(page: Page[Any]) -> DataApiMetadata:
    """Where in a list of several pages this one is."""
    return DataApiMetadata(
        current_page=page.request.number,
        next_page=page.next_page or 0,
        prev_page=page.previous_page or 0,
        total_count=page.total_count,
        total_pages=page.total_pages,
    )
