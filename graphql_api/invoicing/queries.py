"""Reading invoices."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

import strawberry
from strawberry import Info

from domain.customers.queries import customer_row
from domain.invoicing.queries import InvoiceFilter, invoice_row, invoices_page
from domain.invoicing.wanted_invoices import wanted_invoices
from domain.kernel.filters import id_of
from domain.kernel.pagination import PageRequest
from graphql_api.enums import CurrencyEnum
from graphql_api.invoicing.enums import (
    InvoicePaymentStatusTypeEnum,
    InvoiceSettlementTypeEnum,
    InvoiceStatusTypeEnum,
    InvoiceTypeEnum,
)
from graphql_api.invoicing.types import Invoice, InvoiceCollection, invoice_type
from graphql_api.operations import operation, read
from graphql_api.pagination import metadata_of, page_request
from graphql_api.scalars import BigInt, ISO8601Date

__all__ = ["InvoicingQueries"]


def _values(members: Iterable[Enum] | None) -> list[str]:
    return [member.value for member in members or ()]


async def _collection(info: Info, wanted: InvoiceFilter, request: PageRequest) -> InvoiceCollection:
    async with read(info) as work:
        page = await invoices_page(work.session, request, wanted)
    return InvoiceCollection(collection=[invoice_type(row) for row in page.rows], metadata=metadata_of(page))


@strawberry.type
class InvoicingQueries:
    @strawberry.field
    @operation(permission="invoices:view")
    async def invoice(self, info: Info, id: strawberry.ID) -> Invoice | None:
        async with read(info) as work:
            return invoice_type(await invoice_row(work.session, id))

    @strawberry.field
    @operation(permission="invoices:view")
    async def invoice_build_regeneration_preview(self, info: Info, id: strawberry.ID) -> Invoice | None:
        """The voided invoice whose lines a new one would start from."""
        async with read(info) as work:
            return invoice_type(await invoice_row(work.session, id, ("voided",)))

    @strawberry.field
    @operation(permission="invoices:view")
    async def invoices(
        self,
        info: Info,
        page: int | None = None,
        limit: int | None = None,
        amount_from: BigInt | None = None,
        amount_to: BigInt | None = None,
        billing_entity_ids: list[strawberry.ID] | None = None,
        currency: CurrencyEnum | None = None,
        customer_external_id: str | None = None,
        customer_id: strawberry.ID | None = None,
        invoice_type: list[InvoiceTypeEnum] | None = None,
        issuing_date_from: ISO8601Date | None = None,
        issuing_date_to: ISO8601Date | None = None,
        partially_paid: bool | None = None,
        payment_dispute_lost: bool | None = None,
        payment_overdue: bool | None = None,
        payment_status: list[InvoicePaymentStatusTypeEnum] | None = None,
        positive_due_amount: bool | None = None,
        purchase_order_number: str | None = None,
        search_term: str | None = None,
        self_billed: bool | None = None,
        settlements: list[InvoiceSettlementTypeEnum] | None = None,
        status: list[InvoiceStatusTypeEnum] | None = None,
        subscription_id: strawberry.ID | None = None,
    ) -> InvoiceCollection:
        wanted = wanted_invoices(
            {
                "amount_from": amount_from,
                "amount_to": amount_to,
                "billing_entity_ids": billing_entity_ids,
                "currency": currency.value if currency else None,
                "customer_external_id": customer_external_id,
                "customer_id": customer_id,
                "invoice_type": _values(invoice_type),
                "issuing_date_from": issuing_date_from,
                "issuing_date_to": issuing_date_to,
                "partially_paid": partially_paid,
                "payment_dispute_lost": payment_dispute_lost,
                "payment_overdue": payment_overdue,
                "payment_status": _values(payment_status),
                "positive_due_amount": positive_due_amount,
                "purchase_order_number": purchase_order_number,
                "search_term": search_term,
                "self_billed": self_billed,
                "settlements": _values(settlements),
                "status": _values(status),
                "subscription_id": subscription_id,
            }
        )
        return await _collection(info, wanted, page_request(page, limit))

    @strawberry.field
    @operation(permission="invoices:view")
    async def customer_invoices(
        self,
        info: Info,
        customer_id: strawberry.ID,
        page: int | None = None,
        limit: int | None = None,
        billing_entity_ids: list[strawberry.ID] | None = None,
        currency: CurrencyEnum | None = None,
        search_term: str | None = None,
        status: list[InvoiceStatusTypeEnum] | None = None,
    ) -> InvoiceCollection:
        async with read(info) as work:
            customer = await customer_row(work.session, customer_id=id_of(customer_id))
        wanted = wanted_invoices(
            {
                "customer_id": customer.id,
                "status": _values(status),
                "billing_entity_ids": billing_entity_ids,
                "currency": currency.value if currency else None,
                "search_term": search_term,
            }
        )
        return await _collection(info, wanted, page_request(page, limit))
