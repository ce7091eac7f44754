"""Taking payments by hand, asking for them, and the methods they are made with."""

from __future__ import annotations

import strawberry
from strawberry import Info

from domain.invoicing.queries import invoice_row
from domain.invoicing.update_invoice import lose_dispute
from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.manual import create_manual_payment
from domain.payments.methods import delete_payment_method, payment_method_row, set_as_default
from domain.payments.queries import payment_row, request_row
from domain.payments.receipt_documents import generate_receipts
from domain.payments.receipt_queries import receipt_row
from domain.payments.requests import create_payment_request
from graphql_api.invoicing.types import Invoice, invoice_type
from graphql_api.operations import command, operation, to_params
from graphql_api.payments.method_reference import PaymentMethodReferenceInput
from graphql_api.payments.types import (
    Payment,
    PaymentMethod,
    PaymentReceipt,
    PaymentRequest,
    payment_method_type,
    payment_type,
    receipt_type,
    request_type,
)
from graphql_api.scalars import BigInt, ISO8601DateTime

__all__ = ["PaymentMutations"]


@strawberry.input
class CreatePaymentInput:
    amount_cents: BigInt
    created_at: ISO8601DateTime
    invoice_id: strawberry.ID
    reference: str
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class PaymentRequestCreateInput:
    email: str | None = strawberry.UNSET
    external_customer_id: str
    lago_invoice_ids: list[str] | None = strawberry.UNSET
    payment_method: PaymentMethodReferenceInput | None = strawberry.UNSET
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class SetAsDefaultInput:
    id: strawberry.ID
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class DestroyPaymentMethodInput:
    id: strawberry.ID
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.type
class DestroyPaymentMethodPayload:
    client_mutation_id: str | None
    id: strawberry.ID | None


@strawberry.input
class LoseInvoiceDisputeInput:
    id: strawberry.ID
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class DownloadPaymentReceiptInput:
    id: strawberry.ID
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class DownloadXMLPaymentReceiptInput:
    id: strawberry.ID
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.type
class PaymentMutations:
    @strawberry.mutation
    @operation(permission="payments:create")
    async def create_payment(self, info: Info, input: CreatePaymentInput) -> Payment | None:
        """A payment that was taken by hand, dated now: the interface's createdAt is not acted on."""
        async with command(info) as work:
            payment_id = await create_manual_payment(work, to_params(input))
            return payment_type(await payment_row(work.session, payment_id))

    @strawberry.mutation
    @operation(permission="payments:create")
    async def create_payment_request(self, info: Info, input: PaymentRequestCreateInput) -> PaymentRequest | None:
        """Asks a customer to pay overdue invoices together."""
        async with command(info) as work:
            request_id = await create_payment_request(work, to_params(input))
            return request_type(await request_row(work.session, request_id))

    @strawberry.mutation
    @operation(permission="payment_methods:update")
    async def set_payment_method_as_default(self, info: Info, input: SetAsDefaultInput) -> PaymentMethod | None:
        async with command(info) as work:
            row = await payment_method_row(work.session, input.id)
            await set_as_default(work, row.id, row.customer_id)
            return payment_method_type(await payment_method_row(work.session, row.id))

    @strawberry.mutation
    @operation(permission="payment_methods:delete")
    async def destroy_payment_method(
        self, info: Info, input: DestroyPaymentMethodInput
    ) -> DestroyPaymentMethodPayload | None:
        async with command(info) as work:
            row = await payment_method_row(work.session, input.id)
            await delete_payment_method(work, row.id)
        return DestroyPaymentMethodPayload(
            client_mutation_id=input.client_mutation_id or None, id=strawberry.ID(str(row.id))
        )

    @strawberry.mutation
    @operation(permission="payment_receipts:view")
    async def download_payment_receipt(self, info: Info, input: DownloadPaymentReceiptInput) -> PaymentReceipt | None:
        """The receipt with a link to its PDF, which is made now if it is missing."""
        async with command(info) as work:
            return await _with_files(work, input.id)

    @strawberry.mutation
    @operation(permission="payment_receipts:view")
    async def download_xml_payment_receipt(
        self, info: Info, input: DownloadXMLPaymentReceiptInput
    ) -> PaymentReceipt | None:
        """The receipt with a link to its electronic file, which is made now, with the PDF, if it is missing; none where
        the billing entity issues no electronic documents."""
        async with command(info) as work:
            return await _with_files(work, input.id)

    @strawberry.mutation
    @operation(permission="invoices:update")
    async def lose_invoice_dispute(self, info: Info, input: LoseInvoiceDisputeInput) -> Invoice | None:
        """Notes that a dispute over the payment was lost."""
        async with command(info) as work:
            row = await lose_dispute(work, input.id)
            return invoice_type(await invoice_row(work.session, row.id))


async def _with_files(work: UnitOfWork, receipt_id: object) -> PaymentReceipt:
    row = await receipt_row(work.session, receipt_id)
    if row.document_key is None:
        await generate_receipts(work, [row.id])
    return receipt_type(await receipt_row(work.session, row.id))
