"""Subscriptions: a customer on a plan, from an instant on."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from domain.kernel.rows import TenantRow, decimal, one_of, reference, timestamp

__all__ = [
    "ActivationRule", "FixedChargeEvent", "FixedChargeUnitsOverride", "Subscription", "SubscriptionCustomSection",
]  # fmt: skip


class Subscription(TenantRow, table=True):
    """A customer's subscription to a plan.

    `subscription_at` is the anchor of anniversary periods and is inherited along plan changes; `started_at` is when
    this row became active. `external_id` is unique among active rows of an organization. `billing_entity_id` issues
    the invoices instead of the customer's. `cancellation_reason` is set where a payment decided.
    """

    __tablename__ = "subscriptions"
    __table_args__ = (
        one_of("status", ("pending", "active", "terminated", "canceled", "incomplete")),
        one_of("billing_time", ("calendar", "anniversary")),
        one_of("on_termination_credit_note", ("credit", "skip", "refund", "offset")),
        one_of("on_termination_invoice", ("generate", "skip")),
        one_of("payment_method_type", ("provider", "manual")),
        sa.Index("uq_subscriptions_active_external_id", "organization_id", "external_id", unique=True,
                 postgresql_where=sa.text("status = 'active'")),
        one_of("cancellation_reason", ("payment_failed", "timeout")),
        sa.Index("uq_subscriptions_incomplete_external_id", "organization_id", "external_id", unique=True,
                 postgresql_where=sa.text("status = 'incomplete'")),
        sa.Index("ix_subscriptions_listed", "organization_id", "subscription_at"),
        sa.Index("ix_subscriptions_external_id", "organization_id", "external_id"),
        sa.Index("ix_subscriptions_active", "organization_id", "customer_id",
                 postgresql_where=sa.text("status = 'active'")),
    )  # fmt: skip

    customer_id: UUID = reference("customers.id", index=True)
    plan_id: UUID = reference("plans.id", index=True)
    previous_subscription_id: UUID | None = reference("subscriptions.id", nullable=True, index=True)
    external_id: str
    name: str | None = None
    status: str = Field(default="pending")
    billing_time: str = Field(default="calendar")
    subscription_at: datetime = timestamp(nullable=False)
    started_at: datetime | None = timestamp()
    activated_at: datetime | None = timestamp()
    ending_at: datetime | None = timestamp()
    terminated_at: datetime | None = timestamp()
    canceled_at: datetime | None = timestamp()
    trial_ended_at: datetime | None = timestamp()
    on_termination_credit_note: str | None = None
    on_termination_invoice: str = Field(default="generate")
    consolidate_invoice: bool = Field(default=True)
    purchase_order_number: str | None = None
    payment_method_type: str = Field(default="provider")
    payment_method_id: UUID | None = reference("payment_methods.id", nullable=True)
    billing_entity_id: UUID | None = reference("billing_entities.id", nullable=True)
    progressive_billing_disabled: bool = Field(default=False)
    skip_invoice_custom_sections: bool = Field(default=False)
    cancellation_reason: str | None = None
    last_received_event_on: date | None = None


class FixedChargeEvent(TenantRow, table=True):
    """How many units of a fixed charge a subscription has from an instant on."""

    __tablename__ = "fixed_charge_events"
    __table_args__ = (sa.Index("ix_fixed_charge_events_of", "subscription_id", "fixed_charge_id", "timestamp"),)

    subscription_id: UUID = reference("subscriptions.id")
    fixed_charge_id: UUID = reference("fixed_charges.id", index=True)
    units: Decimal = decimal(30, 10)
    # Last, because inside the class its name hides the function.
    timestamp: datetime = timestamp(nullable=False)


class FixedChargeUnitsOverride(TenantRow, table=True):
    """The units of a fixed charge that one subscription has instead of the plan's."""

    __tablename__ = "fixed_charge_units_overrides"
    __table_args__ = (
        sa.UniqueConstraint("subscription_id", "fixed_charge_id"),
        sa.CheckConstraint("units >= 0", name="units_not_negative"),
    )

    subscription_id: UUID = reference("subscriptions.id")
    fixed_charge_id: UUID = reference("fixed_charges.id", index=True)
    units: Decimal = decimal(30, 10)


class ActivationRule(TenantRow, table=True):
    """What must happen before a subscription becomes active. `timeout_hours` of 0 waits for ever."""

    __tablename__ = "subscription_activation_rules"
    __table_args__ = (
        one_of("rule_type", ("payment",)),
        one_of("status", ("inactive", "pending", "satisfied", "declined", "failed", "expired", "not_applicable")),
        sa.CheckConstraint("timeout_hours >= 0", name="timeout_hours_not_negative"),
        sa.UniqueConstraint("subscription_id", "rule_type"),
        sa.Index("ix_subscription_activation_rules_expiring", "organization_id", "expires_at",
                 postgresql_where=sa.text("status = 'pending'")),
    )  # fmt: skip

    subscription_id: UUID = reference("subscriptions.id")
    rule_type: str
    timeout_hours: int = Field(default=0)
    status: str = Field(default="inactive")
    expires_at: datetime | None = timestamp()


class SubscriptionCustomSection(TenantRow, table=True):
    """A section that invoices of one subscription carry, instead of the customer's."""

    __tablename__ = "subscription_custom_sections"
    __table_args__ = (sa.UniqueConstraint("subscription_id", "section_id"),)

    subscription_id: UUID = reference("subscriptions.id")
    section_id: UUID = reference("invoice_custom_sections.id", index=True)
