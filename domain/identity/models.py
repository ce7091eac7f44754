"""Who operates Tarn: users, the organizations they are members of, their billing entities, roles and API keys."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from domain.kernel.rows import Row, TenantRow, encrypted, json_object, one_of, reference, texts, timestamp

__all__ = [
    "ApiKey", "BillingEntity", "BillingEntityCustomSection", "InvoiceCustomSection", "Membership", "MembershipRole",
    "Organization", "Role", "User",
]  # fmt: skip


class User(Row, table=True):
    """A person who logs in. E-mails are compared exactly as stored."""

    __tablename__ = "users"

    email: str = Field(unique=True)
    password_hash: str


class Organization(Row, table=True):
    """A tenant: a company that bills with Tarn, or a sandbox of one.

    `frozen_at` is set exactly for sandboxes: their business time stands there until it is moved.
    What concerns invoices (currency, time zone, terms, numbering, address) stands on the default billing entity, whose
    id equals the organization's.
    """

    __tablename__ = "organizations"
    __table_args__ = (sa.CheckConstraint("sandbox = (frozen_at IS NOT NULL)", name="frozen_exactly_when_sandbox"),)

    name: str
    slug: str = Field(unique=True)
    hmac_key: str = encrypted("organizations.hmac_key")
    authentication_methods: list[str] = texts()
    sandbox: bool = Field(default=False)
    frozen_at: datetime | None = timestamp()


class BillingEntity(TenantRow, table=True):
    """Who issues the invoices: name and address on the document, currency, terms and numbering."""

    __tablename__ = "billing_entities"
    __table_args__ = (
        one_of("document_numbering", ("per_customer", "per_billing_entity")),
        sa.Index("uq_billing_entities_code", "organization_id", "code", unique=True,
                 postgresql_where=sa.text("deleted_at IS NULL AND archived_at IS NULL")),
    )  # fmt: skip

    code: str
    name: str
    legal_name: str | None = None
    legal_number: str | None = None
    tax_identification_number: str | None = None
    email: str | None = None
    phone: str | None = None
    address_line1: str | None = None
    address_line2: str | None = None
    city: str | None = None
    state: str | None = None
    zipcode: str | None = None
    country: str | None = None
    default_currency: str = Field(default="USD")
    timezone: str = Field(default="UTC")
    document_locale: str = Field(default="en")
    document_numbering: str = Field(default="per_customer")
    document_number_prefix: str
    invoice_footer: str | None = None
    invoice_grace_period: int = Field(default=0)
    net_payment_term: int = Field(default=0)
    finalize_zero_amount_invoice: bool = Field(default=True)
    subscription_invoice_issuing_date_anchor: str = Field(default="next_period_start")
    subscription_invoice_issuing_date_adjustment: str = Field(default="align_with_finalization_date")
    email_settings: list[str] = texts()
    eu_tax_management: bool = Field(default=False)
    applied_dunning_campaign_id: UUID | None = reference("dunning_campaigns.id", nullable=True)
    einvoicing: bool = Field(default=False)
    logo_key: str | None = None
    logo_content_type: str | None = None
    archived_at: datetime | None = timestamp()
    deleted_at: datetime | None = timestamp()


class InvoiceCustomSection(TenantRow, table=True):
    """A text that documents carry for whoever selects it: bank details, a legal notice."""

    __tablename__ = "invoice_custom_sections"
    __table_args__ = (
        one_of("section_type", ("manual", "system_generated")),
        sa.Index("uq_invoice_custom_sections_code", "organization_id", "code", unique=True,
                 postgresql_where=sa.text("deleted_at IS NULL")),
    )  # fmt: skip

    code: str
    name: str
    display_name: str | None = None
    details: str | None = None
    description: str | None = None
    section_type: str = Field(default="manual")
    deleted_at: datetime | None = timestamp()


class BillingEntityCustomSection(TenantRow, table=True):
    """A section that a billing entity puts on its customers' invoices."""

    __tablename__ = "billing_entity_custom_sections"
    __table_args__ = (sa.UniqueConstraint("billing_entity_id", "section_id"),)

    billing_entity_id: UUID = reference("billing_entities.id")
    section_id: UUID = reference("invoice_custom_sections.id", index=True)


class Role(Row, table=True):
    """A named set of permissions. Rows without an organization are predefined: admin, finance, manager."""

    __tablename__ = "roles"
    __table_args__ = (
        sa.Index("uq_roles_code", "organization_id", "code", unique=True, postgresql_nulls_not_distinct=True,
                 postgresql_where=sa.text("deleted_at IS NULL")),
    )  # fmt: skip

    organization_id: UUID | None = reference("organizations.id", nullable=True, index=True)
    code: str
    name: str
    description: str | None = None
    admin: bool = Field(default=False)
    permissions: list[str] = texts()
    deleted_at: datetime | None = timestamp()


class Membership(TenantRow, table=True):
    """A user's place in an organization."""

    __tablename__ = "memberships"
    __table_args__ = (
        one_of("status", ("active", "revoked")),
        sa.Index("uq_memberships_user", "organization_id", "user_id", unique=True,
                 postgresql_where=sa.text("status = 'active'")),
    )  # fmt: skip

    user_id: UUID = reference("users.id", index=True)
    status: str = Field(default="active")
    revoked_at: datetime | None = timestamp()


class MembershipRole(TenantRow, table=True):
    """A role held by a member."""

    __tablename__ = "membership_roles"
    __table_args__ = (sa.UniqueConstraint("membership_id", "role_id"),)

    membership_id: UUID = reference("memberships.id", index=True)
    role_id: UUID = reference("roles.id", index=True)


class ApiKey(TenantRow, table=True):
    """A key for the REST API. The value is encrypted; it is found by `value_digest`, its SHA-256 in hex."""

    __tablename__ = "api_keys"

    name: str | None = None
    value: str = encrypted("api_keys.value")
    value_digest: str = Field(unique=True)
    permissions: dict[str, Any] = json_object()
    expires_at: datetime | None = timestamp()
    last_used_at: datetime | None = timestamp()
