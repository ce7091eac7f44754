"""What becomes of invoices: void, regenerate, delete."""

from __future__ import annotations

import strawberry
from strawberry import Info

from domain.billing.regenerate import regenerate
from domain.billing.void import delete_draft, void_invoice
from domain.invoicing.queries import invoice_rows
from graphql_api.invoicing.types import Invoice, invoice_type
from graphql_api.operations import command, operation, to_params
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


@strawberry.type
class InvoiceLifeMutations:
    @strawberry.mutation
    @operation(permission="invoices:void")
    async def void_invoice(self, info: Info, input: VoidInvoiceInput) -> Invoice | None:
        """Takes a final invoice back."""
        async with command(info) as work:
            invoice_id = await void_invoice(work, input.id, to_params(input))
            return invoice_type((await invoice_rows(work.session, [invoice_id]))[invoice_id])

    @strawberry.mutation
    @operation(permission="invoices:create")
    async def regenerate_from_voided(self, info: Info, input: RegenerateInvoiceInput) -> Invoice | None:
        """A new invoice in the place of a voided one; `unitAmountCents` is in units of the currency."""
        async with command(info) as work:
            invoice_id = await regenerate(work, to_params(input))
            return invoice_type((await invoice_rows(work.session, [invoice_id]))[invoice_id])

    @strawberry.mutation
    @operation(permission="invoices:delete")
    async def delete_invoice(self, info: Info, input: DeleteInvoiceInput) -> Invoice | None:
        """Takes a draft away."""
        async with command(info) as work:
            invoice = await delete_draft(work, input.id)
            return invoice_type((await invoice_rows(work.session, [invoice.id]))[invoice.id])
