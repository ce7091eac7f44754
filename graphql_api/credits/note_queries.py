"""Reading credit notes."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

import strawberry
from strawberry import Info

from domain.credits.estimate_note import estimate_note
from domain.credits.note_queries import NoteFilter, note_row, notes_page
from domain.credits.wanted_notes import wanted_notes
from domain.kernel.filters import id_of
from domain.kernel.pagination import PageRequest
from graphql_api.credits.note_types import (
    CreditNote,
    CreditNoteCollection,
    CreditNoteCreditStatusEnum,
    CreditNoteEstimate,
    CreditNoteReasonEnum,
    CreditNoteRefundStatusEnum,
    CreditNoteTypeEnum,
    estimate_type,
    note_type,
)
from graphql_api.enums import CurrencyEnum
from graphql_api.operations import operation, read, to_params
from graphql_api.pagination import metadata_of, page_request
from graphql_api.scalars import BigInt, ISO8601Date

__all__ = ["CreditNoteItemInput", "CreditNoteQueries"]


@strawberry.input
class CreditNoteItemInput:
    fee_id: strawberry.ID
    amount_cents: BigInt


def _values(members: Iterable[Enum] | None) -> list[str]:
    return [member.value for member in members or ()]


async def _collection(info: Info, wanted: NoteFilter, request: PageRequest) -> CreditNoteCollection:
    async with read(info) as work:
        page = await notes_page(work.session, request, wanted)
    return CreditNoteCollection(collection=[note_type(row) for row in page.rows], metadata=metadata_of(page))


@strawberry.type
class CreditNoteQueries:
    @strawberry.field
    @operation(permission="credit_notes:view")
    async def credit_note(self, info: Info, id: strawberry.ID) -> CreditNote | None:
        async with read(info) as work:
            return note_type(await note_row(work.session, id))

    @strawberry.field
    @operation(permission="credit_notes:view")
    async def credit_notes(
        self,
        info: Info,
        page: int | None = None,
        limit: int | None = None,
        amount_from: BigInt | None = None,
        amount_to: BigInt | None = None,
        billing_entity_ids: list[strawberry.ID] | None = None,
        credit_status: list[CreditNoteCreditStatusEnum] | None = None,
        currency: CurrencyEnum | None = None,
        customer_external_id: str | None = None,
        customer_id: strawberry.ID | None = None,
        invoice_number: str | None = None,
        issuing_date_from: ISO8601Date | None = None,
        issuing_date_to: ISO8601Date | None = None,
        purchase_order_number: str | None = None,
        reason: list[CreditNoteReasonEnum] | None = None,
        refund_status: list[CreditNoteRefundStatusEnum] | None = None,
        search_term: str | None = None,
        self_billed: bool | None = None,
        types: list[CreditNoteTypeEnum] | None = None,
    ) -> CreditNoteCollection:
        wanted = wanted_notes(
            {
                "amount_from": amount_from,
                "amount_to": amount_to,
                "billing_entity_ids": billing_entity_ids,
                "credit_status": _values(credit_status),
                "currency": currency.value if currency else None,
                "customer_external_id": customer_external_id,
                "customer_id": customer_id,
                "invoice_number": invoice_number,
                "issuing_date_from": issuing_date_from,
                "issuing_date_to": issuing_date_to,
                "purchase_order_number": purchase_order_number,
                "reason": _values(reason),
                "refund_status": _values(refund_status),
                "search_term": search_term,
                "self_billed": self_billed,
                "types": _values(types),
            }
        )
        return await _collection(info, wanted, page_request(page, limit))

    @strawberry.field
    @operation(permission="credit_notes:view")
    async def invoice_credit_notes(
        self, info: Info, invoice_id: strawberry.ID, page: int | None = None, limit: int | None = None
    ) -> CreditNoteCollection | None:
        wanted = NoteFilter(invoice_id=id_of(invoice_id))
        return await _collection(info, wanted, page_request(page, limit))

    @strawberry.field
    @operation(permission="credit_notes:view")
    async def credit_note_estimate(
        self, info: Info, invoice_id: strawberry.ID, items: list[CreditNoteItemInput]
    ) -> CreditNoteEstimate:
        """What a note of these items would come to; nothing is stored."""
        async with read(info) as work:
            return estimate_type(await estimate_note(work, invoice_id, [to_params(item) for item in items]))
