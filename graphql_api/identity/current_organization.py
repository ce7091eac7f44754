"""The organization that the caller acts for, with its settings. Gated fields are null without their permission."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import Info

from domain.catalog.queries import TaxFilter, taxes_page
from domain.identity.logo import logo_url
from domain.identity.queries import hmac_key_of, oldest_api_key_value
from domain.identity.settings import PREMIUM_INTEGRATIONS, numbering_of_organization
from domain.kernel.pagination import PageRequest
from domain.messaging.queries import endpoints_page
from domain.payments.providers.connections import providers_page
from graphql_api.catalog.tax_types import Tax, tax_type
from graphql_api.context import current
from graphql_api.enums import (
    AuthenticationMethodsEnum,
    CountryCode,
    CurrencyEnum,
    DocumentNumberingEnum,
    EmailSettingsEnum,
    EventsStoreEnum,
    FeatureFlagEnum,
    PremiumIntegrationTypeEnum,
    TimezoneEnum,
)
from graphql_api.identity.types import OrganizationBillingConfiguration
from graphql_api.loaders import load
from graphql_api.operations import permitted, read
from graphql_api.pagination import page_request
from graphql_api.scalars import ISO8601DateTime

if TYPE_CHECKING:
    from graphql_api.payments.campaigns import DunningCampaign
    from graphql_api.payments.providers import StripeProvider

__all__ = ["CurrentOrganization"]

LazyCampaign = Annotated["DunningCampaign", strawberry.lazy("graphql_api.payments.campaigns")]

LazyStripe = Annotated["StripeProvider", strawberry.lazy("graphql_api.payments.providers")]
MOST_PROVIDERS = 100


@strawberry.type
class CurrentOrganization:
    row: strawberry.Private[Any]
    id: strawberry.ID
    name: str
    slug: str
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
    default_currency: CurrencyEnum
    timezone: TimezoneEnum | None
    net_payment_term: int
    document_number_prefix: str
    document_numbering: DocumentNumberingEnum
    finalize_zero_amount_invoice: bool
    eu_tax_management: bool
    authentication_methods: list[AuthenticationMethodsEnum]
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime
    events_store: EventsStoreEnum = EventsStoreEnum.postgres
    can_create_billing_entity: bool = True

    @classmethod
    def of(cls, row: Any) -> CurrentOrganization:
        """`row` as `organization_row` reads it."""
        return cls(
            row=row,
            id=row.id,
            name=row.name,
            slug=row.slug,
            email=row.email,
            legal_name=row.legal_name,
            legal_number=row.legal_number,
            tax_identification_number=row.tax_identification_number,
            address_line1=row.address_line1,
            address_line2=row.address_line2,
            city=row.city,
            state=row.state,
            zipcode=row.zipcode,
            country=CountryCode(row.country) if row.country else None,
            default_currency=CurrencyEnum(row.default_currency),
            timezone=TimezoneEnum(row.timezone),
            net_payment_term=row.net_payment_term,
            document_number_prefix=row.document_number_prefix,
            document_numbering=DocumentNumberingEnum(numbering_of_organization(row.document_numbering)),
            finalize_zero_amount_invoice=row.finalize_zero_amount_invoice,
            eu_tax_management=row.eu_tax_management,
            authentication_methods=[AuthenticationMethodsEnum(method) for method in row.authentication_methods],
            created_at=row.created_at,
            updated_at=row.updated_at,
        )

    @strawberry.field
    def logo_url(self) -> str | None:
        return logo_url(self.row.logo_key, self.row.logo_content_type)

    @strawberry.field
    def premium_integrations(self) -> list[PremiumIntegrationTypeEnum]:
        """Nothing is held back by a licence."""
        return [PremiumIntegrationTypeEnum(name) for name in PREMIUM_INTEGRATIONS]

    @strawberry.field
    def feature_flags(self) -> list[FeatureFlagEnum]:
        """No feature stands behind a flag."""
        return []

    @strawberry.field
    async def applied_dunning_campaign(self, info: Info) -> LazyCampaign | None:
        """The campaign of the default billing entity."""
        from graphql_api.payments.campaigns import fetch_campaigns

        campaign_id = self.row.applied_dunning_campaign_id
        return None if campaign_id is None else await load(info, "dunning_campaigns", fetch_campaigns, campaign_id)

    @strawberry.field
    def accessible_by_current_session(self, info: Info) -> bool:
        return current(info).login_method in self.row.authentication_methods

    @strawberry.field
    def authenticated_method(self, info: Info) -> AuthenticationMethodsEnum:
        return AuthenticationMethodsEnum(current(info).login_method or "email_password")

    @strawberry.field
    def billing_configuration(self, info: Info) -> OrganizationBillingConfiguration | None:
        return OrganizationBillingConfiguration.of(self.row) if permitted(info, "organization:invoices:view") else None

    @strawberry.field
    def email_settings(self, info: Info) -> list[EmailSettingsEnum] | None:
        if not permitted(info, "organization:emails:view"):
            return None
        return [EmailSettingsEnum(setting) for setting in self.row.email_settings]

    @strawberry.field
    async def api_key(self, info: Info) -> str | None:
        if not permitted(info, "developers:keys:manage"):
            return None
        async with read(info) as work:
            return await oldest_api_key_value(work)

    @strawberry.field
    async def hmac_key(self, info: Info) -> str | None:
        if not permitted(info, "developers:keys:manage"):
            return None
        async with read(info) as work:
            return await hmac_key_of(work)

    @strawberry.field
    async def taxes(
        self,
        info: Info,
        page: int | None = None,
        limit: int | None = None,
        search_term: str | None = None,
        applied_to_organization: bool | None = None,
        auto_generated: bool | None = None,
        order: str | None = None,
    ) -> list[Tax] | None:
        if not permitted(info, "organization:taxes:view"):
            return None
        wanted = TaxFilter(
            search_term=search_term,
            applied_to_organization=applied_to_organization,
            auto_generated=auto_generated,
            order=order,
        )
        async with read(info) as work:
            found = await taxes_page(work.session, work.organization_id, page_request(page, limit), wanted)
        return [tax_type(row) for row in found.rows]

    @strawberry.field
    async def stripe_payment_providers(self, info: Info) -> list[LazyStripe] | None:
        from graphql_api.payments.providers import provider_type

        if not permitted(info, "organization:integrations:view"):
            return None
        async with read(info) as work:
            found = await providers_page(work.session, PageRequest(size=MOST_PROVIDERS), "stripe")
        return [provider_type(row) for row in found.rows]

    @strawberry.field
    async def webhook_url(self, info: Info) -> str | None:
        if not permitted(info, "developers:manage"):
            return None
        async with read(info) as work:
            newest_first = (await endpoints_page(work.session, PageRequest())).rows
            return newest_first[-1].webhook_url if newest_first else None
