"""Mails sent once more: about invoices, credit notes and receipts."""

from __future__ import annotations

import strawberry
from strawberry import Info

from domain.credits.note_queries import note_row
from domain.invoicing.queries import invoice_row
from domain.messaging.emails.resend import resend
from domain.payments.receipt_queries import receipt_row
from graphql_api.credits.note_types import CreditNote, note_type
from graphql_api.invoicing.types import Invoice, invoice_type
from graphql_api.operations import command, operation, to_params
from graphql_api.payments.types import PaymentReceipt, receipt_type

__all__ = ["EmailMutations"]


@strawberry.input
class ResendInvoiceEmailInput:
    id: strawberry.ID
    bcc: list[str] | None = strawberry.UNSET
    cc: list[str] | None = strawberry.UNSET
    to: list[str] | None = strawberry.UNSET
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class ResendCreditNoteEmailInput:
    id: strawberry.ID
    bcc: list[str] | None = strawberry.UNSET
    cc: list[str] | None = strawberry.UNSET
    to: list[str] | None = strawberry.UNSET
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class ResendPaymentReceiptEmailInput:
    id: strawberry.ID
    bcc: list[str] | None = strawberry.UNSET
    cc: list[str] | None = strawberry.UNSET
    to: list[str] | None = strawberry.UNSET
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.type
class EmailMutations:
    @strawberry.mutation
    @operation(permission="invoices:send")
    async def resend_invoice_email(self, info: Info, input: ResendInvoiceEmailInput) -> Invoice | None:
        """Without recipients it goes to the customer."""
        async with command(info) as work:
            row = await invoice_row(work.session, input.id)
            await resend(work, "invoice", row, row.billing_entity_id, to_params(input))
            return invoice_type(row)

    @strawberry.mutation
    @operation(permission="credit_notes:send")
    async def resend_credit_note_email(self, info: Info, input: ResendCreditNoteEmailInput) -> CreditNote | None:
        """Without recipients it goes to the customer."""
        async with command(info) as work:
            row = await note_row(work.session, input.id)
            billed = await invoice_row(work.session, row.invoice_id)
            await resend(work, "credit_note", row, billed.billing_entity_id, to_params(input))
            return note_type(row)

    @strawberry.mutation
    @operation(permission="payment_receipts:send")
    async def resend_payment_receipt_email(
        self, info: Info, input: ResendPaymentReceiptEmailInput
    ) -> PaymentReceipt | None:
        """Without recipients it goes to the customer."""
        async with command(info) as work:
            row = await receipt_row(work.session, input.id)
            await resend(work, "payment_receipt", row, row.billing_entity_id, to_params(input))
            return receipt_type(row)
