"""Billing entities: type, inputs, queries and mutations."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry
from strawberry import UNSET, Info

from domain.billing.billing_entities import create_entity, update_entity
from domain.identity import queries
from domain.identity.custom_sections import sections_of
from domain.identity.logo import logo_url
from domain.identity.models import BillingEntityCustomSection
from domain.kernel.ids import parse_id
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.enums import CountryCode, CurrencyEnum, TimezoneEnum
from graphql_api.identity.custom_sections import (
    InvoiceCustomSection,
    LazyOrganization,
    own_organization,
    section_type,
)
from graphql_api.loaders import load
from graphql_api.operations import command, operation, read, to_params
from graphql_api.pagination import CollectionMetadata, metadata_of
from graphql_api.scalars import ISO8601DateTime

if TYPE_CHECKING:
    from graphql_api.payments.campaigns import DunningCampaign

__all__ = [
    "BillingEntity", "BillingEntityBillingConfiguration", "BillingEntityMutations", "BillingEntityQueries",
    "entity_type", "fetch_entities",
]  # fmt: skip

LazyCampaign = Annotated["DunningCampaign", strawberry.lazy("graphql_api.payments.campaigns")]


@strawberry.enum
class BillingEntityDocumentNumberingEnum(Enum):
    per_billing_entity = "per_billing_entity"
    per_customer = "per_customer"


@strawberry.enum
class BillingEntityEmailSettingsEnum(Enum):
    credit_note_created = "credit_note.created"
    invoice_finalized = "invoice.finalized"
    payment_receipt_created = "payment_receipt.created"


@strawberry.enum
class BillingEntitySubscriptionInvoiceIssuingDateAnchorEnum(Enum):
    current_period_end = "current_period_end"
    next_period_start = "next_period_start"


@strawberry.enum
class BillingEntitySubscriptionInvoiceIssuingDateAdjustmentEnum(Enum):
    align_with_finalization_date = "align_with_finalization_date"
    keep_anchor = "keep_anchor"


@strawberry.type
class BillingEntityBillingConfiguration:
    """The id is made up, for the client's cache."""

    id: strawberry.ID
    document_locale: str | None
    invoice_footer: str | None
    invoice_grace_period: int
    subscription_invoice_issuing_date_anchor: BillingEntitySubscriptionInvoiceIssuingDateAnchorEnum
    subscription_invoice_issuing_date_adjustment: BillingEntitySubscriptionInvoiceIssuingDateAdjustmentEnum


@strawberry.type
class BillingEntity:
    key: strawberry.Private[UUID]
    campaign_id: strawberry.Private[UUID | None]

    id: strawberry.ID
    code: str
    name: str
    is_default: bool
    legal_name: str | None
    legal_number: str | None
    tax_identification_number: str | None
    email: str | None
    phone: str | None
    address_line1: str | None
    address_line2: str | None
    city: str | None
    state: str | None
    zipcode: str | None
    country: CountryCode | None
    default_currency: CurrencyEnum
    timezone: TimezoneEnum | None
    net_payment_term: int
    document_numbering: BillingEntityDocumentNumberingEnum
    document_number_prefix: str
    finalize_zero_amount_invoice: bool
    eu_tax_management: bool
    einvoicing: bool
    email_settings: list[BillingEntityEmailSettingsEnum] | None
    billing_configuration: BillingEntityBillingConfiguration | None
    logo_url: str | None
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime

    @strawberry.field
    async def organization(self, info: Info) -> LazyOrganization:
        return await own_organization(info)

    @strawberry.field
    async def applied_dunning_campaign(self, info: Info) -> LazyCampaign | None:
        """Of its customers that have none of their own."""
        from graphql_api.payments.campaigns import fetch_campaigns

        if self.campaign_id is None:
            return None
        return await load(info, "dunning_campaigns", fetch_campaigns, self.campaign_id)

    @strawberry.field
    async def selected_invoice_custom_sections(self, info: Info) -> list[InvoiceCustomSection] | None:
        return await load(info, "sections_of_entities", _fetch_sections, self.key) or []


@strawberry.type
class BillingEntityCollection:
    collection: list[BillingEntity]
    metadata: CollectionMetadata


@strawberry.input
class BillingEntityBillingConfigurationInput:
    document_locale: str | None = UNSET
    document_numbering: BillingEntityDocumentNumberingEnum | None = UNSET
    invoice_footer: str | None = UNSET
    invoice_grace_period: int | None = UNSET
    subscription_invoice_issuing_date_adjustment: BillingEntitySubscriptionInvoiceIssuingDateAdjustmentEnum | None = (
        UNSET
    )
    subscription_invoice_issuing_date_anchor: BillingEntitySubscriptionInvoiceIssuingDateAnchorEnum | None = UNSET


@strawberry.input
class _EntityFields:
    client_mutation_id: str | None = UNSET
    address_line1: str | None = UNSET
    address_line2: str | None = UNSET
    billing_configuration: BillingEntityBillingConfigurationInput | None = UNSET
    city: str | None = UNSET
    country: CountryCode | None = UNSET
    default_currency: CurrencyEnum | None = UNSET
    document_number_prefix: str | None = UNSET
    document_numbering: BillingEntityDocumentNumberingEnum | None = UNSET
    einvoicing: bool | None = UNSET
    email: str | None = UNSET
    email_settings: list[BillingEntityEmailSettingsEnum] | None = UNSET
    eu_tax_management: bool | None = UNSET
    finalize_zero_amount_invoice: bool | None = UNSET
    legal_name: str | None = UNSET
    legal_number: str | None = UNSET
    logo: str | None = UNSET
    net_payment_term: int | None = UNSET
    phone: str | None = UNSET
    state: str | None = UNSET
    tax_identification_number: str | None = UNSET
    timezone: TimezoneEnum | None = UNSET
    zipcode: str | None = UNSET


