"""Payments asked of a provider, and the campaign of a billing entity."""

from __future__ import annotations

import strawberry
from strawberry import Info

from domain.billing.payment_pages import checkout_page, invoice_page
from domain.identity.queries import billing_entity_rows, kept_billing_entity_id
from domain.invoicing.queries import InvoiceFilter, invoices_page
from domain.kernel.ids import parse_id
from domain.payments.campaigns import apply_to_billing_entity
from domain.payments.collect import RETRIED, retry_all_payments, retry_payment
from graphql_api.identity.billing_entities import BillingEntity, entity_type
from graphql_api.invoicing.types import Invoice, InvoiceCollection, invoice_type
from graphql_api.operations import command, operation, to_params
from graphql_api.pagination import metadata_of, page_request
from graphql_api.payments.method_reference import PaymentMethodReferenceInput

__all__ = ["CollectMutations"]


@strawberry.input
class RetryInvoicePaymentInput:
    id: strawberry.ID
    payment_method: PaymentMethodReferenceInput | None = strawberry.UNSET
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class RetryAllInvoicePaymentsInput:
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class GeneratePaymentUrlInput:
    invoice_id: strawberry.ID
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.type
class GeneratePaymentUrlPayload:
    client_mutation_id: str | None
    payment_url: str | None


@strawberry.input
class GenerateCheckoutUrlInput:
    customer_id: strawberry.ID
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.type
class GenerateCheckoutUrlPayload:
    client_mutation_id: str | None
    checkout_url: str


@strawberry.input
class BillingEntityUpdateAppliedDunningCampaignInput:
    billing_entity_id: strawberry.ID
    applied_dunning_campaign_id: str | None = strawberry.UNSET
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.type
class CollectMutations:
    @strawberry.mutation
    @operation(permission="invoices:update")
    async def retry_invoice_payment(self, info: Info, input: RetryInvoicePaymentInput) -> Invoice | None:
        """One more attempt at an invoice."""
        async with command(info) as work:
            return invoice_type(await retry_payment(work, input.id, to_params(input)))

    @strawberry.mutation
    @operation(permission="invoices:update")
    async def retry_all_invoice_payments(
        self, info: Info, input: RetryAllInvoicePaymentsInput
    ) -> InvoiceCollection | None:
        """One more attempt at every invoice that waits for its payment; the first page of them."""
        async with command(info) as work:
            await retry_all_payments(work)
            wanted = InvoiceFilter(statuses=["finalized"], payment_statuses=RETRIED)
            page = await invoices_page(work.session, page_request(None, None), wanted)
        return InvoiceCollection(collection=[invoice_type(row) for row in page.rows], metadata=metadata_of(page))

    @strawberry.mutation
    @operation(permission="invoices:update")
    async def generate_payment_url(
        self, info: Info, input: GeneratePaymentUrlInput
    ) -> GeneratePaymentUrlPayload | None:
        """Where an invoice is paid, for a day."""
        page = await invoice_page(lambda: command(info), input.invoice_id)
        return GeneratePaymentUrlPayload(client_mutation_id=input.client_mutation_id or None, payment_url=page.url)

    @strawberry.mutation
    @operation(permission="customers:update")
    async def generate_checkout_url(
        self, info: Info, input: GenerateCheckoutUrlInput
    ) -> GenerateCheckoutUrlPayload | None:
        """Where a customer leaves a card."""
        _, url = await checkout_page(lambda: command(info), customer_id=parse_id(input.customer_id))
        return GenerateCheckoutUrlPayload(client_mutation_id=input.client_mutation_id or None, checkout_url=url)

    @strawberry.mutation
    @operation(permission="billing_entities:update")
    async def billing_entity_update_applied_dunning_campaign(
        self, info: Info, input: BillingEntityUpdateAppliedDunningCampaignInput
    ) -> BillingEntity | None:
        """The campaign of a billing entity's customers; null for none."""
        sent = to_params(input).get("applied_dunning_campaign_id")
        async with command(info) as work:
            entity_id = await kept_billing_entity_id(work, id=input.billing_entity_id)
            assert entity_id is not None, "an id was given"
            await apply_to_billing_entity(work, entity_id, sent or None)
            return entity_type((await billing_entity_rows(work, [entity_id]))[entity_id])
