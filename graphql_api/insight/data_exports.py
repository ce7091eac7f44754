"""Exports of invoices and credit notes as CSV files. Source: handbook, platform 16."""

from __future__ import annotations

from enum import Enum
from typing import Any

import strawberry
from strawberry import Info

from domain.insight.exports.models import STATUSES
from domain.insight.exports.request import request_export
from graphql_api.credits.note_types import (
    CreditNoteCreditStatusEnum,
    CreditNoteReasonEnum,
    CreditNoteRefundStatusEnum,
    CreditNoteTypeEnum,
)
from graphql_api.enums import CurrencyEnum
from graphql_api.invoicing.enums import InvoicePaymentStatusTypeEnum, InvoiceStatusTypeEnum, InvoiceTypeEnum
from graphql_api.operations import command, operation, to_params
from graphql_api.scalars import BigInt, ISO8601Date

__all__ = ["DataExportMutations"]


@strawberry.enum
class DataExportFormatTypeEnum(Enum):
    csv = "csv"


@strawberry.enum
class DataExportStatusEnum(Enum):
    pending = "pending"
    processing = "processing"
    completed = "completed"
    failed = "failed"


@strawberry.enum
class InvoiceExportTypeEnum(Enum):
    invoices = "invoices"
    invoice_fees = "invoice_fees"


@strawberry.enum
class CreditNoteExportTypeEnum(Enum):
    credit_notes = "credit_notes"
    credit_note_items = "credit_note_items"


assert {each.value for each in DataExportStatusEnum} == set(STATUSES)


@strawberry.input
class DataExportInvoiceFiltersInput:
    """The filters of the list of invoices, which the export takes as that does."""

    amount_from: BigInt | None = strawberry.UNSET
    amount_to: BigInt | None = strawberry.UNSET
    billing_entity_ids: list[strawberry.ID] | None = strawberry.UNSET
    currency: CurrencyEnum | None = strawberry.UNSET
    customer_external_id: str | None = strawberry.UNSET
    invoice_type: list[InvoiceTypeEnum] | None = strawberry.UNSET
    issuing_date_from: ISO8601Date | None = strawberry.UNSET
    issuing_date_to: ISO8601Date | None = strawberry.UNSET
    payment_dispute_lost: bool | None = strawberry.UNSET
    payment_overdue: bool | None = strawberry.UNSET
    payment_status: list[InvoicePaymentStatusTypeEnum] | None = strawberry.UNSET
    purchase_order_number: str | None = strawberry.UNSET
    search_term: str | None = strawberry.UNSET
    self_billed: bool | None = strawberry.UNSET
    status: list[InvoiceStatusTypeEnum] | None = strawberry.UNSET


@strawberry.input
class DataExportCreditNoteFiltersInput:
    """The filters of the list of credit notes, which the export takes as that does."""

    amount_from: BigInt | None = strawberry.UNSET
    amount_to: BigInt | None = strawberry.UNSET
    billing_entity_ids: list[strawberry.ID] | None = strawberry.UNSET
    credit_status: list[CreditNoteCreditStatusEnum] | None = strawberry.UNSET
    currency: CurrencyEnum | None = strawberry.UNSET
    customer_external_id: str | None = strawberry.UNSET
    customer_id: strawberry.ID | None = strawberry.UNSET
    invoice_number: str | None = strawberry.UNSET
    issuing_date_from: ISO8601Date | None = strawberry.UNSET
    issuing_date_to: ISO8601Date | None = strawberry.UNSET
    purchase_order_number: str | None = strawberry.UNSET
    reason: list[CreditNoteReasonEnum] | None = strawberry.UNSET
    refund_status: list[CreditNoteRefundStatusEnum] | None = strawberry.UNSET
    search_term: str | None = strawberry.UNSET
    self_billed: bool | None = strawberry.UNSET
    types: list[CreditNoteTypeEnum] | None = strawberry.UNSET


@strawberry.input
class CreateDataExportsInvoicesInput:
    filters: DataExportInvoiceFiltersInput
    format: DataExportFormatTypeEnum
    resource_type: InvoiceExportTypeEnum
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class CreateDataExportsCreditNotesInput:
    filters: DataExportCreditNoteFiltersInput
    format: DataExportFormatTypeEnum
    resource_type: CreditNoteExportTypeEnum
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.type
class DataExport:
    id: strawberry.ID
    status: DataExportStatusEnum


@strawberry.type
class DataExportMutations:
    @strawberry.mutation
    @operation(permission="invoices:export")
    async def create_invoices_data_export(self, info: Info, input: CreateDataExportsInvoicesInput) -> DataExport | None:
        """Has a CSV file made of invoices, or of their fees; a mail brings the link to the caller."""
        return await _asked(info, input)

    @strawberry.mutation
    @operation(permission="credit_notes:export")
    async def create_credit_notes_data_export(
        self, info: Info, input: CreateDataExportsCreditNotesInput
    ) -> DataExport | None:
        """Has a CSV file made of credit notes, or of their items; a mail brings the link to the caller."""
        return await _asked(info, input)


async def _asked(info: Info, input: object) -> DataExport:
    params: dict[str, Any] = to_params(input)
    async with command(info) as work:
        export = await request_export(work, params["resource_type"], params["format"], params["filters"])
    return DataExport(id=strawberry.ID(str(export.id)), status=DataExportStatusEnum(export.status))
