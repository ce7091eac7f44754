"""What becomes of invoices: update, finalize all, retry, void, regenerate, delete."""

from __future__ import annotations

from uuid import UUID

import strawberry
from strawberry import Info

from domain.billing.all_invoices import finalize_all, retry_all, retry_invoice
from domain.billing.regenerate import regenerate
from domain.billing.void import delete_draft, void_invoice
from domain.invoicing.queries import invoice_row, invoice_rows
from domain.invoicing.update_invoice import update_invoice
from domain.kernel.errors import NotFound
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.invoicing.enums import InvoicePaymentStatusTypeEnum
from graphql_api.invoicing.types import Invoice, InvoiceCollection, invoice_type
from graphql_api.operations import command, operation, to_params
from graphql_api.pagination import DEFAULT_LIMIT, metadata_of
from graphql_api.scalars import BigInt

__all__ = ["InvoiceLifeMutations"]


@strawberry.input
class VoidInvoiceInput:
    credit_amount: BigInt | None = strawberry.UNSET
    generate_credit_note: bool | None = strawberry.UNSET
    id: strawberry.ID
    refund_amount: BigInt | None = strawberry.UNSET
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class VoidedInvoiceFeeInput:
    add_on_id: strawberry.ID | None = strawberry.UNSET
    charge_filter_id: strawberry.ID | None = strawberry.UNSET
    charge_id: strawberry.ID | None = strawberry.UNSET
    description: str | None = strawberry.UNSET
    fixed_charge_id: strawberry.ID | None = strawberry.UNSET
    id: strawberry.ID | None = strawberry.UNSET
    invoice_display_name: str | None = strawberry.UNSET
    subscription_id: strawberry.ID | None = strawberry.UNSET
    unit_amount_cents: BigInt | None = strawberry.UNSET
    units: float | None = strawberry.UNSET


@strawberry.input
class RegenerateInvoiceInput:
    fees: list[VoidedInvoiceFeeInput]
    purchase_order_number: str | None = strawberry.UNSET
    voided_invoice_id: strawberry.ID
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class DeleteInvoiceInput:
    id: strawberry.ID
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class InvoiceMetadataInput:
    id: strawberry.ID | None = strawberry.UNSET
    key: str
    value: str


@strawberry.input
class UpdateInvoiceInput:
    id: strawberry.ID
    metadata: list[InvoiceMetadataInput] | None = strawberry.UNSET
    payment_status: InvoicePaymentStatusTypeEnum | None = strawberry.UNSET
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class FinalizeAllInvoicesInput:
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class RetryInvoiceInput:
    id: strawberry.ID
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class RetryTaxProviderVoidingInput:
    id: strawberry.ID
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class RetryAllInvoicesInput:
    client_mutation_id: str | None = strawberry.UNSET


async def _one(work: UnitOfWork, invoice_id: UUID) -> Invoice:
    return invoice_type((await invoice_rows(work.session, [invoice_id]))[invoice_id])


async def _collection(work: UnitOfWork, ids: list[UUID]) -> InvoiceCollection:
    """The first page of these invoices, as they are before the jobs get to them."""
    request = PageRequest(1, DEFAULT_LIMIT)
    rows = await invoice_rows(work.session, ids[: request.size])
    page = Page(list(rows.values()), len(ids), request)
    return InvoiceCollection(collection=[invoice_type(row) for row in page.rows], metadata=metadata_of(page))


@strawberry.type
class InvoiceLifeMutations:
    @strawberry.mutation
    @operation(permission="invoices:update")
    async def update_invoice(self, info: Info, input: UpdateInvoiceInput) -> Invoice | None:
        """Metadata, and the payment status that the client knows of."""
        async with command(info) as work:
            return await _one(work, (await update_invoice(work, input.id, to_params(input))).id)

    @strawberry.mutation
    @operation(permission="invoices:update")
    async def finalize_all_invoices(self, info: Info, input: FinalizeAllInvoicesInput) -> InvoiceCollection | None:
        """All drafts are finalized in the background."""
        async with command(info) as work:
            return await _collection(work, await finalize_all(work))

    @strawberry.mutation
    @operation(permission="invoices:update")
    async def retry_invoice(self, info: Info, input: RetryInvoiceInput) -> Invoice | None:
        """Finishes an invoice whose taxes had failed."""
        async with command(info) as work:
            return await _one(work, await retry_invoice(work, input.id))

    @strawberry.mutation
    @operation(permission="invoices:update")
    async def retry_all_invoices(self, info: Info, input: RetryAllInvoicesInput) -> InvoiceCollection | None:
        """All failed invoices are finished in the background."""
        async with command(info) as work:
            return await _collection(work, await retry_all(work))

    @strawberry.mutation
    @operation(permission="invoices:update")
    async def retry_tax_provider_voiding(self, info: Info, input: RetryTaxProviderVoidingInput) -> Invoice | None:
        """Has the customer's tax provider void an invoice that it would not. No customer is connected to one."""
        async with command(info) as work:
            await invoice_row(work.session, input.id)
        raise NotFound("integration_customer")

    @strawberry.mutation
    @operation(permission="invoices:void")
    async def void_invoice(self, info: Info, input: VoidInvoiceInput) -> Invoice | None:
        """Takes a final invoice back."""
        async with command(info) as work:
            return await _one(work, await void_invoice(work, input.id, to_params(input)))

    @strawberry.mutation
    @operation(permission="invoices:create")
    async def regenerate_from_voided(self, info: Info, input: RegenerateInvoiceInput) -> Invoice | None:
        """A new invoice in the place of a voided one; `unitAmountCents` is in units of the currency."""
        async with command(info) as work:
            return await _one(work, await regenerate(work, to_params(input)))

    @strawberry.mutation
    @operation(permission="invoices:delete")
    async def delete_invoice(self, info: Info, input: DeleteInvoiceInput) -> Invoice | None:
        """Takes a draft away."""
        async with command(info) as work:
            return await _one(work, (await delete_draft(work, input.id)).id)
