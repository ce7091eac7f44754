"""Making and changing credit notes."""

from __future__ import annotations

import strawberry
from strawberry import Info

from domain.credits.change_note import update_note, void_note
from domain.credits.create_note import create_note
from domain.credits.note_documents import generate
from domain.credits.note_queries import note_row, note_rows
from domain.kernel.errors import NotFound
from graphql_api.catalog.inputs import MetadataInput
from graphql_api.credits.note_queries import CreditNoteItemInput
from graphql_api.credits.note_types import CreditNote, CreditNoteReasonEnum, CreditNoteRefundStatusEnum, note_type
from graphql_api.operations import command, operation, to_params
from graphql_api.scalars import BigInt

__all__ = ["CreditNoteMutations"]


@strawberry.input
class CreateCreditNoteInput:
    invoice_id: strawberry.ID
    reason: CreditNoteReasonEnum
    description: str | None = strawberry.UNSET
    items: list[CreditNoteItemInput]
    credit_amount_cents: BigInt | None = strawberry.UNSET
    refund_amount_cents: BigInt | None = strawberry.UNSET
    offset_amount_cents: BigInt | None = strawberry.UNSET
    metadata: list[MetadataInput] | None = strawberry.UNSET
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class UpdateCreditNoteInput:
    id: strawberry.ID
    refund_status: CreditNoteRefundStatusEnum | None = strawberry.UNSET
    metadata: list[MetadataInput] | None = strawberry.UNSET
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class VoidCreditNoteInput:
    id: strawberry.ID
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class RetryTaxReportingInput:
    id: strawberry.ID
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class DownloadCreditNoteInput:
    id: strawberry.ID
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class DownloadXmlCreditNoteInput:
    id: strawberry.ID
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.type
class CreditNoteMutations:
    @strawberry.mutation
    @operation(permission="credit_notes:create")
    async def create_credit_note(self, info: Info, input: CreateCreditNoteInput) -> CreditNote | None:
        async with command(info) as work:
            note_id = await create_note(work, to_params(input))
            return note_type((await note_rows(work.session, [note_id]))[note_id])

    @strawberry.mutation
    @operation(permission="credit_notes:update")
    async def update_credit_note(self, info: Info, input: UpdateCreditNoteInput) -> CreditNote | None:
        """Notes what became of the refund; metadata that are sent replace those there are."""
        async with command(info) as work:
            params = to_params(input)
            if params.get("refund_status") is None:
                params.pop("refund_status", None)
            await update_note(work, input.id, params, replace=True)
            return note_type(await note_row(work.session, input.id))

    @strawberry.mutation
    @operation(permission="credit_notes:update")
    async def retry_tax_reporting(self, info: Info, input: RetryTaxReportingInput) -> CreditNote | None:
        """Tells the customer's tax provider of a note that it did not take. No customer is connected to one."""
        async with command(info) as work:
            await note_row(work.session, input.id)
        raise NotFound("integration_customer")

    @strawberry.mutation
    @operation(permission="credit_notes:void")
    async def void_credit_note(self, info: Info, input: VoidCreditNoteInput) -> CreditNote | None:
        async with command(info) as work:
            await void_note(work, input.id)
            return note_type(await note_row(work.session, input.id))

    @strawberry.mutation
    @operation(permission="credit_notes:view")
    async def download_credit_note(self, info: Info, input: DownloadCreditNoteInput) -> CreditNote | None:
        """The note with a link to its PDF, which is made now if it is missing."""
        return await _with_files(info, input.id)

    @strawberry.mutation
    @operation(permission="credit_notes:view")
    async def download_xml_credit_note(self, info: Info, input: DownloadXmlCreditNoteInput) -> CreditNote | None:
        """The note with a link to its electronic file, where its billing entity issues them."""
        return await _with_files(info, input.id)


async def _with_files(info: Info, note_id: str) -> CreditNote:
    """The note, its files made now if they are missing."""
    async with command(info) as work:
        row = await note_row(work.session, note_id)
        if row.document_key is None:
            await generate(work, [row.id])
            row = await note_row(work.session, row.id)
        return note_type(row)
