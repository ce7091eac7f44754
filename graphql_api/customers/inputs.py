"""Inputs of customers. Fields that the server does not act on are not offered."""

from __future__ import annotations

import strawberry
from strawberry import UNSET

from graphql_api.customers.enums import (
    CustomerAccountTypeEnum,
    CustomerSubscriptionInvoiceIssuingDateAdjustmentEnum,
    CustomerSubscriptionInvoiceIssuingDateAnchorEnum,
    CustomerTypeEnum,
    FinalizeZeroAmountInvoiceEnum,
)
from graphql_api.enums import CountryCode, CurrencyEnum, TimezoneEnum
from graphql_api.payments.enums import ProviderPaymentMethodsEnum, ProviderTypeEnum

__all__ = [
    "CreateCustomerInput", "CustomerAddressInput", "CustomerBillingConfigurationInput", "CustomerMetadataFilter",
    "CustomerMetadataInput", "DestroyCustomerInput", "GenerateCustomerPortalUrlInput", "ProviderCustomerInput",
    "UpdateCustomerInput",
    "UpdateCustomerInvoiceGracePeriodInput",
]  # fmt: skip


@strawberry.input
class CustomerAddressInput:
    address_line1: str | None = UNSET
    address_line2: str | None = UNSET
    city: str | None = UNSET
    country: CountryCode | None = UNSET
    state: str | None = UNSET
    zipcode: str | None = UNSET


@strawberry.input
class CustomerBillingConfigurationInput:
    document_locale: str | None = UNSET
    subscription_invoice_issuing_date_anchor: CustomerSubscriptionInvoiceIssuingDateAnchorEnum | None = UNSET
    subscription_invoice_issuing_date_adjustment: CustomerSubscriptionInvoiceIssuingDateAdjustmentEnum | None = UNSET


@strawberry.input
class CustomerMetadataInput:
    id: strawberry.ID | None = UNSET
    key: str
    value: str
    display_in_invoice: bool


@strawberry.input
class ProviderCustomerInput:
    provider_customer_id: strawberry.ID | None = UNSET
    provider_payment_methods: list[ProviderPaymentMethodsEnum] | None = UNSET
    sync_with_provider: bool | None = UNSET


@strawberry.input
class CustomerMetadataFilter:
    """A blank value asks for customers without that key."""

    key: str
    value: str


@strawberry.input
class _CustomerFields:
    client_mutation_id: str | None = UNSET
    account_type: CustomerAccountTypeEnum | None = UNSET
    address_line1: str | None = UNSET
    address_line2: str | None = UNSET
    billing_configuration: CustomerBillingConfigurationInput | None = UNSET
    billing_entity_code: str | None = UNSET
    city: str | None = UNSET
    country: CountryCode | None = UNSET
    currency: CurrencyEnum | None = UNSET
    customer_type: CustomerTypeEnum | None = UNSET
    email: str | None = UNSET
    external_salesforce_id: str | None = UNSET
    finalize_zero_amount_invoice: FinalizeZeroAmountInvoiceEnum | None = UNSET
    firstname: str | None = UNSET
    invoice_grace_period: int | None = UNSET
    lastname: str | None = UNSET
    legal_name: str | None = UNSET
    legal_number: str | None = UNSET
    logo_url: str | None = UNSET
    metadata: list[CustomerMetadataInput] | None = UNSET
    name: str | None = UNSET
    net_payment_term: int | None = UNSET
    payment_provider: ProviderTypeEnum | None = UNSET
    payment_provider_code: str | None = UNSET
    phone: str | None = UNSET
    provider_customer: ProviderCustomerInput | None = UNSET
    shipping_address: CustomerAddressInput | None = UNSET
    state: str | None = UNSET
    tax_codes: list[str] | None = UNSET
    tax_identification_number: str | None = UNSET
    timezone: TimezoneEnum | None = UNSET
    url: str | None = UNSET
    zipcode: str | None = UNSET


@strawberry.input
class CreateCustomerInput(_CustomerFields):
    external_id: str


@strawberry.input
class UpdateCustomerInput(_CustomerFields):
    id: strawberry.ID
    applied_dunning_campaign_id: strawberry.ID | None = UNSET
    external_id: str
    configurable_invoice_custom_section_ids: list[strawberry.ID] | None = UNSET
    exclude_from_dunning_campaign: bool | None = UNSET
    skip_invoice_custom_sections: bool | None = UNSET


@strawberry.input
class UpdateCustomerInvoiceGracePeriodInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID
    invoice_grace_period: int | None = UNSET


@strawberry.input
class GenerateCustomerPortalUrlInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID


@strawberry.input
class DestroyCustomerInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID
