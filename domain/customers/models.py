"""The parties that are billed."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from domain.customers.provider_terms import PROVIDER_TYPES
from domain.kernel.rows import TenantRow, big_integer, json_object, one_of, reference, timestamp

__all__ = ["Customer", "CustomerCustomSection", "CustomerMetadata", "PendingViesCheck"]


class Customer(TenantRow, table=True):
    """A billed party, known to the client by `external_id`.

    `sequential_id` counts the organization's customers; `slug` is the billing entity's prefix and that number. Null
    time zone, grace period and payment term mean the billing entity's.
    """

    __tablename__ = "customers"
    __table_args__ = (
        one_of("customer_type", ("company", "individual")),
        one_of("account_type", ("customer", "partner")),
        one_of("finalize_zero_amount_invoice", ("inherit", "skip", "finalize")),
        one_of("payment_provider", PROVIDER_TYPES),
        sa.Index("uq_customers_external_id", "organization_id", "external_id", unique=True,
                 postgresql_where=sa.text("deleted_at IS NULL")),
        sa.Index("ix_customers_listed", "organization_id", "created_at"),
        sa.Index("uq_customers_sequential_id", "organization_id", "sequential_id", unique=True),
    )  # fmt: skip

    billing_entity_id: UUID = reference("billing_entities.id", index=True)
    external_id: str
    sequential_id: int = big_integer()
    slug: str
    name: str | None = None
    firstname: str | None = None
    lastname: str | None = None
    customer_type: str | None = None
    account_type: str = Field(default="customer")
    email: str | None = None
    phone: str | None = None
    url: str | None = None
    logo_url: str | None = None
    legal_name: str | None = None
    legal_number: str | None = None
    tax_identification_number: str | None = None
    address_line1: str | None = None
    address_line2: str | None = None
    city: str | None = None
    state: str | None = None
    zipcode: str | None = None
    country: str | None = None
    shipping_address_line1: str | None = None
    shipping_address_line2: str | None = None
    shipping_city: str | None = None
    shipping_state: str | None = None
    shipping_zipcode: str | None = None
    shipping_country: str | None = None
    currency: str | None = None
    timezone: str | None = None
    document_locale: str | None = None
    net_payment_term: int | None = None
    invoice_grace_period: int | None = None
    finalize_zero_amount_invoice: str = Field(default="inherit")
    external_salesforce_id: str | None = None
    subscription_invoice_issuing_date_anchor: str | None = None
    subscription_invoice_issuing_date_adjustment: str | None = None
    skip_invoice_custom_sections: bool = Field(default=False)
    exclude_from_dunning_campaign: bool = Field(default=False)
    applied_dunning_campaign_id: UUID | None = reference("dunning_campaigns.id", nullable=True, index=True)
    # How often the customer was reminded, by currency, since it last paid what it was reminded of.
    dunning_currency_attempts: dict[str, Any] = json_object(sa_column_kwargs={"server_default": "{}"})
    last_dunning_campaign_attempt_at: datetime | None = timestamp()
    # The provider that payments are taken with, and the code of the connection to it.
    payment_provider: str | None = None
    payment_provider_code: str | None = None
    payment_receipt_counter: int = big_integer(default=0, sa_column_kwargs={"server_default": "0"})
    deleted_at: datetime | None = timestamp()


class CustomerMetadata(TenantRow, table=True):
    """A key and value that the client keeps on a customer; shown on invoices when asked."""

    __tablename__ = "customer_metadata"
    __table_args__ = (sa.UniqueConstraint("customer_id", "key"),)

    customer_id: UUID = reference("customers.id", index=True)
    key: str
    value: str
    display_in_invoice: bool = Field(default=False)


class CustomerCustomSection(TenantRow, table=True):
    """A section of its own that a customer has on its invoices, instead of its billing entity's."""

    __tablename__ = "customer_custom_sections"
    __table_args__ = (sa.UniqueConstraint("customer_id", "section_id"),)

    customer_id: UUID = reference("customers.id")
    section_id: UUID = reference("invoice_custom_sections.id", index=True)


class PendingViesCheck(TenantRow, table=True):
    """A VAT number that the EU's register has not answered for yet. While it is there, the taxes of the customer are
    open and its invoices wait. `attempts` counts the calls that failed."""

    __tablename__ = "pending_vies_checks"
    __table_args__ = (sa.UniqueConstraint("customer_id"),)

    customer_id: UUID = reference("customers.id")
    tax_identification_number: str
    attempts: int = Field(default=0)
    last_attempt_at: datetime | None = timestamp()
    last_error: str | None = None
