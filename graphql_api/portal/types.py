"""What a customer sees of itself, of who bills it, and of its wallets."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeVar
from uuid import UUID

import strawberry
from strawberry import Info

from domain.identity.logo import logo_url
from domain.identity.settings import PREMIUM_INTEGRATIONS
from graphql_api.credits.wallet_enums import (
    WalletStatusEnum,
    WalletTransactionStatusEnum,
    WalletTransactionTransactionStatusEnum,
    WalletTransactionTransactionTypeEnum,
)
from graphql_api.credits.wallet_transaction_types import transaction_type
from graphql_api.credits.wallet_types import fetch_wallets, wallet_type
from graphql_api.customers.enums import CustomerAccountTypeEnum, CustomerTypeEnum
from graphql_api.customers.parts import CustomerAddress, CustomerBillingConfiguration
from graphql_api.customers.types import customer_type
from graphql_api.enums import CountryCode, CurrencyEnum, PremiumIntegrationTypeEnum, TimezoneEnum
from graphql_api.identity.billing_entities import BillingEntityBillingConfiguration, fetch_entities
from graphql_api.identity.types import OrganizationBillingConfiguration
from graphql_api.loaders import load_one
from graphql_api.pagination import CollectionMetadata
from graphql_api.scalars import BigInt, ISO8601DateTime

__all__ = [
    "CustomerPortalCustomer", "CustomerPortalOrganization", "CustomerPortalWallet", "CustomerPortalWalletCollection",
    "CustomerPortalWalletTransaction", "CustomerPortalWalletTransactionCollection", "portal_customer",
    "portal_organization", "portal_transaction", "portal_wallet",
]  # fmt: skip

T = TypeVar("T")


@strawberry.type
class CustomerPortalCustomer:
    billing_entity_id: strawberry.Private[UUID]

    id: strawberry.ID
    account_type: CustomerAccountTypeEnum
    customer_type: CustomerTypeEnum | None
    name: str | None
    firstname: str | None
    lastname: str | None
    display_name: str
    email: str | None
    legal_name: str | None
    legal_number: str | None
    tax_identification_number: str | None
    address_line1: str | None
    address_line2: str | None
    city: str | None
    state: str | None
    zipcode: str | None
    country: CountryCode | None
    shipping_address: CustomerAddress | None
    currency: CurrencyEnum | None
    applicable_timezone: TimezoneEnum
    billing_configuration: CustomerBillingConfiguration | None
    # Everything that a licence would open is open.
    premium: bool = True

    @strawberry.field
    async def billing_entity_billing_configuration(self, info: Info) -> BillingEntityBillingConfiguration:
        """The id is made up, for the client's cache."""
        entity = await load_one(info, "billing_entities", fetch_entities, self.billing_entity_id)
        assert entity.billing_configuration is not None, "every entity has one"
        return replace(entity.billing_configuration, id=strawberry.ID(f"{self.billing_entity_id}-c1nf"))


@strawberry.type
class CustomerPortalOrganization:
    id: strawberry.ID
    name: str
    logo_url: str | None
    timezone: TimezoneEnum | None
    default_currency: CurrencyEnum
    billing_configuration: OrganizationBillingConfiguration | None
    premium_integrations: list[PremiumIntegrationTypeEnum]


@strawberry.type
class CustomerPortalWallet:
    id: strawberry.ID
    name: str | None
    code: str | None
    status: WalletStatusEnum
    currency: CurrencyEnum
    priority: int
    rate_amount: float
    balance_cents: BigInt
    credits_balance: float
    consumed_amount_cents: BigInt
    consumed_credits: float
    ongoing_balance_cents: BigInt
    ongoing_usage_balance_cents: BigInt
    credits_ongoing_balance: float
    paid_top_up_min_amount_cents: BigInt | None
    paid_top_up_max_amount_cents: BigInt | None
    paid_top_up_min_credits: BigInt | None
    paid_top_up_max_credits: BigInt | None
    expiration_at: ISO8601DateTime | None
    last_balance_sync_at: ISO8601DateTime | None


@strawberry.type
class CustomerPortalWalletCollection:
    collection: list[CustomerPortalWallet]
    metadata: CollectionMetadata


@strawberry.type
class CustomerPortalWalletTransaction:
    wallet_id: strawberry.Private[UUID]

    id: strawberry.ID
    amount: str
    credit_amount: str
    status: WalletTransactionStatusEnum
    transaction_status: WalletTransactionTransactionStatusEnum
    transaction_type: WalletTransactionTransactionTypeEnum
    settled_at: ISO8601DateTime | None
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime

    @strawberry.field
    async def wallet(self, info: Info) -> CustomerPortalWallet | None:
        return _part(CustomerPortalWallet, await load_one(info, "wallets", fetch_wallets, self.wallet_id))


@strawberry.type
class CustomerPortalWalletTransactionCollection:
    collection: list[CustomerPortalWalletTransaction]
    metadata: CollectionMetadata


def portal_customer(row: Any) -> CustomerPortalCustomer:
    """A customer from a row of `domain.customers.queries`."""
    return _part(CustomerPortalCustomer, customer_type(row), premium=True)


def portal_organization(row: Any) -> CustomerPortalOrganization:
    """An organization from a row of `domain.identity.queries.organization_row`."""
    return CustomerPortalOrganization(
        id=row.id,
        name=row.name,
        logo_url=logo_url(row.logo_key, row.logo_content_type),
        timezone=TimezoneEnum(row.timezone),
        default_currency=CurrencyEnum(row.default_currency),
        billing_configuration=OrganizationBillingConfiguration.of(row),
        premium_integrations=[PremiumIntegrationTypeEnum(name) for name in PREMIUM_INTEGRATIONS],
    )


def portal_wallet(row: Any) -> CustomerPortalWallet:
    """A wallet from a row of `domain.credits.wallets.queries`."""
    return _part(CustomerPortalWallet, wallet_type(row))


def portal_transaction(row: Any) -> CustomerPortalWalletTransaction:
    """A movement from a row of `domain.credits.wallets.queries`."""
    return _part(CustomerPortalWalletTransaction, transaction_type(row))


def _part(kind: type[T], whole: object, **more: object) -> T:
    """The fields that the portal has of what the dashboard shows."""
    named = {each.name: getattr(whole, each.name) for each in fields(kind) if each.init and each.name not in more}  # type: ignore[arg-type]
    return kind(**named, **more)
