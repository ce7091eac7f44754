"""What must happen before a subscription becomes active."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import strawberry

from domain.kernel.validation import parse_instant
from graphql_api.scalars import ISO8601DateTime

__all__ = [
    "ActivationRuleTypeEnum", "CancellationReasonEnum", "SubscriptionActivationRule", "SubscriptionActivationRuleInput",
    "rule_type",
]  # fmt: skip


@strawberry.enum
class ActivationRuleStatusEnum(Enum):
    declined = "declined"
    expired = "expired"
    failed = "failed"
    inactive = "inactive"
    not_applicable = "not_applicable"
    pending = "pending"
    satisfied = "satisfied"


@strawberry.enum
class ActivationRuleTypeEnum(Enum):
    payment = "payment"


@strawberry.enum
class CancellationReasonEnum(Enum):
    payment_failed = "payment_failed"
    timeout = "timeout"


@strawberry.type
class SubscriptionActivationRule:
    id: strawberry.ID
    type: ActivationRuleTypeEnum
    timeout_hours: int | None
    status: ActivationRuleStatusEnum
    expires_at: ISO8601DateTime | None
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime


@strawberry.input
class SubscriptionActivationRuleInput:
    id: strawberry.ID | None = strawberry.UNSET
    type: ActivationRuleTypeEnum
    timeout_hours: int | None = strawberry.UNSET


def rule_type(rule: Mapping[str, Any]) -> SubscriptionActivationRule:
    """A rule as the rows of `domain.subscriptions.queries` carry it."""
    expires, created, updated = (parse_instant(rule[name]) for name in ("expires_at", "created_at", "updated_at"))
    assert created is not None
    assert updated is not None
    return SubscriptionActivationRule(
        id=strawberry.ID(str(rule["id"])),
        type=ActivationRuleTypeEnum(rule["type"]),
        timeout_hours=rule["timeout_hours"],
        status=ActivationRuleStatusEnum(rule["status"]),
        expires_at=ISO8601DateTime(expires) if expires else None,
        created_at=ISO8601DateTime(created),
        updated_at=ISO8601DateTime(updated),
    )