@strawberry.input
class CreateBillingEntityInput(_EntityFields):
    code: str
    name: str


@strawberry.input
class UpdateBillingEntityInput(_EntityFields):
    id: strawberry.ID
    code: str | None = UNSET
    name: str | None = UNSET
    invoice_custom_section_ids: list[strawberry.ID] | None = UNSET


@strawberry.input
class DestroyBillingEntityInput:
    client_mutation_id: str | None = UNSET
    code: str


@strawberry.type
class DestroyBillingEntityPayload:
    client_mutation_id: str | None
    code: str | None


def entity_type(row: Any) -> BillingEntity:
    """A billing entity from its row."""
    return BillingEntity(
        key=row.id,
        campaign_id=row.applied_dunning_campaign_id,
        id=strawberry.ID(str(row.id)),
        code=row.code,
        name=row.name,
        is_default=row.id == row.organization_id,
        legal_name=row.legal_name,
        legal_number=row.legal_number,
        tax_identification_number=row.tax_identification_number,
        email=row.email,
        phone=row.phone,
        address_line1=row.address_line1,
        address_line2=row.address_line2,
        city=row.city,
        state=row.state,
        zipcode=row.zipcode,
        country=CountryCode(row.country) if row.country else None,
        default_currency=CurrencyEnum(row.default_currency),
        timezone=TimezoneEnum(row.timezone),
        net_payment_term=row.net_payment_term,
        document_numbering=BillingEntityDocumentNumberingEnum(row.document_numbering),
        document_number_prefix=row.document_number_prefix,
        finalize_zero_amount_invoice=row.finalize_zero_amount_invoice,
        eu_tax_management=row.eu_tax_management,
        einvoicing=row.einvoicing,
        email_settings=[BillingEntityEmailSettingsEnum(each) for each in row.email_settings],
        billing_configuration=BillingEntityBillingConfiguration(
            id=strawberry.ID(f"{row.id}-c0nf"),
            document_locale=row.document_locale,
            invoice_footer=row.invoice_footer,
            invoice_grace_period=row.invoice_grace_period,
            subscription_invoice_issuing_date_anchor=BillingEntitySubscriptionInvoiceIssuingDateAnchorEnum(
                row.subscription_invoice_issuing_date_anchor
            ),
            subscription_invoice_issuing_date_adjustment=BillingEntitySubscriptionInvoiceIssuingDateAdjustmentEnum(
                row.subscription_invoice_issuing_date_adjustment
            ),
        ),
        logo_url=logo_url(row.logo_key, row.logo_content_type),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def fetch_entities(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, BillingEntity]:
    """Billing entities by id, archived ones as well."""
    return {key: entity_type(row) for key, row in (await queries.billing_entity_rows(work, ids)).items()}


async def _fetch_sections(work: UnitOfWork, ids: list[UUID]) -> Mapping[UUID, list[InvoiceCustomSection]]:
    found = await sections_of(work.session, BillingEntityCustomSection, "billing_entity_id", ids)
    return {owner: [section_type(row) for row in rows] for owner, rows in found.items()}


@strawberry.type
class BillingEntityQueries:
    @strawberry.field
    @operation(permission="billing_entities:view")
    async def billing_entities(self, info: Info) -> BillingEntityCollection:
        """All of them on one page, the default one first."""
        async with read(info) as work:
            rows = await queries.billing_entities_list(work)
        page = Page(rows, len(rows), PageRequest.parse(1, max(len(rows), 1)))
        return BillingEntityCollection(collection=[entity_type(row) for row in rows], metadata=metadata_of(page))

    @strawberry.field
    @operation(permission="billing_entities:view")
    async def billing_entity(self, info: Info, code: str) -> BillingEntity | None:
        async with read(info) as work:
            return entity_type(await queries.billing_entity_row(work, code))


@strawberry.type
class BillingEntityMutations:
    @strawberry.mutation
    @operation(permission="billing_entities:create")
    async def create_billing_entity(self, info: Info, input: CreateBillingEntityInput) -> BillingEntity | None:
        async with command(info) as work:
            return entity_type(await create_entity(work, to_params(input)))

    @strawberry.mutation
    @operation(permission="billing_entities:update")
    async def update_billing_entity(self, info: Info, input: UpdateBillingEntityInput) -> BillingEntity | None:
        params = to_params(input)
        entity_id = parse_id(params.pop("id"))
        async with command(info) as work:
            return entity_type(await update_entity(work, params, entity_id=entity_id))

    @strawberry.mutation
    @operation(permission="billing_entities:delete")
    async def destroy_billing_entity(
        self, info: Info, input: DestroyBillingEntityInput
    ) -> DestroyBillingEntityPayload | None:
        """Deletes nothing: entities stand on invoices. Answers the default one, as the interface has it."""
        async with read(info) as work:
            await queries.billing_entity_row(work, input.code)
            default = (await queries.billing_entities_list(work))[0]
        return DestroyBillingEntityPayload(client_mutation_id=input.client_mutation_id or None, code=default.code)
