"""What a customer does in its portal: to itself and to its wallets. Source: handbook, platform 12."""

from __future__ import annotations

import strawberry
from strawberry import UNSET, Info

from domain.billing.portal import buy_credits, update_own_details
from domain.credits.wallets.queries import transaction_rows
from domain.customers.queries import customer_row
from domain.kernel.pagination import Page, PageRequest
from graphql_api.customers.enums import CustomerTypeEnum
from graphql_api.customers.inputs import CustomerAddressInput
from graphql_api.enums import CountryCode
from graphql_api.invoicing.mutations import with_files
from graphql_api.invoicing.types import Invoice
from graphql_api.operations import command, portal_only, to_params, visitor
from graphql_api.pagination import metadata_of
from graphql_api.portal.types import (
    CustomerPortalCustomer,
    CustomerPortalWalletTransactionCollection,
    portal_customer,
    portal_transaction,
)

__all__ = ["PortalMutations"]


@strawberry.input
class UpdateCustomerPortalCustomerInput:
    address_line1: str | None = UNSET
    address_line2: str | None = UNSET
    city: str | None = UNSET
    client_mutation_id: str | None = UNSET
    country: CountryCode | None = UNSET
    customer_type: CustomerTypeEnum | None = UNSET
    document_locale: str | None = UNSET
    email: str | None = UNSET
    firstname: str | None = UNSET
    lastname: str | None = UNSET
    legal_name: str | None = UNSET
    name: str | None = UNSET
    shipping_address: CustomerAddressInput | None = UNSET
    state: str | None = UNSET
    tax_identification_number: str | None = UNSET
    zipcode: str | None = UNSET


@strawberry.input
class DownloadCustomerPortalInvoiceInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID


@strawberry.input
class CreateCustomerPortalWalletTransactionInput:
    client_mutation_id: str | None = UNSET
    paid_credits: str | None = UNSET
    wallet_id: strawberry.ID


@strawberry.type
class PortalMutations:
    @strawberry.mutation
    @portal_only
    async def update_customer_portal_customer(
        self, info: Info, input: UpdateCustomerPortalCustomerInput
    ) -> CustomerPortalCustomer | None:
        """Changes what was given; null clears."""
        customer_id = visitor(info).customer_id
        async with command(info) as work:
            await update_own_details(work, customer_id, to_params(input))
            return portal_customer(await customer_row(work.session, customer_id=customer_id))

    @strawberry.mutation
    @portal_only
    async def download_customer_portal_invoice(
        self, info: Info, input: DownloadCustomerPortalInvoiceInput
    ) -> Invoice | None:
        """The invoice with a link to its PDF, which is made now if it is missing."""
        return await with_files(info, input.id, visitor(info).customer_id)

    @strawberry.mutation
    @portal_only
    async def create_customer_portal_wallet_transaction(
        self, info: Info, input: CreateCustomerPortalWalletTransactionInput
    ) -> CustomerPortalWalletTransactionCollection | None:
        """Buys credits, within the limits of the wallet; their invoice follows."""
        async with command(info) as work:
            made = await buy_credits(work, visitor(info).customer_id, input.wallet_id, input.paid_credits or None)
            rows = await transaction_rows(work.session, made)
        return CustomerPortalWalletTransactionCollection(
            collection=[portal_transaction(rows[each]) for each in made],
            metadata=metadata_of(Page(made, len(made), PageRequest())),
        )
