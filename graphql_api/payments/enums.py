"""The enums of payments, names and values as in the interface."""

from __future__ import annotations

from enum import Enum

import strawberry

__all__ = [
    "PayablePaymentStatusEnum", "PaymentMethodTypeEnum", "PaymentTypeEnum", "ProviderPaymentMethodsEnum",
    "ProviderTypeEnum",
]  # fmt: skip


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


@strawberry.enum
class ProviderPaymentMethodsEnum(Enum):
    bacs_debit = "bacs_debit"
    boleto = "boleto"
    card = "card"
    crypto = "crypto"
    customer_balance = "customer_balance"
    link = "link"
    sepa_debit = "sepa_debit"
    us_bank_account = "us_bank_account"
