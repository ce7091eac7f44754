"""Changing invoices: one-off, refresh, finalize, download."""

from __future__ import annotations

from uuid import UUID

import strawberry
from strawberry import Info

from domain.billing.finalize import finalize, refresh
from domain.billing.one_off import create_one_off_invoice
from domain.customers.models import Customer
from domain.customers.queries import customer_row
from domain.invoicing.documents import generate
from domain.invoicing.queries import invoice_row, invoice_rows
from domain.kernel.errors import Forbidden, NotAllowed, NotFound
from domain.kernel.ids import parse_id
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.enums import CurrencyEnum
from graphql_api.identity.custom_sections import InvoiceCustomSectionsReferenceInput
from graphql_api.invoicing.types import Invoice, invoice_type
from graphql_api.operations import command, operation, to_params
from graphql_api.payments.method_reference import PaymentMethodReferenceInput
from graphql_api.scalars import BigInt, ISO8601DateTime

__all__ = ["InvoicingMutations", "with_files"]


@strawberry.input
class FeeInput:
    add_on_id: strawberry.ID | None = strawberry.UNSET
    description: str | None = strawberry.UNSET
    from_datetime: ISO8601DateTime
    invoice_display_name: str | None = strawberry.UNSET
    name: str | None = strawberry.UNSET
    tax_codes: list[str] | None = strawberry.UNSET
    to_datetime: ISO8601DateTime
    unit_amount_cents: BigInt | None = strawberry.UNSET
    units: float | None = strawberry.UNSET


@strawberry.input
class CreateInvoiceInput:
    billing_entity_id: strawberry.ID | None = strawberry.UNSET
    invoice_custom_section: InvoiceCustomSectionsReferenceInput | None = strawberry.UNSET
    payment_method: PaymentMethodReferenceInput | None = strawberry.UNSET
    currency: CurrencyEnum | None = strawberry.UNSET
    customer_id: strawberry.ID
    fees: list[FeeInput]
    purchase_order_number: str | None = strawberry.UNSET
    voided_invoice_id: strawberry.ID | None = strawberry.UNSET
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class RefreshInvoiceInput:
    id: strawberry.ID
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class FinalizeInvoiceInput:
    id: strawberry.ID
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class DownloadXmlInvoiceInput:
    id: strawberry.ID
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class DownloadInvoiceInput:
    id: strawberry.ID
    client_mutation_id: str | None = strawberry.UNSET


async def with_files(info: Info, invoice_id: strawberry.ID, customer_id: UUID | None = None) -> Invoice | None:
    """Makes the files of an invoice that are missing. customer_id: whose invoice it must be, if that matters.

    Raises NotFound and NotAllowed("is_draft").
    """
    async with command(info) as work:
        row = await invoice_row(work.session, invoice_id)
        if customer_id not in (None, row.customer_id):
            raise NotFound("invoice")
        if row.status == "draft":
            raise NotAllowed("is_draft")
        if row.document_key is None:
            await generate(work, [row.id])
            return await _reread(work, row.id)
        return invoice_type(row)


async def _reread(work: UnitOfWork, invoice_id: UUID) -> Invoice:
    """As it stands now, also when it was closed and is hidden from here on."""
    return invoice_type((await invoice_rows(work.session, [invoice_id]))[invoice_id])


@strawberry.type
class InvoicingMutations:
    @strawberry.mutation
    @operation(permission="invoices:create")
    async def create_invoice(self, info: Info, input: CreateInvoiceInput) -> Invoice | None:
        """A one-off invoice."""
        async with command(info) as work:
            row = await customer_row(work.session, customer_id=parse_id(input.customer_id))
            customer = await work.session.get_one(Customer, row.id)
            return await _reread(work, await create_one_off_invoice(work, customer, to_params(input)))

    @strawberry.mutation
    @operation(permission="invoices:update")
    async def refresh_invoice(self, info: Info, input: RefreshInvoiceInput) -> Invoice | None:
        """Computes a draft anew; an invoice that is none is answered as it is."""
        async with command(info) as work:
            row = await invoice_row(work.session, input.id)
            if row.invoice_type != "subscription":
                raise Forbidden
            await refresh(work, [row.id])
            return await _reread(work, row.id)

    @strawberry.mutation
    @operation(permission="invoices:update")
    async def finalize_invoice(self, info: Info, input: FinalizeInvoiceInput) -> Invoice | None:
        """Numbers a draft; an invoice that is none is answered as it is, one that waits for its taxes is refused."""
        async with command(info) as work:
            row = await invoice_row(work.session, input.id)
            if row.status == "pending":
                raise Forbidden("cannot_finalize_with_pending_taxes")
            if row.invoice_type != "subscription":
                raise Forbidden
            await finalize(work, [row.id])
            return await _reread(work, row.id)

    @strawberry.mutation
    @operation(permission="invoices:view")
    async def download_invoice(self, info: Info, input: DownloadInvoiceInput) -> Invoice | None:
        """The invoice with a link to its PDF, which is made now if it is missing."""
        return await with_files(info, input.id)

    @strawberry.mutation
    @operation(permission="invoices:view")
    async def download_invoice_xml(self, info: Info, input: DownloadXmlInvoiceInput) -> Invoice | None:
        """The invoice with a link to its electronic invoice, where its billing entity issues them."""
        return await with_files(info, input.id)
