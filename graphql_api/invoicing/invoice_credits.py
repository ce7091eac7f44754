"""The fields of an invoice that tell what credit notes took back of it, and what they still may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from strawberry import Info

from graphql_api.scalars import BigInt

if TYPE_CHECKING:
    from graphql_api.credits.note_types import CreditNote

__all__ = ["InvoiceCredits"]

LazyCreditNote = Annotated["CreditNote", strawberry.lazy("graphql_api.credits.note_types")]


@strawberry.type
class InvoiceCredits:
    """Part of Invoice. Amounts in cents."""

    id: strawberry.ID

    @strawberry.field
    async def credit_notes(self, info: Info) -> list[LazyCreditNote] | None:
        """Those that took part of it back, the newest first."""
        from graphql_api.credits.note_types import notes_of_invoice

        return await notes_of_invoice(info, UUID(self.id))

    @strawberry.field
    async def creditable_amount_cents(self, info: Info) -> BigInt:
        from graphql_api.credits.note_types import available_on

        return BigInt((await available_on(info, UUID(self.id))).creditable)

    @strawberry.field
    async def available_to_credit_amount_cents(self, info: Info) -> BigInt:
        """What notes have not taken back yet, also where that can only be refunded."""
        from graphql_api.credits.note_types import available_on

        return BigInt((await available_on(info, UUID(self.id))).left)

    @strawberry.field
    async def refundable_amount_cents(self, info: Info) -> BigInt:
        from graphql_api.credits.note_types import available_on

        return BigInt((await available_on(info, UUID(self.id))).refundable)

    @strawberry.field
    async def offsettable_amount_cents(self, info: Info) -> BigInt:
        from graphql_api.credits.note_types import available_on

        return BigInt((await available_on(info, UUID(self.id))).offsettable)
