"""Credit notes, what stands on them, and what they would come to."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry
from strawberry import Info

from domain.credits import note_queries
from domain.credits.estimate_note import Estimate
from domain.credits.note_facts import available_on_invoices, credited_on_fees
from domain.credits.note_limits import Available
from domain.credits.note_payloads import note_url, note_xml_url
from domain.kernel import clock
from domain.kernel.errors import NotFound
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.catalog.types import ItemMetadata
from graphql_api.enums import CurrencyEnum
from graphql_api.identity.billing_entities import BillingEntity, fetch_entities
from graphql_api.insight.logged import Logged
from graphql_api.invoicing.applied_tax import AppliedTax, number, tax_fields
from graphql_api.invoicing.fees import Fee, fetch_fees
from graphql_api.invoicing.invoice_life import ErrorDetail
from graphql_api.loaders import load, load_one
from graphql_api.pagination import CollectionMetadata
from graphql_api.scalars import BigInt, ISO8601Date, ISO8601DateTime

if TYPE_CHECKING:
    from graphql_api.customers.types import Customer
    from graphql_api.invoicing.types import Invoice

__all__ = [
    "CreditNote", "CreditNoteCollection", "CreditNoteCreditStatusEnum", "CreditNoteEstimate", "CreditNoteReasonEnum",
    "CreditNoteRefundStatusEnum", "CreditNoteTypeEnum", "CustomerCreditNotesBalance", "available_on", "balances_of",
    "credited_on", "estimate_type", "note_type", "notes_of_customer", "notes_of_invoice",
]  # fmt: skip

LazyCustomer = Annotated["Customer", strawberry.lazy("graphql_api.customers.types")]
LazyInvoice = Annotated["Invoice", strawberry.lazy("graphql_api.invoicing.types")]


@strawberry.enum
class CreditNoteCreditStatusEnum(Enum):
    available = "available"
    consumed = "consumed"
    voided = "voided"


@strawberry.enum
class CreditNoteRefundStatusEnum(Enum):
    failed = "failed"
    pending = "pending"
    succeeded = "succeeded"


@strawberry.enum
class CreditNoteReasonEnum(Enum):
    duplicated_charge = "duplicated_charge"
    fraudulent_charge = "fraudulent_charge"
    order_cancellation = "order_cancellation"
    order_change = "order_change"
    other = "other"
    product_unsatisfactory = "product_unsatisfactory"


@strawberry.enum
class CreditNoteTypeEnum(Enum):
    credit = "credit"
    offset = "offset"
    refund = "refund"


@strawberry.type
class CreditNoteAppliedTax(AppliedTax):
    credit_note_id: strawberry.Private[UUID | None]

    base_amount_cents: BigInt

    @strawberry.field
    async def credit_note(self, info: Info) -> CreditNote:
        """Of an estimate there is none."""
        if self.credit_note_id is None:
            raise NotFound("credit_note")
        return await load_one(info, "credit_notes", fetch_notes, self.credit_note_id)


@strawberry.type
class CreditNoteItem:
    fee_id: strawberry.Private[UUID]

    id: strawberry.ID
    amount_cents: BigInt
    amount_currency: CurrencyEnum
    created_at: ISO8601DateTime

    @strawberry.field
    async def fee(self, info: Info) -> Fee:
        return await load_one(info, "fees", fetch_fees, self.fee_id)


@strawberry.type
class CreditNoteItemEstimate:
    fee_id: strawberry.Private[UUID]

    amount_cents: BigInt

    @strawberry.field
    async def fee(self, info: Info) -> Fee:
        return await load_one(info, "fees", fetch_fees, self.fee_id)


@strawberry.type
class CreditNote(Logged):
    customer_id: strawberry.Private[UUID]
    invoice_id: strawberry.Private[UUID]
    billing_entity_id: strawberry.Private[UUID]

    id: strawberry.ID
    sequential_id: strawberry.ID
    number: str
    issuing_date: ISO8601Date
    reason: CreditNoteReasonEnum
    description: str | None
    credit_status: CreditNoteCreditStatusEnum | None
    refund_status: CreditNoteRefundStatusEnum | None
    currency: CurrencyEnum
    total_amount_cents: BigInt
    credit_amount_cents: BigInt
    refund_amount_cents: BigInt
    offset_amount_cents: BigInt
    balance_amount_cents: BigInt
    sub_total_excluding_taxes_amount_cents: BigInt
    taxes_amount_cents: BigInt
    taxes_rate: float
    coupons_adjustment_amount_cents: BigInt
    can_be_voided: bool
    metadata: list[ItemMetadata] | None
    file_url: str | None
    xml_url: str | None
    refunded_at: ISO8601DateTime | None
    voided_at: ISO8601DateTime | None
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime
    # There is no accounting and no tax integration that a note could be sent to.
    external_integration_id: str | None = None
    integration_syncable: bool = False
    tax_provider_id: str | None = None
    tax_provider_syncable: bool = False

    @strawberry.field
    def error_details(self) -> list[ErrorDetail] | None:
        return []

    @strawberry.field
    async def billing_entity(self, info: Info) -> BillingEntity:
        return await load_one(info, "billing_entities", fetch_entities, self.billing_entity_id)

    @strawberry.field
    async def customer(self, info: Info) -> LazyCustomer:
        from graphql_api.customers.types import fetch_customers

        return await load_one(info, "customers", fetch_customers, self.customer_id)

    @strawberry.field
    async def invoice(self, info: Info) -> LazyInvoice | None:
        from graphql_api.invoicing.types import fetch_invoices

        return await load(info, "invoices", fetch_invoices, self.invoice_id)

    @strawberry.field
    async def items(self, info: Info) -> list[CreditNoteItem]:
        return await load(info, "items_of_notes", _fetch_items, UUID(self.id)) or []

    @strawberry.field
    async def applied_taxes(self, info: Info) -> list[CreditNoteAppliedTax] | None:
        return await load(info, "taxes_of_notes", _fetch_taxes, UUID(self.id)) or []


@strawberry.type
class CreditNoteCollection:
    collection: list[CreditNote]
    metadata: CollectionMetadata


@strawberry.type
class CreditNoteEstimate:
    currency: CurrencyEnum
    taxes_amount_cents: BigInt
    precise_taxes_amount_cents: float
    taxes_rate: float
    sub_total_excluding_taxes_amount_cents: BigInt
    coupons_adjustment_amount_cents: BigInt
    precise_coupons_adjustment_amount_cents: float
    max_creditable_amount_cents: BigInt
    max_refundable_amount_cents: BigInt
    max_offsettable_amount_cents: BigInt
    items: list[CreditNoteItemEstimate]
    applied_taxes: list[CreditNoteAppliedTax]


@strawberry.type
class CustomerCreditNotesBalance:
    """What is left of a customer's notes in one currency, by billing entity."""

    billing_entity_id: strawberry.ID
    currency: CurrencyEnum
    amount_cents: BigInt
    credits_available_count: int


