"""The states and kinds of wallets, their transactions and rules."""

from __future__ import annotations

from enum import Enum

import strawberry

__all__ = [
    "RecurringTransactionIntervalEnum",
    "RecurringTransactionMethodEnum",
    "RecurringTransactionTriggerEnum",
    "WalletStatusEnum",
    "WalletTransactionSourceEnum",
    "WalletTransactionStatusEnum",
    "WalletTransactionTransactionStatusEnum",
    "WalletTransactionTransactionTypeEnum",
]


@strawberry.enum
class WalletStatusEnum(Enum):
    active = "active"
    terminated = "terminated"


@strawberry.enum
class WalletTransactionStatusEnum(Enum):
    failed = "failed"
    pending = "pending"
    settled = "settled"


@strawberry.enum
class WalletTransactionSourceEnum(Enum):
    interval = "interval"
    manual = "manual"
    threshold = "threshold"


@strawberry.enum
class WalletTransactionTransactionStatusEnum(Enum):
    granted = "granted"
    invoiced = "invoiced"
    purchased = "purchased"
    voided = "voided"


@strawberry.enum
class WalletTransactionTransactionTypeEnum(Enum):
    inbound = "inbound"
    outbound = "outbound"


@strawberry.enum
class RecurringTransactionIntervalEnum(Enum):
    monthly = "monthly"
    quarterly = "quarterly"
    semiannual = "semiannual"
    weekly = "weekly"
    yearly = "yearly"


@strawberry.enum
class RecurringTransactionMethodEnum(Enum):
    fixed = "fixed"
    target = "target"


@strawberry.enum
class RecurringTransactionTriggerEnum(Enum):
    interval = "interval"
    threshold = "threshold"
