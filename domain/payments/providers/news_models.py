"""Pages where payables are paid, what providers tell, and money given back."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from domain.kernel.rows import TenantRow, big_integer, one_of, reference, timestamp

__all__ = ["REFUND_REASONS", "InboundWebhook", "PaymentIntent", "Refund"]

REFUND_REASONS: Final = ("credit_note", "subscription_activation_expired")


class PaymentIntent(TenantRow, table=True):
    """A page at the provider where an invoice or a payment request is paid, for a day; one at a time. `payment_url` is
    null until the provider has answered. Instants are real time."""

    __tablename__ = "payment_intents"
    __table_args__ = (
        one_of("status", ("active", "expired")),
        sa.Index("uq_payment_intents_active", "invoice_id", unique=True,
                 postgresql_where=sa.text("status = 'active'")),
        sa.Index("uq_payment_intents_active_request", "payment_request_id", unique=True,
                 postgresql_where=sa.text("status = 'active'")),
        sa.CheckConstraint("num_nonnulls(invoice_id, payment_request_id) = 1", name="one_payable"),
    )  # fmt: skip

    invoice_id: UUID | None = reference("invoices.id", nullable=True, index=True)
    payment_request_id: UUID | None = reference("payment_requests.id", nullable=True, index=True)
    payment_provider_id: UUID = reference("payment_providers.id")
    status: str = Field(default="active")
    expires_at: datetime = timestamp(nullable=False)
    payment_url: str | None = None
    provider_session_id: str | None = None


class InboundWebhook(TenantRow, table=True):
    """An event that a provider told us of, byte for byte, and what became of it. Each event is taken once."""

    __tablename__ = "inbound_webhooks"
    __table_args__ = (
        one_of("status", ("pending", "processing", "succeeded", "failed")),
        sa.UniqueConstraint("payment_provider_id", "event_id"),
        sa.Index("ix_inbound_webhooks_open", "organization_id", "created_at",
                 postgresql_where=sa.text("status IN ('pending', 'processing')")),
        # For the removal of old ones.
        sa.Index("ix_inbound_webhooks_updated_at", "organization_id", "updated_at"),
    )  # fmt: skip

    payment_provider_id: UUID = reference("payment_providers.id")
    source: str
    code: str | None = None
    event_id: str
    event_type: str
    payload: str
    signature: str | None = None
    status: str = Field(default="pending")
    processing_at: datetime | None = timestamp()


class Refund(TenantRow, table=True):
    """Money given back out of a payment, in cents: once for a credit note, once for an activation that expired.

    `status` is the provider's word, `refund_status` ours; the row is committed before the provider is called.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        one_of("reason", REFUND_REASONS),
        one_of("refund_status", ("pending", "succeeded", "failed")),
        sa.CheckConstraint("amount_cents > 0", name="positive"),
        sa.Index("uq_refunds_credit_note", "credit_note_id", unique=True,
                 postgresql_where=sa.text("credit_note_id IS NOT NULL")),
        sa.Index("uq_refunds_expired", "payment_id", unique=True,
                 postgresql_where=sa.text("reason = 'subscription_activation_expired'")),
        sa.Index("ix_refunds_remote", "payment_provider_id", "provider_refund_id"),
    )  # fmt: skip

    payment_id: UUID = reference("payments.id")
    payment_provider_id: UUID = reference("payment_providers.id")
    credit_note_id: UUID | None = reference("credit_notes.id", nullable=True)
    reason: str = Field(default="credit_note")
    amount_cents: int = big_integer()
    amount_currency: str
    status: str = Field(default="pending")
    refund_status: str = Field(default="pending")
    provider_refund_id: str | None = None
    error_code: str | None = None
    error_message: str | None = None
