"""Enums of the catalog."""

from __future__ import annotations

from enum import Enum

import strawberry

from domain.catalog.fixed_charges import FIXED_CHARGE_MODELS
from domain.catalog.metric_terms import ROUNDING_FUNCTIONS, WEIGHTED_INTERVALS
from domain.catalog.plan_terms import INTERVALS
from domain.pricing.models import ChargeModelName
from graphql_api.enums import named

__all__ = [
    "AggregationTypeEnum", "ChargeModelEnum", "CommitmentTypeEnum", "FixedChargeChargeModelEnum", "PlanInterval",
    "RegroupPaidFeesEnum", "RoundingFunctionEnum", "WeightedIntervalEnum",
]  # fmt: skip


@strawberry.enum
class AggregationTypeEnum(Enum):
    """What the interface knows; a metric of custom_agg is refused."""

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
class WeightedIntervalEnum(Enum):
    _ignore_ = ["members"]
    members = vars()
    named(members, WEIGHTED_INTERVALS)


@strawberry.enum
class PlanInterval(Enum):
    _ignore_ = ["members"]
    members = vars()
    named(members, INTERVALS)


@strawberry.enum
class RegroupPaidFeesEnum(Enum):
    invoice = "invoice"


@strawberry.enum
class CommitmentTypeEnum(Enum):
    minimum_commitment = "minimum_commitment"


@strawberry.enum
class FixedChargeChargeModelEnum(Enum):
    _ignore_ = ["members"]
    members = vars()
    named(members, FIXED_CHARGE_MODELS)


@strawberry.enum
class ChargeModelEnum(Enum):
    """What the interface knows; which of them are priced says the domain."""

    _ignore_ = ["members"]
    members = vars()
    named(members, [str(name) for name in ChargeModelName])
