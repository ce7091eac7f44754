"""Credit notes and what stands on them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from domain.kernel.rows import TenantRow, big_integer, decimal, json_object, one_of, reference, timestamp

__all__ = ["CREDIT_STATUSES", "REASONS", "REFUND_STATUSES", "CreditNote", "CreditNoteAppliedTax", "CreditNoteItem"]

REASONS = (
    "duplicated_charge", "product_unsatisfactory", "order_change", "order_cancellation", "fraudulent_charge", "other",
)  # fmt: skip
CREDIT_STATUSES = ("available", "consumed", "voided")
REFUND_STATUSES = ("pending", "succeeded", "failed")


class CreditNote(TenantRow, table=True):
    """What is taken back of an invoice. Amounts are whole minor units of `currency`, the invoice's.

    total = credit (for later invoices) + refund (paid back) + offset (off what is due on the same invoice).
    `balance_amount_cents` is what is left of the credit. A note on a draft invoice is a draft until that is finalized.
    """

    __tablename__ = "credit_notes"
    __table_args__ = (
        one_of("status", ("draft", "finalized", "deleted")),
        one_of("reason", REASONS),
        one_of("credit_status", CREDIT_STATUSES),
        one_of("refund_status", REFUND_STATUSES),
        sa.CheckConstraint("balance_amount_cents >= 0 AND balance_amount_cents <= credit_amount_cents",
                           name="balance_within_credit"),
        sa.CheckConstraint("credit_amount_cents >= 0 AND refund_amount_cents >= 0 AND offset_amount_cents >= 0",
                           name="parts_not_negative"),
        sa.UniqueConstraint("invoice_id", "sequential_id"),
        sa.Index("ix_credit_notes_listed", "organization_id", "issuing_date", "created_at"),
        sa.Index("ix_credit_notes_spendable", "customer_id", "currency", "created_at",
                 postgresql_where=sa.text("status = 'finalized' AND credit_status = 'available'")),
    )  # fmt: skip

    customer_id: UUID = reference("customers.id", index=True)
    invoice_id: UUID = reference("invoices.id")
    sequential_id: int = big_integer()
    number: str = Field(default="")
    issuing_date: date
    status: str = Field(default="draft")
    reason: str = Field(default="other")
    description: str | None = None
    credit_status: str | None = None
    refund_status: str | None = None
    currency: str
    total_amount_cents: int = big_integer(default=0)
    credit_amount_cents: int = big_integer(default=0)
    refund_amount_cents: int = big_integer(default=0)
    offset_amount_cents: int = big_integer(default=0)
    balance_amount_cents: int = big_integer(default=0)
    sub_total_excluding_taxes_amount_cents: int = big_integer(default=0)
    taxes_amount_cents: int = big_integer(default=0)
    precise_taxes_amount_cents: Decimal = decimal(30, 5, default=Decimal(0))
    taxes_rate: Decimal = decimal(30, 5, default=Decimal(0))
    coupons_adjustment_amount_cents: int = big_integer(default=0)
    precise_coupons_adjustment_amount_cents: Decimal = decimal(30, 5, default=Decimal(0))
    note_metadata: dict[str, Any] | None = json_object(nullable=True)
    document_key: str | None = None
    xml_key: str | None = None
    refunded_at: datetime | None = timestamp()
    voided_at: datetime | None = timestamp()


class CreditNoteItem(TenantRow, table=True):
    """What a note takes back of one fee: `precise_amount_cents` as asked for, `amount_cents` rounded."""

    __tablename__ = "credit_note_items"

    credit_note_id: UUID = reference("credit_notes.id", index=True)
    fee_id: UUID = reference("fees.id", index=True)
    position: int = Field(default=0)
    amount_cents: int = big_integer()
    precise_amount_cents: Decimal = decimal(30, 5)
    amount_currency: str


class CreditNoteAppliedTax(TenantRow, table=True):
    """A tax as a note takes it back."""

    __tablename__ = "credit_note_applied_taxes"
    __table_args__ = (sa.UniqueConstraint("credit_note_id", "tax_code"),)

    credit_note_id: UUID = reference("credit_notes.id")
    tax_id: UUID | None = reference("taxes.id", nullable=True)
    tax_code: str
    tax_name: str
    tax_description: str | None = None
    tax_rate: Decimal = decimal(20, 8)
    base_amount_cents: int = big_integer()
    amount_cents: int = big_integer()
    amount_currency: str
