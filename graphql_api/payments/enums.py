"""The enums of payments, names and values as in the interface."""

from __future__ import annotations

from enum import Enum

import strawberry

__all__ = ["PayablePaymentStatusEnum", "PaymentMethodTypeEnum", "PaymentTypeEnum", "ProviderTypeEnum"]


@strawberry.enum
class PayablePaymentStatusEnum(Enum):
    failed = "failed"
    pending = "pending"
    processing = "processing"
    succeeded = "succeeded"


@strawberry.enum
class PaymentTypeEnum(Enum):
    manual = "manual"
    provider = "provider"


@strawberry.enum
class PaymentMethodTypeEnum(Enum):
    manual = "manual"
    provider = "provider"


@strawberry.enum
class ProviderTypeEnum(Enum):
    adyen = "adyen"
    cashfree = "cashfree"
    flutterwave = "flutterwave"
    gocardless = "gocardless"
    moneyhash = "moneyhash"
    stripe = "stripe"
