"""Invoices and what stands on them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from domain.kernel.rows import TenantRow, big_integer, decimal, json_object, one_of, reference, timestamp

__all__ = [
    "AdjustedFee", "AppliedUsageThreshold", "Fee", "FeeAppliedTax", "FeePricingUnit", "Invoice",
    "InvoiceAppliedCustomSection", "InvoiceAppliedTax", "InvoiceMetadata", "InvoiceNumberCounter",
    "InvoiceSubscription", "ProgressiveBilling",
]  # fmt: skip


class Invoice(TenantRow, table=True):
    """A bill to a customer. Amounts are whole minor units of `currency`.

    `issuing_date` is what the document shows; `finalized_at` is when it got its number; `payment_due_date` is the
    issuing date plus the net payment term.
    """

    __tablename__ = "invoices"
    __table_args__ = (
        one_of("invoice_type", ("subscription", "one_off", "credit", "advance_charges", "progressive_billing")),
        one_of("status", ("draft", "finalized", "voided", "generating", "failed", "open", "closed", "pending",
                          "deleted")),
        one_of("payment_status", ("pending", "succeeded", "failed")),
        one_of("tax_status", ("pending", "succeeded", "failed")),
        one_of("payment_method_type", ("provider", "manual")),
        sa.Index("uq_invoices_sequential_id", "customer_id", "billing_entity_id", "sequential_id", unique=True,
                 postgresql_where=sa.text("sequential_id IS NOT NULL")),
        sa.Index("uq_invoices_billing_entity_sequential_id", "billing_entity_id", "billing_entity_sequential_id",
                 unique=True, postgresql_where=sa.text("billing_entity_sequential_id IS NOT NULL")),
        # A voided invoice is replaced once.
        sa.Index("uq_invoices_voided_invoice_id", "voided_invoice_id", unique=True,
                 postgresql_where=sa.text("voided_invoice_id IS NOT NULL AND status <> 'deleted'")),
        sa.Index("ix_invoices_listed", "organization_id", "issuing_date", "created_at"),
        sa.Index("ix_invoices_drafts", "organization_id", "expected_finalization_date",
                 postgresql_where=sa.text("status = 'draft'")),
        sa.Index("ix_invoices_unpaid", "organization_id", "payment_due_date",
                 postgresql_where=sa.text("status = 'finalized' AND payment_status <> 'succeeded' "
                                          "AND NOT payment_overdue AND payment_dispute_lost_at IS NULL")),
        sa.Index("ix_invoices_overdue", "organization_id", "customer_id", postgresql_where=sa.text("payment_overdue")),
    )  # fmt: skip

    customer_id: UUID = reference("customers.id", index=True)
    billing_entity_id: UUID = reference("billing_entities.id")
    voided_invoice_id: UUID | None = reference("invoices.id", nullable=True)
    sequential_id: int | None = big_integer(nullable=True, default=None)
    billing_entity_sequential_id: int | None = big_integer(nullable=True, default=None)
    number: str = Field(default="")
    invoice_type: str = Field(default="subscription")
    status: str = Field(default="generating")
    tax_status: str | None = None
    payment_status: str = Field(default="pending")
    payment_overdue: bool = Field(default=False)
    currency: str
    timezone: str = Field(default="UTC")
    issuing_date: date
    expected_finalization_date: date
    payment_due_date: date
    net_payment_term: int = Field(default=0)
    purchase_order_number: str | None = None
    payment_method_type: str | None = None
    payment_method_id: UUID | None = reference("payment_methods.id", nullable=True)
    fees_amount_cents: int = big_integer(default=0)
    coupons_amount_cents: int = big_integer(default=0)
    credit_notes_amount_cents: int = big_integer(default=0)
    prepaid_credit_amount_cents: int = big_integer(default=0)
    prepaid_granted_credit_amount_cents: int | None = big_integer(nullable=True, default=None)
    prepaid_purchased_credit_amount_cents: int | None = big_integer(nullable=True, default=None)
    progressive_billing_credit_amount_cents: int = big_integer(default=0)
    sub_total_excluding_taxes_amount_cents: int = big_integer(default=0)
    taxes_amount_cents: int = big_integer(default=0)
    taxes_rate: Decimal = decimal(30, 5, default=Decimal(0))
    sub_total_including_taxes_amount_cents: int = big_integer(default=0)
    total_amount_cents: int = big_integer(default=0)
    total_paid_amount_cents: int = big_integer(default=0)
    # Settled by credit notes issued on this very invoice.
    offset_amount_cents: int = big_integer(default=0, sa_column_kwargs={"server_default": "0"})
    payment_attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    ready_for_payment_processing: bool = Field(default=True, sa_column_kwargs={"server_default": sa.true()})
    # The client sees to the payment: no provider is asked when the invoice is issued.
    skip_automatic_payment: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})
    version_number: int = Field(default=4)
    skip_charges: bool = Field(default=False)
    self_billed: bool = Field(default=False)
    document_key: str | None = None
    xml_key: str | None = None
    finalized_at: datetime | None = timestamp()
    voided_at: datetime | None = timestamp()
    payment_dispute_lost_at: datetime | None = timestamp()


class InvoiceSubscription(TenantRow, table=True):
    """The periods of one subscription that an invoice covers. What is unique here is billed once."""

    __tablename__ = "invoice_subscriptions"
    __table_args__ = (
        one_of("invoicing_reason", ("subscription_starting", "subscription_periodic", "subscription_terminating",
                                    "in_advance_charge", "in_advance_charge_periodic", "progressive_billing")),
        sa.UniqueConstraint("invoice_id", "subscription_id"),
        sa.Index("uq_invoice_subscriptions_period", "subscription_id", "charges_from_datetime", "charges_to_datetime",
                 unique=True, postgresql_where=sa.text("recurring AND regenerated_invoice_id IS NULL")),
        sa.Index("uq_invoice_subscriptions_fixed_period", "subscription_id", "fixed_charges_from_datetime",
                 "fixed_charges_to_datetime", unique=True,
                 postgresql_where=sa.text("recurring AND regenerated_invoice_id IS NULL")),
        # A row starts twice where a plan change inside a trial billed fixed charges: the base fee follows the trial.
        sa.Index("uq_invoice_subscriptions_starting", "subscription_id", "timestamp", unique=True,
                 postgresql_where=sa.text("invoicing_reason = 'subscription_starting' "
                                          "AND regenerated_invoice_id IS NULL")),
        sa.Index("uq_invoice_subscriptions_terminating", "subscription_id", unique=True,
                 postgresql_where=sa.text("invoicing_reason = 'subscription_terminating' "
                                          "AND regenerated_invoice_id IS NULL")),
        sa.Index("ix_invoice_subscriptions_billed", "subscription_id", "timestamp"),
    )  # fmt: skip

    invoice_id: UUID = reference("invoices.id")
    subscription_id: UUID = reference("subscriptions.id")
    regenerated_invoice_id: UUID | None = reference("invoices.id", nullable=True)
    invoicing_reason: str
    recurring: bool = Field(default=False)
    from_datetime: datetime | None = timestamp()
    to_datetime: datetime | None = timestamp()
    charges_from_datetime: datetime | None = timestamp()
    charges_to_datetime: datetime | None = timestamp()
    fixed_charges_from_datetime: datetime | None = timestamp()
    fixed_charges_to_datetime: datetime | None = timestamp()
    # Last, because inside the class its name hides the function.
    timestamp: datetime = timestamp(nullable=False)


class Fee(TenantRow, table=True):
    """One line of an invoice. `units` and `precise_*` are exact; `amount_cents` is what is billed before taxes.

    original_fee_id: of a regenerated invoice, the fee that this one goes back to through all regenerations.
    reckoning: what the amount came from where units and price do not tell: days, minimum amounts (see explain.py).
    """

    __tablename__ = "fees"
    __table_args__ = (
        one_of("fee_type", ("charge", "add_on", "subscription", "credit", "commitment", "fixed_charge")),
        one_of("payment_status", ("pending", "succeeded", "failed", "refunded")),
        sa.Index("ix_fees_subscription", "subscription_id", "fee_type"),
        sa.Index("ix_fees_standalone", "subscription_id", postgresql_where=sa.text("invoice_id IS NULL")),
        # An event is billed once per charge and filter; a regenerated invoice bills it again.
        sa.Index("uq_fees_pay_in_advance", "subscription_id", "pay_in_advance_event_transaction_id", "charge_id",
                 "charge_filter_id", unique=True, postgresql_nulls_not_distinct=True,
                 postgresql_where=sa.text("pay_in_advance_event_transaction_id IS NOT NULL "
                                          "AND original_fee_id IS NULL")),
    )  # fmt: skip

    invoice_id: UUID | None = reference("invoices.id", nullable=True, index=True)
    customer_id: UUID = reference("customers.id", index=True)
    billing_entity_id: UUID = reference("billing_entities.id")
    subscription_id: UUID | None = reference("subscriptions.id", nullable=True)
    charge_id: UUID | None = reference("charges.id", nullable=True, index=True)
    charge_filter_id: UUID | None = reference("charge_filters.id", nullable=True)
    fixed_charge_id: UUID | None = reference("fixed_charges.id", nullable=True, index=True)
    add_on_id: UUID | None = reference("add_ons.id", nullable=True)
    commitment_id: UUID | None = reference("commitments.id", nullable=True)
    true_up_parent_fee_id: UUID | None = reference("fees.id", nullable=True, index=True)
    original_fee_id: UUID | None = reference("fees.id", nullable=True)
    adjusted_fee_id: UUID | None = reference("adjusted_fees.id", nullable=True)
    pay_in_advance_event_id: UUID | None = None
    pay_in_advance_event_transaction_id: str | None = None
    fee_type: str
    position: int = Field(default=0)
    amount_cents: int = big_integer(default=0)
    amount_currency: str
    precise_amount_cents: Decimal = decimal(40, 15, default=Decimal(0))
    units: Decimal = decimal(60, 20, default=Decimal(0))
    total_aggregated_units: Decimal | None = decimal(60, 20, nullable=True, default=None)
    events_count: int | None = big_integer(nullable=True, default=None)
    unit_amount_cents: int = big_integer(default=0)
    precise_unit_amount: Decimal = decimal(40, 15, default=Decimal(0))
    taxes_amount_cents: int = big_integer(default=0)
    taxes_precise_amount_cents: Decimal = decimal(40, 15, default=Decimal(0))
    taxes_rate: Decimal = decimal(30, 8, default=Decimal(0))
    precise_coupons_amount_cents: Decimal = decimal(30, 5, default=Decimal(0))
    payment_status: str = Field(default="pending")
    pay_in_advance: bool = Field(default=False)
    invoice_display_name: str | None = None
    description: str | None = None
    grouped_by: dict[str, Any] = json_object()
    properties: dict[str, Any] = json_object()
    amount_details: dict[str, Any] = json_object()
    presentation_breakdowns: list[dict[str, Any]] | None = json_object(nullable=True)
    reckoning: dict[str, Any] | None = json_object(nullable=True)
    succeeded_at: datetime | None = timestamp()
    failed_at: datetime | None = timestamp()
    refunded_at: datetime | None = timestamp()


class AdjustedFee(TenantRow, table=True):
    """What somebody set for a line of a draft by hand; it is kept when the draft is computed anew.

    units with unit_amount (in units of the currency, or of the charge's pricing unit): the amount is their product.
    units alone: the price of so many units. Neither: only the name.
    """

    __tablename__ = "adjusted_fees"
    __table_args__ = (
        one_of("fee_type", ("charge", "subscription", "fixed_charge")),
        sa.Index("uq_adjusted_fees_target", "invoice_id", "subscription_id", "fee_type", "charge_id",
                 "charge_filter_id", "fixed_charge_id", "grouped_by", unique=True, postgresql_nulls_not_distinct=True),
    )  # fmt: skip

    invoice_id: UUID = reference("invoices.id")
    subscription_id: UUID = reference("subscriptions.id")
    fee_type: str
    charge_id: UUID | None = reference("charges.id", nullable=True)
    charge_filter_id: UUID | None = reference("charge_filters.id", nullable=True)
    fixed_charge_id: UUID | None = reference("fixed_charges.id", nullable=True)
    grouped_by: dict[str, Any] = json_object()
    units: Decimal | None = decimal(60, 20, nullable=True, default=None)
    unit_amount: Decimal | None = decimal(40, 15, nullable=True, default=None)
    invoice_display_name: str | None = None


class FeePricingUnit(TenantRow, table=True):
    """What a fee is in the pricing unit of its charge, before conversion. Cents are hundredths of the unit."""

    __tablename__ = "fee_pricing_units"
    __table_args__ = (sa.UniqueConstraint("fee_id"),)

    fee_id: UUID = reference("fees.id")
    pricing_unit_id: UUID = reference("pricing_units.id", index=True)
    short_name: str
    conversion_rate: Decimal = decimal(40, 15)
    amount_cents: int = big_integer()
    precise_amount_cents: Decimal = decimal(40, 15)
    unit_amount_cents: int = big_integer()
    precise_unit_amount: Decimal = decimal(40, 15)


class FeeAppliedTax(TenantRow, table=True):
    """A tax as it applied to a fee."""

    __tablename__ = "fee_applied_taxes"
    __table_args__ = (sa.UniqueConstraint("fee_id", "tax_code"),)

    fee_id: UUID = reference("fees.id")
    tax_id: UUID | None = reference("taxes.id", nullable=True)
    tax_code: str
    tax_name: str
    tax_description: str | None = None
    tax_rate: Decimal = decimal(20, 8)
    amount_cents: int = big_integer()
    amount_currency: str
    precise_amount_cents: Decimal = decimal(40, 15)


class InvoiceAppliedTax(TenantRow, table=True):
    """A tax as it applied to an invoice: rounded once on the sum over its fees."""

    __tablename__ = "invoice_applied_taxes"
    __table_args__ = (sa.UniqueConstraint("invoice_id", "tax_code"),)

    invoice_id: UUID = reference("invoices.id")
    tax_id: UUID | None = reference("taxes.id", nullable=True)
    tax_code: str
    tax_name: str
    tax_description: str | None = None
    tax_rate: Decimal = decimal(20, 8)
    amount_cents: int = big_integer()
    amount_currency: str
    fees_amount_cents: int = big_integer()
    taxable_base_amount_cents: int = big_integer()


class InvoiceMetadata(TenantRow, table=True):
    """A key and a value that a client noted on an invoice."""

    __tablename__ = "invoice_metadata"
    __table_args__ = (sa.UniqueConstraint("invoice_id", "key"),)

    invoice_id: UUID = reference("invoices.id")
    key: str
    value: str


class InvoiceAppliedCustomSection(TenantRow, table=True):
    """A custom section as it read when the invoice was made."""

    __tablename__ = "invoice_applied_custom_sections"
    __table_args__ = (sa.UniqueConstraint("invoice_id", "code"),)

    invoice_id: UUID = reference("invoices.id")
    code: str
    name: str
    display_name: str | None = None
    details: str | None = None


class InvoiceNumberCounter(TenantRow, table=True):
    """The last number given out: per customer and billing entity, or per billing entity (customer null).

    Taken last in a transaction, so that a rollback leaves no gap and the lock is short.
    """

    __tablename__ = "invoice_number_counters"
    __table_args__ = (
        sa.Index("uq_invoice_number_counters_scope", "billing_entity_id", "customer_id", unique=True,
                 postgresql_nulls_not_distinct=True),
    )  # fmt: skip

    billing_entity_id: UUID = reference("billing_entities.id")
    customer_id: UUID | None = reference("customers.id", nullable=True)
    last_number: int = big_integer(default=0)


class ProgressiveBilling(TenantRow, table=True):
    """That a threshold was billed: the same one at the same invoiced usage never is twice.

    invoiced_usage_amount_cents: what was billed of the chain before, historical usage included. threshold_amount_cents:
    of the last threshold passed.
    """

    __tablename__ = "progressive_billings"
    __table_args__ = (
        sa.UniqueConstraint(
            "organization_id", "external_subscription_id", "invoiced_usage_amount_cents", "threshold_amount_cents",
            name="uq_progressive_billings_once",
        ),
    )  # fmt: skip

    external_subscription_id: str
    invoiced_usage_amount_cents: int = big_integer()
    threshold_amount_cents: int = big_integer()


class AppliedUsageThreshold(TenantRow, table=True):
    """A usage threshold that a progressive invoice was made for; lifetime_usage_amount_cents: as it was then."""

    __tablename__ = "applied_usage_thresholds"
    __table_args__ = (sa.UniqueConstraint("invoice_id", "usage_threshold_id"),)

    invoice_id: UUID = reference("invoices.id")
    usage_threshold_id: UUID = reference("usage_thresholds.id", index=True)
    lifetime_usage_amount_cents: int = big_integer()
