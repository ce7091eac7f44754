"""Input types of the identity context."""

from __future__ import annotations

import strawberry
from strawberry import UNSET

from graphql_api.enums import (
    AuthenticationMethodsEnum,
    CountryCode,
    CurrencyEnum,
    DocumentNumberingEnum,
    EmailSettingsEnum,
    TimezoneEnum,
)
from graphql_api.scalars import JSON, ISO8601DateTime

__all__ = [
    "AdvanceSandboxClockInput",
    "CreateApiKeyInput",
    "CreateSandboxInput",
    "DestroyApiKeyInput",
    "LoginUserInput",
    "OrganizationBillingConfigurationInput",
    "RegisterUserInput",
    "RotateApiKeyInput",
    "RunScheduledTaskInput",
    "SetSandboxClockInput",
    "SettleSandboxInput",
    "UpdateApiKeyInput",
    "UpdateOrganizationInput",
]


@strawberry.input
class RegisterUserInput:
    email: str
    password: str
    organization_name: str
    client_mutation_id: str | None = UNSET


@strawberry.input
class LoginUserInput:
    email: str
    password: str
    client_mutation_id: str | None = UNSET


@strawberry.input
class OrganizationBillingConfigurationInput:
    document_locale: str | None = UNSET
    invoice_footer: str | None = UNSET
    invoice_grace_period: int | None = UNSET


@strawberry.input
class UpdateOrganizationInput:
    address_line1: str | None = UNSET
    address_line2: str | None = UNSET
    authentication_methods: list[AuthenticationMethodsEnum] | None = UNSET
    billing_configuration: OrganizationBillingConfigurationInput | None = UNSET
    city: str | None = UNSET
    country: CountryCode | None = UNSET
    default_currency: CurrencyEnum | None = UNSET
    document_number_prefix: str | None = UNSET
    document_numbering: DocumentNumberingEnum | None = UNSET
    email: str | None = UNSET
    email_settings: list[EmailSettingsEnum] | None = UNSET
    eu_tax_management: bool | None = UNSET
    finalize_zero_amount_invoice: bool | None = UNSET
    legal_name: str | None = UNSET
    legal_number: str | None = UNSET
    logo: str | None = UNSET
    net_payment_term: int | None = UNSET
    slug: str | None = UNSET
    state: str | None = UNSET
    tax_identification_number: str | None = UNSET
    timezone: TimezoneEnum | None = UNSET
    webhook_url: str | None = UNSET
    zipcode: str | None = UNSET
    client_mutation_id: str | None = UNSET


@strawberry.input
class CreateApiKeyInput:
    name: str | None = UNSET
    permissions: JSON | None = UNSET
    client_mutation_id: str | None = UNSET


@strawberry.input
class UpdateApiKeyInput:
    id: strawberry.ID
    name: str | None = UNSET
    permissions: JSON | None = UNSET
    client_mutation_id: str | None = UNSET


@strawberry.input
class RotateApiKeyInput:
    id: strawberry.ID
    name: str | None = UNSET
    expires_at: ISO8601DateTime | None = UNSET
    client_mutation_id: str | None = UNSET


@strawberry.input
class DestroyApiKeyInput:
    id: strawberry.ID
    client_mutation_id: str | None = UNSET


@strawberry.input
class CreateSandboxInput:
    """`frozenAt`: where the sandbox's clock stands at first."""

    name: str
    frozen_at: ISO8601DateTime
    client_mutation_id: str | None = UNSET


@strawberry.input
class SetSandboxClockInput:
    organization_id: strawberry.ID
    at: ISO8601DateTime
    client_mutation_id: str | None = UNSET


@strawberry.input
class AdvanceSandboxClockInput:
    organization_id: strawberry.ID
    to: ISO8601DateTime
    client_mutation_id: str | None = UNSET


@strawberry.input
class RunScheduledTaskInput:
    organization_id: strawberry.ID
    name: str
    client_mutation_id: str | None = UNSET


@strawberry.input
class SettleSandboxInput:
    organization_id: strawberry.ID
    client_mutation_id: str | None = UNSET
