"""The payment providers that an organization is connected to, and what its customers are called there."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from domain.customers.provider_terms import PROVIDER_TYPES
from domain.kernel.rows import TenantRow, encrypted, json_object, one_of, reference, texts, timestamp

__all__ = ["CONNECTED_TYPES", "PaymentProvider", "ProviderCustomer"]

# The types that payments are taken with; a customer may name any of PROVIDER_TYPES.
CONNECTED_TYPES: Final = ("stripe",)


class PaymentProvider(TenantRow, table=True):
    """An account at a payment provider. `secrets` is a JSON object of texts, encrypted; `settings` are the rest."""

    __tablename__ = "payment_providers"
    __table_args__ = (
        one_of("provider_type", PROVIDER_TYPES),
        sa.Index("uq_payment_providers_code", "organization_id", "code", unique=True,
                 postgresql_where=sa.text("deleted_at IS NULL")),
    )  # fmt: skip

    provider_type: str
    code: str
    name: str
    secrets: str = encrypted("payment_providers.secrets")
    settings: dict[str, Any] = json_object()
    deleted_at: datetime | None = timestamp()


class ProviderCustomer(TenantRow, table=True):
    """What a customer is called at a provider: one for each type of provider, one of them its default.

    `provider_customer_id` is null until the provider has been told of the customer, or the client has said.
    """

    __tablename__ = "payment_provider_customers"
    __table_args__ = (
        one_of("provider_type", PROVIDER_TYPES),
        sa.Index("uq_payment_provider_customers_type", "customer_id", "provider_type", unique=True,
                 postgresql_where=sa.text("deleted_at IS NULL")),
        sa.Index("uq_payment_provider_customers_code", "customer_id", "code", unique=True,
                 postgresql_where=sa.text("deleted_at IS NULL")),
        sa.Index("uq_payment_provider_customers_default", "customer_id", unique=True,
                 postgresql_where=sa.text("is_default AND deleted_at IS NULL")),
        sa.Index("ix_payment_provider_customers_remote", "payment_provider_id", "provider_customer_id"),
    )  # fmt: skip

    customer_id: UUID = reference("customers.id")
    payment_provider_id: UUID = reference("payment_providers.id")
    provider_type: str
    code: str
    is_default: bool = Field(default=False)
    provider_customer_id: str | None = None
    sync_with_provider: bool = Field(default=False)
    provider_payment_methods: list[str] = texts()
    deleted_at: datetime | None = timestamp()
