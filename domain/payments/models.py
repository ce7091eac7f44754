"""What is paid, what is asked for, and how often a customer is reminded."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from domain.kernel.rows import TenantRow, big_integer, json_object, one_of, reference, texts, timestamp

__all__ = [
    "DunningCampaign", "DunningCampaignThreshold", "Payment", "PaymentMethod", "PaymentReceipt", "PaymentRequest",
    "PaymentRequestInvoice",
]  # fmt: skip


class DunningCampaign(TenantRow, table=True):
    """How customers with overdue invoices are reminded: every so many days, so many times, above a threshold."""

    __tablename__ = "dunning_campaigns"
    __table_args__ = (
        sa.Index("uq_dunning_campaigns_code", "organization_id", "code", unique=True,
                 postgresql_where=sa.text("deleted_at IS NULL")),
        sa.CheckConstraint("days_between_attempts > 0 AND max_attempts > 0", name="positive"),
    )  # fmt: skip

    code: str
    name: str
    description: str | None = None
    days_between_attempts: int = Field(default=1)
    max_attempts: int = Field(default=1)
    bcc_emails: list[str] = texts()
    deleted_at: datetime | None = timestamp()


class DunningCampaignThreshold(TenantRow, table=True):
    """From which overdue balance on a customer is reminded, in cents of one currency."""

    __tablename__ = "dunning_campaign_thresholds"
    __table_args__ = (
        sa.UniqueConstraint("dunning_campaign_id", "currency"),
        sa.CheckConstraint("amount_cents >= 0", name="not_negative"),
    )

    dunning_campaign_id: UUID = reference("dunning_campaigns.id")
    currency: str
    amount_cents: int = big_integer()


class PaymentMethod(TenantRow, table=True):
    """A card or mandate that a provider keeps for a customer. At most one is the customer's default."""

    __tablename__ = "payment_methods"
    __table_args__ = (
        sa.Index("uq_payment_methods_default", "customer_id", unique=True,
                 postgresql_where=sa.text("is_default AND deleted_at IS NULL")),
        sa.Index("uq_payment_methods_remote", "payment_provider_customer_id", "provider_method_id", unique=True,
                 postgresql_where=sa.text("deleted_at IS NULL")),
    )  # fmt: skip

    customer_id: UUID = reference("customers.id", index=True)
    payment_provider_id: UUID | None = reference("payment_providers.id", nullable=True)
    payment_provider_customer_id: UUID | None = reference("payment_provider_customers.id", nullable=True)
    provider_method_id: str
    provider_method_type: str = Field(default="card")
    is_default: bool = Field(default=False)
    details: dict[str, Any] = json_object()
    deleted_at: datetime | None = timestamp()


class PaymentRequest(TenantRow, table=True):
    """One payment asked of a customer for several overdue invoices of one currency. Its amount does not change."""

    __tablename__ = "payment_requests"
    __table_args__ = (
        one_of("payment_status", ("pending", "succeeded", "failed")),
        sa.CheckConstraint("amount_cents >= 0", name="not_negative"),
        sa.Index("ix_payment_requests_listed", "organization_id", "created_at"),
    )

    customer_id: UUID = reference("customers.id", index=True)
    dunning_campaign_id: UUID | None = reference("dunning_campaigns.id", nullable=True)
    amount_cents: int = big_integer()
    amount_currency: str
    email: str | None = None
    payment_status: str = Field(default="pending")
    payment_attempts: int = Field(default=0)
    ready_for_payment_processing: bool = Field(default=True)


class PaymentRequestInvoice(TenantRow, table=True):
    """An invoice in a request, and its share of the amount: what was due on it, in cents."""

    __tablename__ = "payment_request_invoices"
    __table_args__ = (
        sa.UniqueConstraint("payment_request_id", "invoice_id"),
        sa.CheckConstraint("amount_cents >= 0", name="not_negative"),
    )

    payment_request_id: UUID = reference("payment_requests.id")
    invoice_id: UUID = reference("invoices.id", index=True)
    amount_cents: int = big_integer()


class Payment(TenantRow, table=True):
    """Money that came in or was tried to be taken, for an invoice or for a payment request.

    `status` is the provider's word, `payable_payment_status` ours. A payment by hand has succeeded and carries the
    reference that the client gave it; `created_at` is when it was paid.

    A provider payment is committed before the provider is called, and its id names the call. Until the answer is noted
    neither `provider_payment_id` nor `error_code` is set. `attempt` counts the calls that took nothing and left it
    pending. `method` is what was paid with: type, brand, last4.
    """

    __tablename__ = "payments"
    __table_args__ = (
        one_of("payment_type", ("manual", "provider")),
        one_of("payable_payment_status", ("pending", "processing", "succeeded", "failed")),
        sa.CheckConstraint("num_nonnulls(invoice_id, payment_request_id) = 1", name="one_payable"),
        sa.CheckConstraint("amount_cents > 0", name="positive"),
        sa.Index("ix_payments_listed", "organization_id", "created_at"),
        # One attempt at a provider at a time.
        sa.Index("uq_payments_invoice_under_way", "invoice_id", unique=True, postgresql_where=sa.text(
            "payment_type = 'provider' AND payable_payment_status IN ('pending', 'processing')")),
        sa.Index("uq_payments_request_under_way", "payment_request_id", unique=True, postgresql_where=sa.text(
            "payment_type = 'provider' AND payable_payment_status IN ('pending', 'processing')")),
        sa.Index("uq_payments_remote", "payment_provider_id", "provider_payment_id", unique=True,
                 postgresql_where=sa.text("provider_payment_id IS NOT NULL")),
    )  # fmt: skip

    customer_id: UUID = reference("customers.id", index=True)
    invoice_id: UUID | None = reference("invoices.id", nullable=True, index=True)
    payment_request_id: UUID | None = reference("payment_requests.id", nullable=True, index=True)
    payment_type: str = Field(default="provider")
    amount_cents: int = big_integer()
    amount_currency: str
    status: str
    payable_payment_status: str
    payment_provider_id: UUID | None = reference("payment_providers.id", nullable=True)
    payment_provider_customer_id: UUID | None = reference("payment_provider_customers.id", nullable=True)
    payment_method_id: UUID | None = reference("payment_methods.id", nullable=True)
    provider_payment_id: str | None = None
    next_action: dict[str, Any] | None = json_object(nullable=True)
    method: dict[str, Any] | None = json_object(nullable=True)
    attempt: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    error_code: str | None = None
    error_message: str | None = None
    # The last one, because it hides the function of that name.
    reference: str | None = None


class PaymentReceipt(TenantRow, table=True):
    """The customer's proof of one payment that succeeded. Receipts of a customer are counted from one."""

    __tablename__ = "payment_receipts"
    __table_args__ = (
        sa.UniqueConstraint("payment_id"),
        sa.UniqueConstraint("customer_id", "sequential_id"),
        sa.Index("ix_payment_receipts_listed", "organization_id", "created_at"),
    )

    customer_id: UUID = reference("customers.id")
    payment_id: UUID = reference("payments.id")
    billing_entity_id: UUID = reference("billing_entities.id")
    sequential_id: int = big_integer()
    number: str
    document_key: str | None = None
    xml_key: str | None = None