def note_type(row: Any) -> CreditNote:
    """A note from a row of `domain.credits.note_queries`."""
    return CreditNote(
        customer_id=row.customer_id,
        invoice_id=row.invoice_id,
        billing_entity_id=row.billing_entity_id,
        id=strawberry.ID(str(row.id)),
        sequential_id=strawberry.ID(str(row.sequential_id)),
        number=row.number,
        issuing_date=row.issuing_date,
        reason=CreditNoteReasonEnum(row.reason),
        description=row.description,
        credit_status=CreditNoteCreditStatusEnum(row.credit_status) if row.credit_status else None,
        refund_status=CreditNoteRefundStatusEnum(row.refund_status) if row.refund_status else None,
        currency=row.currency,
        total_amount_cents=row.total_amount_cents,
        credit_amount_cents=row.credit_amount_cents,
        refund_amount_cents=row.refund_amount_cents,
        offset_amount_cents=row.offset_amount_cents,
        balance_amount_cents=row.balance_amount_cents,
        sub_total_excluding_taxes_amount_cents=row.sub_total_excluding_taxes_amount_cents,
        taxes_amount_cents=row.taxes_amount_cents,
        taxes_rate=number(row.taxes_rate),
        coupons_adjustment_amount_cents=row.coupons_adjustment_amount_cents,
        can_be_voided=row.credit_status != "voided" and row.balance_amount_cents > 0,
        metadata=[ItemMetadata(key=key, value=value) for key, value in (row.note_metadata or {}).items()],
        file_url=note_url(row),
        xml_url=note_xml_url(row),
        refunded_at=row.refunded_at,
        voided_at=row.voided_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def estimate_type(estimate: Estimate) -> CreditNoteEstimate:
    """What a note would come to."""
    found = estimate.amounts
    now: Any = clock.now()
    return CreditNoteEstimate(
        currency=estimate.invoice.row.currency,
        taxes_amount_cents=BigInt(estimate.taxes_cents),
        precise_taxes_amount_cents=number(found.precise_taxes),
        taxes_rate=number(found.taxes_rate),
        sub_total_excluding_taxes_amount_cents=BigInt(found.sub_total_cents),
        coupons_adjustment_amount_cents=BigInt(found.coupons_cents),
        precise_coupons_adjustment_amount_cents=number(found.precise_coupons),
        max_creditable_amount_cents=BigInt(estimate.creditable_cents),
        max_refundable_amount_cents=BigInt(estimate.refundable_cents),
        max_offsettable_amount_cents=BigInt(estimate.offsettable_cents),
        items=[
            CreditNoteItemEstimate(fee_id=item.fee.id, amount_cents=BigInt(item.amount_cents)) for item in found.items
        ],
        applied_taxes=[
            CreditNoteAppliedTax(
                credit_note_id=None,
                tax_id=line.tax.id,
                id=strawberry.ID(line.tax.code),
                amount_cents=BigInt(line.amount_cents),
                amount_currency=estimate.invoice.row.currency,
                tax_code=line.tax.code,
                tax_name=line.tax.name,
                tax_rate=number(line.tax.rate),
                tax_description=line.tax.description,
                base_amount_cents=BigInt(line.base_cents),
                created_at=now,
                updated_at=now,
            )
            for line in found.taxes
        ],
    )


async def available_on(info: Info, invoice_id: UUID) -> Available:
    """What an invoice shows as creditable, refundable and offsettable."""
    return await load(info, "available_on_invoices", _fetch_available, invoice_id) or Available()


async def credited_on(info: Info, fee_id: UUID) -> int:
    """What notes have taken back of a fee, in cents."""
    return await load(info, "credited_on_fees", _fetch_credited, fee_id) or 0


async def notes_of_invoice(info: Info, invoice_id: UUID) -> list[CreditNote]:
    return await load(info, "notes_of_invoices", _fetch_of_invoices, invoice_id) or []


async def notes_of_customer(info: Info, customer_id: UUID) -> list[CreditNote]:
    return await load(info, "notes_of_customers", _fetch_of_customers, customer_id) or []


async def balances_of(info: Info, customer_id: UUID) -> list[CustomerCreditNotesBalance]:
    """What is left of a customer's notes."""
    return await load(info, "note_balances", _fetch_balances, customer_id) or []


async def fetch_notes(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, CreditNote]:
    return {row.id: note_type(row) for row in (await note_queries.note_rows(work.session, ids)).values()}


async def _fetch_of_invoices(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[CreditNote]]:
    return _typed(await note_queries.notes_of(work.session, "invoice_id", ids))


async def _fetch_of_customers(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[CreditNote]]:
    return _typed(await note_queries.notes_of(work.session, "customer_id", ids))


def _typed(found: dict[UUID, list[Any]]) -> dict[UUID, list[CreditNote]]:
    return {owner: [note_type(row) for row in rows] for owner, rows in found.items()}


async def _fetch_available(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, Available]:
    return await available_on_invoices(work.session, ids)


async def _fetch_credited(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, int]:
    return dict(await credited_on_fees(work.session, ids))


async def _fetch_balances(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[CustomerCreditNotesBalance]]:
    found = await note_queries.balances_of_customers(work.session, ids)
    return {
        customer_id: [
            CustomerCreditNotesBalance(
                billing_entity_id=strawberry.ID(str(row.billing_entity_id)),
                currency=CurrencyEnum(row.currency),
                amount_cents=row.amount_cents,
                credits_available_count=row.available,
            )
            for row in rows
        ]
        for customer_id, rows in found.items()
    }


async def _fetch_items(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[CreditNoteItem]]:
    found = await note_queries.items_of_notes(work.session, ids)
    return {
        note_id: [
            CreditNoteItem(
                fee_id=row.fee_id,
                id=strawberry.ID(str(row.id)),
                amount_cents=row.amount_cents,
                amount_currency=row.amount_currency,
                created_at=row.created_at,
            )
            for row in rows
        ]
        for note_id, rows in found.items()
    }


async def _fetch_taxes(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[CreditNoteAppliedTax]]:
    found = await note_queries.taxes_of_notes(work.session, ids)
    return {
        note_id: [
            CreditNoteAppliedTax(
                credit_note_id=row.credit_note_id, base_amount_cents=row.base_amount_cents, **tax_fields(row)
            )
            for row in rows
        ]
        for note_id, rows in found.items()
    }
