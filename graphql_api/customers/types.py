"""Customers. What a row points at is loaded together for all rows of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry
from strawberry import Info

from domain.catalog.models import CustomerTax
from domain.customers import queries
from domain.customers.display_name import display_name
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.catalog.tax_types import Tax, taxes_on
from graphql_api.customers.enums import (
    CustomerAccountTypeEnum,
    CustomerSubscriptionInvoiceIssuingDateAdjustmentEnum,
    CustomerSubscriptionInvoiceIssuingDateAnchorEnum,
    CustomerTypeEnum,
    FinalizeZeroAmountInvoiceEnum,
)
from graphql_api.customers.error_details import fetch_errors
from graphql_api.customers.fetches import (
    fetch_active_subscriptions,
    fetch_in_use,
    fetch_metadata,
    fetch_overdue,
    fetch_own_sections,
    fetch_sections,
    fetch_subscriptions_of,
)
from graphql_api.customers.overdue import CustomerOverdueBalance, fetch_overdue_balances
from graphql_api.customers.parts import CustomerAddress, CustomerBillingConfiguration, CustomerMetadata
from graphql_api.enums import CountryCode, CurrencyEnum, TimezoneEnum
from graphql_api.identity.billing_entities import BillingEntity, fetch_entities
from graphql_api.identity.custom_sections import InvoiceCustomSection
from graphql_api.insight.logged import Logged
from graphql_api.invoicing.invoice_life import ErrorDetail
from graphql_api.loaders import load, load_one
from graphql_api.pagination import CollectionMetadata
from graphql_api.payments.enums import ProviderTypeEnum
from graphql_api.scalars import BigInt, ISO8601DateTime

if TYPE_CHECKING:
    from graphql_api.credits.coupons import AppliedCoupon
    from graphql_api.credits.note_types import CreditNote, CustomerCreditNotesBalance
    from graphql_api.invoicing.applied_add_ons import AppliedAddOn
    from graphql_api.invoicing.types import Invoice
    from graphql_api.payments.campaigns import DunningCampaign
    from graphql_api.payments.provider_customers import ProviderCustomer
    from graphql_api.subscriptions.types import StatusTypeEnum, Subscription

__all__ = [
    "Customer", "CustomerCollection", "customer_type", "fetch_customers",
]  # fmt: skip

LazyCampaign = Annotated["DunningCampaign", strawberry.lazy("graphql_api.payments.campaigns")]
LazyCreditNote = Annotated["CreditNote", strawberry.lazy("graphql_api.credits.note_types")]
LazyBalance = Annotated["CustomerCreditNotesBalance", strawberry.lazy("graphql_api.credits.note_types")]
LazyAppliedAddOn = Annotated["AppliedAddOn", strawberry.lazy("graphql_api.invoicing.applied_add_ons")]
LazyInvoice = Annotated["Invoice", strawberry.lazy("graphql_api.invoicing.types")]
LazyProviderCustomer = Annotated["ProviderCustomer", strawberry.lazy("graphql_api.payments.provider_customers")]
LazySubscription = Annotated["Subscription", strawberry.lazy("graphql_api.subscriptions.types")]
LazyStatus = Annotated["StatusTypeEnum", strawberry.lazy("graphql_api.subscriptions.types")]
LazyAppliedCoupon = Annotated["AppliedCoupon", strawberry.lazy("graphql_api.credits.coupons")]


@strawberry.type
class Customer(Logged):
    key: strawberry.Private[UUID]
    campaign_id: strawberry.Private[UUID | None]
    billing_entity_id: strawberry.Private[UUID]

    id: strawberry.ID
    external_id: str
    sequential_id: str
    slug: str
    name: str | None
    firstname: str | None
    lastname: str | None
    display_name: str
    customer_type: CustomerTypeEnum | None
    account_type: CustomerAccountTypeEnum
    email: str | None
    phone: str | None
    url: str | None
    logo_url: str | None
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
    timezone: TimezoneEnum | None
    applicable_timezone: TimezoneEnum
    net_payment_term: int | None
    invoice_grace_period: int | None
    finalize_zero_amount_invoice: FinalizeZeroAmountInvoiceEnum | None
    external_salesforce_id: str | None
    payment_provider: ProviderTypeEnum | None
    payment_provider_code: str | None
    last_dunning_campaign_attempt: int
    last_dunning_campaign_attempt_at: ISO8601DateTime | None
    exclude_from_dunning_campaign: bool
    skip_invoice_custom_sections: bool | None
    billing_configuration: CustomerBillingConfiguration | None
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime
    deleted_at: ISO8601DateTime | None

    @strawberry.field
    async def billing_entity(self, info: Info) -> BillingEntity:
        return await load_one(info, "billing_entities", fetch_entities, self.billing_entity_id)

    @strawberry.field
    async def configurable_invoice_custom_sections(self, info: Info) -> list[InvoiceCustomSection] | None:
        """Those of its invoices where a subscription selects none: its own, else its billing entity's."""
        return await load(info, "sections_for_customers", fetch_sections, self.key) or []

    @strawberry.field
    async def has_overwritten_invoice_custom_sections_selection(self, info: Info) -> bool | None:
        """Whether it has a selection of its own."""
        return bool(await load(info, "own_sections_of_customers", fetch_own_sections, self.key))

    @strawberry.field
    async def metadata(self, info: Info) -> list[CustomerMetadata] | None:
        return await load(info, "customer_metadata", fetch_metadata, self.key) or []

    @strawberry.field
    async def active_subscriptions_count(self, info: Info) -> int:
        return await load(info, "active_subscriptions", fetch_active_subscriptions, self.key) or 0

    @strawberry.field
    async def can_edit_attributes(self, info: Info) -> bool:
        """Whether currency and external id can still change: there is no subscription and no invoice."""
        return not await load(info, "customers_in_use", fetch_in_use, self.key)

    @strawberry.field
    async def has_active_wallet(self, info: Info) -> bool:
        from graphql_api.credits.wallet_types import has_wallet

        return await has_wallet(info, self.key)

    @strawberry.field
    async def has_overdue_invoices(self, info: Info) -> bool:
        return bool(await load(info, "customers_overdue", fetch_overdue, self.key))

    @strawberry.field
    async def applied_dunning_campaign(self, info: Info) -> LazyCampaign | None:
        """The customer's own, not its billing entity's."""
        from graphql_api.payments.campaigns import fetch_campaigns

        if self.campaign_id is None:
            return None
        return await load(info, "dunning_campaigns", fetch_campaigns, self.campaign_id)

    @strawberry.field
    async def provider_customer(self, info: Info) -> LazyProviderCustomer | None:
        """What the customer is called at the provider that it pays with."""
        from graphql_api.payments.provider_customers import fetch_provider_customers

        if self.payment_provider is None:
            return None
        return await load(info, "provider_customers", fetch_provider_customers, self.key)

    @strawberry.field
    async def error_details(self, info: Info) -> list[ErrorDetail] | None:
        """What goes wrong about the customer at others: the register of VAT numbers that does not answer."""
        return await load(info, "errors_of_customers", fetch_errors, self.key) or []

    @strawberry.field
    async def taxes(self, info: Info) -> list[Tax] | None:
        """Those put on the customer itself."""
        return await taxes_on(info, CustomerTax, self.key)

    @strawberry.field
    async def credit_notes(self, info: Info) -> list[LazyCreditNote] | None:
        from graphql_api.credits.note_types import notes_of_customer

        return await notes_of_customer(info, self.key)

    @strawberry.field
    async def has_credit_notes(self, info: Info) -> bool:
        from graphql_api.credits.note_types import notes_of_customer

        return bool(await notes_of_customer(info, self.key))

    @strawberry.field
    async def credit_notes_balances(self, info: Info) -> list[LazyBalance]:
        """What is left of the credit notes, by billing entity and currency."""
        from graphql_api.credits.note_types import balances_of

        return await balances_of(info, self.key)

    @strawberry.field
    async def credit_notes_balance_amount_cents(self, info: Info) -> BigInt:
        """What is left of the credit notes in the customer's currency."""
        from graphql_api.credits.note_types import balances_of

        balances = await balances_of(info, self.key)
        return BigInt(sum(each.amount_cents for each in balances if self.currency in (None, each.currency)))

    @strawberry.field
    async def credit_notes_credits_available_count(self, info: Info) -> int:
        from graphql_api.credits.note_types import balances_of

        return sum(each.credits_available_count for each in await balances_of(info, self.key))

    @strawberry.field
    async def applied_coupons(self, info: Info) -> list[LazyAppliedCoupon] | None:
        """The coupons the customer has now."""
        from graphql_api.credits.coupons import fetch_coupons_of_customers

        return await load(info, "coupons_of_customers", fetch_coupons_of_customers, self.key) or []

    @strawberry.field
    async def applied_add_ons(self, info: Info) -> list[LazyAppliedAddOn] | None:
        """What one-off invoices billed, the latest first, a thousand at most."""
        from graphql_api.invoicing.applied_add_ons import fetch_add_ons_of_customers

        return await load(info, "add_ons_of_customers", fetch_add_ons_of_customers, self.key) or []

    @strawberry.field
    async def invoices(self, info: Info) -> list[LazyInvoice] | None:
        """The latest issued first, a thousand at most."""
        from graphql_api.invoicing.types import fetch_invoices_of_customers

        return await load(info, "invoices_of_customers", fetch_invoices_of_customers, self.key) or []

    @strawberry.field
    async def overdue_balances(self, info: Info) -> list[CustomerOverdueBalance]:
        return await load(info, "overdue_balances", fetch_overdue_balances, self.key) or []

    @strawberry.field
    async def subscriptions(self, info: Info, status: list[LazyStatus] | None = None) -> list[LazySubscription]:
        """Active ones, unless other statuses are asked for."""
        statuses = tuple(sorted(one.value for one in status)) if status else ("active",)
        return await load(info, "subscriptions_of_customers", fetch_subscriptions_of, (self.key, statuses)) or []


