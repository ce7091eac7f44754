"""The fields of an invoice that tell what may be done with it, and what was noted on it."""

from __future__ import annotations

from uuid import UUID

import strawberry
from strawberry import Info

from domain.billing.invoice_state import InvoiceState, states_of
from domain.invoicing.metadata import metadata_of_invoices
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.invoicing.enums import ErrorCodesEnum, InvoiceTaxStatusTypeEnum
from graphql_api.loaders import load
from graphql_api.scalars import ISO8601DateTime

__all__ = ["ErrorDetail", "InvoiceLife", "InvoiceMetadata"]


@strawberry.type
class InvoiceMetadata:
    id: strawberry.ID
    key: str
    value: str
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime


@strawberry.type
class ErrorDetail:
    """What went wrong outside of Tarn, at a provider of taxes."""

    id: strawberry.ID
    error_code: ErrorCodesEnum
    error_details: str | None


@strawberry.type
class InvoiceLife:
    """Part of Invoice. Tarn reports to no accounting, CRM or tax service: what these would have to say is empty."""

    id: strawberry.ID
    voided_invoice_id: str | None
    tax_status: InvoiceTaxStatusTypeEnum | None
    external_hubspot_integration_id: str | None = None
    external_integration_id: str | None = None
    external_salesforce_integration_id: str | None = None
    integration_hubspot_syncable: bool = False
    integration_salesforce_syncable: bool = False
    integration_syncable: bool = False
    tax_provider_id: str | None = None
    tax_provider_voidable: bool = False

    @strawberry.field
    def error_details(self) -> list[ErrorDetail] | None:
        return []

    @strawberry.field
    async def metadata(self, info: Info) -> list[InvoiceMetadata] | None:
        return await load(info, "metadata_of_invoices", _fetch_metadata, UUID(self.id)) or []

    @strawberry.field
    async def regenerated_invoice_id(self, info: Info) -> str | None:
        """The invoice that stands for this one since it was voided."""
        found = (await self._state(info)).regenerated_invoice_id
        return str(found) if found else None

    @strawberry.field
    async def voidable(self, info: Info) -> bool:
        return (await self._state(info)).voidable

    @strawberry.field
    async def all_charges_have_fees(self, info: Info) -> bool:
        return (await self._state(info)).all_charges_have_fees

    @strawberry.field
    async def all_fixed_charges_have_fees(self, info: Info) -> bool:
        return (await self._state(info)).all_fixed_charges_have_fees

    async def _state(self, info: Info) -> InvoiceState:
        return await load(info, "invoice_states", _fetch_states, UUID(self.id)) or InvoiceState()


async def _fetch_states(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, InvoiceState]:
    return await states_of(work.session, ids)


async def _fetch_metadata(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[InvoiceMetadata]]:
    found = await metadata_of_invoices(work.session, ids)
    return {
        invoice_id: [
            InvoiceMetadata(
                id=strawberry.ID(str(row.id)),
                key=row.key,
                value=row.value,
                created_at=row.created_at,
                updated_at=row.updated_at,
            )
            for row in rows
        ]
        for invoice_id, rows in found.items()
    }
