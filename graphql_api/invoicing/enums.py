"""The enums of invoices and fees, names and values as in the interface."""

from __future__ import annotations

from enum import Enum

import strawberry

__all__ = [
    "AdjustedFeeTypeEnum", "FeeTypesEnum", "InvoicePaymentStatusTypeEnum", "InvoiceStatusTypeEnum", "InvoiceTypeEnum",
]  # fmt: skip


@strawberry.enum
class AdjustedFeeTypeEnum(Enum):
    adjusted_amount = "adjusted_amount"
    adjusted_units = "adjusted_units"


@strawberry.enum
class FeeTypesEnum(Enum):
    add_on = "add_on"
    charge = "charge"
    commitment = "commitment"
    credit = "credit"
    fixed_charge = "fixed_charge"
    product = "product"
    subscription = "subscription"


@strawberry.enum
class InvoicePaymentStatusTypeEnum(Enum):
    failed = "failed"
    pending = "pending"
    succeeded = "succeeded"


@strawberry.enum
class InvoiceStatusTypeEnum(Enum):
    closed = "closed"
    deleted = "deleted"
    draft = "draft"
    failed = "failed"
    finalized = "finalized"
    generating = "generating"
    open = "open"
    pending = "pending"
    voided = "voided"


@strawberry.enum
class InvoiceTypeEnum(Enum):
    add_on = "add_on"
    advance_charges = "advance_charges"
    credit = "credit"
    one_off = "one_off"
    progressive_billing = "progressive_billing"
    subscription = "subscription"
