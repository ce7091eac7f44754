"""The enums of invoices and fees, names and values as in the interface."""

from __future__ import annotations

from enum import Enum

import strawberry

__all__ = [
    "AdjustedFeeTypeEnum",
    "ErrorCodesEnum",
    "FeeTypesEnum",
    "InvoiceAppliedTaxOnWholeInvoiceCodeEnum",
    "InvoicePaymentStatusTypeEnum",
    "InvoiceSettlementTypeEnum",
    "InvoiceStatusTypeEnum",
    "InvoiceTaxStatusTypeEnum",
    "InvoiceTypeEnum",
    "whole_invoice_code",
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


@strawberry.enum
class InvoiceTaxStatusTypeEnum(Enum):
    failed = "failed"
    pending = "pending"
    succeeded = "succeeded"


@strawberry.enum
class InvoiceSettlementTypeEnum(Enum):
    credit_note = "credit_note"


@strawberry.enum
class ErrorCodesEnum(Enum):
    invoice_generation_error = "invoice_generation_error"
    not_provided = "not_provided"
    tax_error = "tax_error"
    tax_voiding_error = "tax_voiding_error"


@strawberry.enum
class InvoiceAppliedTaxOnWholeInvoiceCodeEnum(Enum):
    """Codes of taxes that stand for a whole invoice and are printed as a sentence, without an amount."""

    customer_exempt = "customer_exempt"
    juris_has_no_tax = "juris_has_no_tax"
    juris_not_taxed = "juris_not_taxed"
    not_collecting = "not_collecting"
    reverse_charge = "reverse_charge"
    transaction_exempt = "transaction_exempt"
    unknown_taxation = "unknown_taxation"


def whole_invoice_code(code: str) -> InvoiceAppliedTaxOnWholeInvoiceCodeEnum | None:
    """The member of that code; None for the code of any other tax."""
    known = InvoiceAppliedTaxOnWholeInvoiceCodeEnum.__members__
    return known.get(code)