@strawberry.type
class CustomerCollection:
    collection: list[Customer]
    metadata: CollectionMetadata


def customer_type(row: Any) -> Customer:
    """A customer from a row of `domain.customers.queries`, which knows its applicable time zone."""
    anchor, adjustment = (
        row.subscription_invoice_issuing_date_anchor,
        row.subscription_invoice_issuing_date_adjustment,
    )
    return Customer(
        key=row.id,
        billing_entity_id=row.billing_entity_id,
        id=row.id,
        external_id=row.external_id,
        sequential_id=str(row.sequential_id),
        slug=row.slug,
        name=row.name,
        firstname=row.firstname,
        lastname=row.lastname,
        display_name=display_name(row.name, row.legal_name, row.firstname, row.lastname),
        customer_type=CustomerTypeEnum(row.customer_type) if row.customer_type else None,
        account_type=CustomerAccountTypeEnum(row.account_type),
        email=row.email,
        phone=row.phone,
        url=row.url,
        logo_url=row.logo_url,
        legal_name=row.legal_name,
        legal_number=row.legal_number,
        tax_identification_number=row.tax_identification_number,
        address_line1=row.address_line1,
        address_line2=row.address_line2,
        city=row.city,
        state=row.state,
        zipcode=row.zipcode,
        country=CountryCode(row.country) if row.country else None,
        shipping_address=CustomerAddress(
            address_line1=row.shipping_address_line1,
            address_line2=row.shipping_address_line2,
            city=row.shipping_city,
            country=CountryCode(row.shipping_country) if row.shipping_country else None,
            state=row.shipping_state,
            zipcode=row.shipping_zipcode,
        ),
        currency=CurrencyEnum(row.currency) if row.currency else None,
        timezone=TimezoneEnum(row.timezone) if row.timezone else None,
        applicable_timezone=TimezoneEnum(row.applicable_timezone),
        net_payment_term=row.net_payment_term,
        invoice_grace_period=row.invoice_grace_period,
        finalize_zero_amount_invoice=FinalizeZeroAmountInvoiceEnum(row.finalize_zero_amount_invoice),
        external_salesforce_id=row.external_salesforce_id,
        payment_provider=ProviderTypeEnum(row.payment_provider) if row.payment_provider else None,
        payment_provider_code=row.payment_provider_code,
        campaign_id=row.applied_dunning_campaign_id,
        last_dunning_campaign_attempt=max(row.dunning_currency_attempts.values(), default=0),
        last_dunning_campaign_attempt_at=row.last_dunning_campaign_attempt_at,
        exclude_from_dunning_campaign=row.exclude_from_dunning_campaign,
        skip_invoice_custom_sections=row.skip_invoice_custom_sections,
        billing_configuration=CustomerBillingConfiguration(
            id=strawberry.ID(f"{row.id}-c0nf"),
            document_locale=row.document_locale,
            subscription_invoice_issuing_date_anchor=(
                CustomerSubscriptionInvoiceIssuingDateAnchorEnum(anchor) if anchor else None
            ),
            subscription_invoice_issuing_date_adjustment=(
                CustomerSubscriptionInvoiceIssuingDateAdjustmentEnum(adjustment) if adjustment else None
            ),
        ),
        created_at=row.created_at,
        updated_at=row.updated_at,
        deleted_at=row.deleted_at,
    )


async def fetch_customers(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, Customer]:
    """Customers by id, deleted ones as well."""
    return {key: customer_type(row) for key, row in (await queries.customer_rows(work.session, ids)).items()}
