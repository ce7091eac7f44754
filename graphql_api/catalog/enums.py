"""Enums of the catalog."""

from __future__ import annotations

from enum import Enum

import strawberry

from domain.catalog.metric_terms import ROUNDING_FUNCTIONS
from domain.catalog.plan_terms import INTERVALS
from domain.pricing.models import ChargeModelName
from graphql_api.enums import named

__all__ = ["AggregationTypeEnum", "ChargeModelEnum", "PlanInterval", "RoundingFunctionEnum"]


@strawberry.enum
class AggregationTypeEnum(Enum):
    """What the interface knows; a metric of custom_agg or weighted_sum_agg is refused."""

    count_agg = "count_agg"
    custom_agg = "custom_agg"
    latest_agg = "latest_agg"
    max_agg = "max_agg"
    sum_agg = "sum_agg"
    unique_count_agg = "unique_count_agg"
    weighted_sum_agg = "weighted_sum_agg"


@strawberry.enum
class RoundingFunctionEnum(Enum):
    _ignore_ = ["members"]
    members = vars()
    named(members, ROUNDING_FUNCTIONS)


@strawberry.enum
class PlanInterval(Enum):
    _ignore_ = ["members"]
    members = vars()
    named(members, INTERVALS)


@strawberry.enum
class ChargeModelEnum(Enum):
    """What the interface knows; which of them are priced says the domain."""

    _ignore_ = ["members"]
    members = vars()
    named(members, [str(name) for name in ChargeModelName])
