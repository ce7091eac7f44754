"""Enums of customers."""

from __future__ import annotations

from enum import Enum

import strawberry

from domain.customers.customer_terms import (
    ACCOUNT_TYPES,
    ADJUSTMENTS,
    ANCHORS,
    CUSTOMER_TYPES,
    ZERO_AMOUNT_RULES,
)
from graphql_api.enums import named

__all__ = [
    "CustomerAccountTypeEnum",
    "CustomerSubscriptionInvoiceIssuingDateAdjustmentEnum",
    "CustomerSubscriptionInvoiceIssuingDateAnchorEnum",
    "CustomerTypeEnum",
    "FinalizeZeroAmountInvoiceEnum",
]


@strawberry.enum
class CustomerAccountTypeEnum(Enum):
    _ignore_ = ["members"]
    members = vars()
    named(members, ACCOUNT_TYPES)


@strawberry.enum
class CustomerTypeEnum(Enum):
    _ignore_ = ["members"]
    members = vars()
    named(members, CUSTOMER_TYPES)


@strawberry.enum
class FinalizeZeroAmountInvoiceEnum(Enum):
    _ignore_ = ["members"]
    members = vars()
    named(members, ZERO_AMOUNT_RULES)


@strawberry.enum
class CustomerSubscriptionInvoiceIssuingDateAnchorEnum(Enum):
    _ignore_ = ["members"]
    members = vars()
    named(members, ANCHORS)


@strawberry.enum
class CustomerSubscriptionInvoiceIssuingDateAdjustmentEnum(Enum):
    _ignore_ = ["members"]
    members = vars()
    named(members, ADJUSTMENTS)
