"""Wallets and every movement of theirs."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from domain.kernel.rows import TenantRow, big_integer, decimal, json_object, one_of, reference, texts, timestamp

__all__ = [
    "RecurringRuleCustomSection", "RecurringTransactionRule", "Wallet", "WalletConsumption", "WalletCustomSection",
    "WalletRefresh", "WalletTarget", "WalletTransaction", "WalletTransactionCustomSection",
]  # fmt: skip

ZERO = Decimal(0)


class Wallet(TenantRow, table=True):
    """Prepaid money of a customer, counted in credits worth `rate_amount` units of `currency` each.

    `balance_cents` and `credits_balance` are the sums of the settled movements, `consumed_*` of what went out; they
    are changed in the transaction that writes the movement. `ongoing_*` also counts usage that is not billed yet; it
    is computed from time to time. `allowed_fee_types` and the targets limit what the wallet pays; none for anything.
    """

    __tablename__ = "wallets"
    __table_args__ = (
        one_of("status", ("active", "terminated")),
        one_of("payment_method_type", ("provider", "manual")),
        sa.CheckConstraint("balance_cents >= 0", name="balance_not_negative"),
        sa.CheckConstraint("rate_amount > 0", name="rate_positive"),
        sa.CheckConstraint("priority BETWEEN 1 AND 50", name="priority_in_range"),
        sa.Index("uq_wallets_code", "customer_id", "code", unique=True,
                 postgresql_where=sa.text("status = 'active'")),
        sa.Index("ix_wallets_listed", "organization_id", "created_at"),
        sa.Index("ix_wallets_expiring", "organization_id", "expiration_at",
                 postgresql_where=sa.text("status = 'active' AND expiration_at IS NOT NULL")),
    )  # fmt: skip

    customer_id: UUID = reference("customers.id", index=True)
    billing_entity_id: UUID | None = reference("billing_entities.id", nullable=True)
    name: str | None = None
    code: str
    status: str = Field(default="active")
    rate_amount: Decimal = decimal(30, 5)
    currency: str
    priority: int = Field(default=50)
    balance_cents: int = big_integer(default=0)
    credits_balance: Decimal = decimal(30, 5, default=ZERO)
    consumed_amount_cents: int = big_integer(default=0)
    consumed_credits: Decimal = decimal(30, 5, default=ZERO)
    ongoing_usage_balance_cents: int = big_integer(default=0)
    credits_ongoing_usage_balance: Decimal = decimal(30, 5, default=ZERO)
    ongoing_balance_cents: int = big_integer(default=0)
    credits_ongoing_balance: Decimal = decimal(30, 5, default=ZERO)
    depleted_ongoing_balance: bool = Field(default=False)
    expiration_at: datetime | None = timestamp()
    invoice_requires_successful_payment: bool = Field(default=False)
    paid_top_up_min_amount_cents: int | None = big_integer(nullable=True, default=None)
    paid_top_up_max_amount_cents: int | None = big_integer(nullable=True, default=None)
    allowed_fee_types: list[str] = texts()
    payment_method_type: str = Field(default="provider")
    payment_method_id: UUID | None = None
    purchase_order_number: str | None = None
    skip_invoice_custom_sections: bool = Field(default=False)
    wallet_metadata: dict[str, Any] | None = json_object(nullable=True)
    last_balance_sync_at: datetime | None = timestamp()
    last_ongoing_balance_sync_at: datetime | None = timestamp()
    last_consumed_credit_at: datetime | None = timestamp()
    terminated_at: datetime | None = timestamp()


class WalletTarget(TenantRow, table=True):
    """A billable metric whose fees a wallet pays."""

    __tablename__ = "wallet_targets"
    __table_args__ = (sa.UniqueConstraint("wallet_id", "billable_metric_id"),)

    wallet_id: UUID = reference("wallets.id")
    billable_metric_id: UUID = reference("billable_metrics.id", index=True)


class WalletTransaction(TenantRow, table=True):
    """A movement of a wallet. Rows are only added; a pending one becomes settled or failed, once.

    `amount_cents` and `credit_amount` say how much, never below zero; `transaction_type` says which way.
    `remaining_amount_cents`: what is left of settled inbound money; null otherwise. `invoice_id`: the invoice of a
    purchase, or the one that was paid. `interval_on`: the local day of a top-up by the interval rule.
    """

    __tablename__ = "wallet_transactions"
    __table_args__ = (
        one_of("transaction_type", ("inbound", "outbound")),
        one_of("transaction_status", ("purchased", "granted", "invoiced", "voided")),
        one_of("status", ("pending", "settled", "failed")),
        one_of("source", ("manual", "interval", "threshold")),
        one_of("payment_method_type", ("provider", "manual")),
        sa.CheckConstraint("amount_cents >= 0 AND credit_amount >= 0", name="amounts_not_negative"),
        sa.CheckConstraint("remaining_amount_cents BETWEEN 0 AND amount_cents", name="remaining_in_range"),
        sa.CheckConstraint("(remaining_amount_cents IS NOT NULL) = (transaction_type = 'inbound' AND "
                           "status = 'settled')", name="remaining_of_settled_inbound"),
        # An invoice takes from a wallet once, is bought once, and is given back once.
        sa.Index("uq_wallet_transactions_invoiced", "invoice_id", "wallet_id", unique=True,
                 postgresql_where=sa.text("transaction_status = 'invoiced'")),
        sa.Index("uq_wallet_transactions_purchased", "invoice_id", unique=True,
                 postgresql_where=sa.text("transaction_status = 'purchased'")),
        sa.Index("uq_wallet_transactions_returned", "voided_invoice_id", "wallet_id", unique=True,
                 postgresql_where=sa.text("voided_invoice_id IS NOT NULL")),
        sa.Index("uq_wallet_transactions_voided", "credit_note_id", unique=True,
                 postgresql_where=sa.text("credit_note_id IS NOT NULL")),
        sa.Index("uq_wallet_transactions_interval", "wallet_id", "interval_on", "transaction_status", unique=True,
                 postgresql_where=sa.text("interval_on IS NOT NULL")),
        sa.Index("ix_wallet_transactions_listed", "wallet_id", "created_at"),
        sa.Index("ix_wallet_transactions_remaining", "wallet_id",
                 postgresql_where=sa.text("remaining_amount_cents > 0")),
        sa.Index("ix_wallet_transactions_pending", "wallet_id", postgresql_where=sa.text("status = 'pending'")),
    )  # fmt: skip

    wallet_id: UUID = reference("wallets.id")
    billing_entity_id: UUID | None = reference("billing_entities.id", nullable=True)
    invoice_id: UUID | None = reference("invoices.id", nullable=True)
    voided_invoice_id: UUID | None = reference("invoices.id", nullable=True)
    credit_note_id: UUID | None = None
    transaction_type: str
    transaction_status: str
    status: str = Field(default="pending")
    source: str = Field(default="manual")
    amount_cents: int = big_integer()
    credit_amount: Decimal = decimal(30, 5)
    remaining_amount_cents: int | None = big_integer(nullable=True, default=None)
    priority: int = Field(default=50)
    name: str | None = None
    transaction_metadata: list[dict[str, Any]] = json_object(default_factory=list)
    invoice_requires_successful_payment: bool = Field(default=False)
    payment_method_type: str = Field(default="provider")
    payment_method_id: UUID | None = None
    purchase_order_number: str | None = None
    skip_invoice_custom_sections: bool = Field(default=False)
    interval_on: date | None = None
    settled_at: datetime | None = timestamp()
    failed_at: datetime | None = timestamp()


class WalletConsumption(TenantRow, table=True):
    """What of an outbound movement was taken from an inbound one. Cents, more than zero."""

    __tablename__ = "wallet_consumptions"
    __table_args__ = (
        sa.CheckConstraint("consumed_amount_cents > 0", name="consumed_positive"),
        sa.UniqueConstraint("inbound_wallet_transaction_id", "outbound_wallet_transaction_id",
                            name="uq_wallet_consumptions_pair"),
    )  # fmt: skip

    inbound_wallet_transaction_id: UUID = reference("wallet_transactions.id")
    outbound_wallet_transaction_id: UUID = reference("wallet_transactions.id", index=True)
    consumed_amount_cents: int = big_integer()


class RecurringTransactionRule(TenantRow, table=True):
    """When a wallet is topped up by itself, and by how much. At most one of a wallet is active.

    fixed: `paid_credits` and `granted_credits`. target: up to `target_ongoing_balance` credits, bought, or given with
    `grants_target_top_up`. interval: on anniversaries of `started_at`. threshold: when the ongoing balance has fallen
    to `threshold_credits`.
    """

    __tablename__ = "recurring_transaction_rules"
    __table_args__ = (
        one_of("trigger", ("interval", "threshold")),
        one_of("interval", ("weekly", "monthly", "quarterly", "semiannual", "yearly")),
        one_of("method", ("fixed", "target")),
        one_of("status", ("active", "terminated")),
        one_of("payment_method_type", ("provider", "manual")),
        sa.Index("uq_recurring_transaction_rules_active", "wallet_id", unique=True,
                 postgresql_where=sa.text("status = 'active'")),
        sa.Index("ix_recurring_transaction_rules_trigger", "organization_id", "trigger",
                 postgresql_where=sa.text("status = 'active'")),
    )  # fmt: skip

    wallet_id: UUID = reference("wallets.id", index=True)
    trigger: str
    interval: str | None = None
    method: str = Field(default="fixed")
    status: str = Field(default="active")
    paid_credits: Decimal = decimal(30, 5, default=ZERO)
    granted_credits: Decimal = decimal(30, 5, default=ZERO)
    threshold_credits: Decimal = decimal(30, 5, default=ZERO)
    target_ongoing_balance: Decimal | None = decimal(30, 5, nullable=True, default=None)
    grants_target_top_up: bool | None = None
    started_at: datetime | None = timestamp()
    expiration_at: datetime | None = timestamp()
    terminated_at: datetime | None = timestamp()
    invoice_requires_successful_payment: bool = Field(default=False)
    ignore_paid_top_up_limits: bool = Field(default=False)
    transaction_name: str | None = None
    transaction_metadata: list[dict[str, Any]] = json_object(default_factory=list)
    payment_method_type: str = Field(default="provider")
    payment_method_id: UUID | None = None
    purchase_order_number: str | None = None
    skip_invoice_custom_sections: bool = Field(default=False)


class WalletCustomSection(TenantRow, table=True):
    """A section that invoices of a wallet's top-ups carry, instead of the customer's."""

    __tablename__ = "wallet_custom_sections"
    __table_args__ = (sa.UniqueConstraint("wallet_id", "section_id"),)

    wallet_id: UUID = reference("wallets.id")
    section_id: UUID = reference("invoice_custom_sections.id", index=True)


class RecurringRuleCustomSection(TenantRow, table=True):
    """A section that invoices of a rule's top-ups carry, instead of the wallet's."""

    __tablename__ = "recurring_rule_custom_sections"
    __table_args__ = (sa.UniqueConstraint("rule_id", "section_id"),)

    rule_id: UUID = reference("recurring_transaction_rules.id")
    section_id: UUID = reference("invoice_custom_sections.id", index=True)


class WalletTransactionCustomSection(TenantRow, table=True):
    """A section that the invoice of a purchase carries."""

    __tablename__ = "wallet_transaction_custom_sections"
    __table_args__ = (sa.UniqueConstraint("wallet_transaction_id", "section_id"),)

    wallet_transaction_id: UUID = reference("wallet_transactions.id")
    section_id: UUID = reference("invoice_custom_sections.id", index=True)


class WalletRefresh(TenantRow, table=True):
    """A customer whose usage has changed since its wallets were last looked at. Taken by the next refresh.

    Not unique: writers never wait for each other here, and the refresh takes all rows of a customer at once.
    """

    __tablename__ = "wallet_refreshes"
    __table_args__ = (sa.Index("ix_wallet_refreshes_customer", "organization_id", "customer_id"),)

    customer_id: UUID = reference("customers.id")
