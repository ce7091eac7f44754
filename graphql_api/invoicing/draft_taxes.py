"""What a one-off invoice that is being written would be taxed."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import Info

from domain.billing.draft_taxes import draft_taxes
from domain.customers.models import Customer
from domain.customers.queries import customer_row
from domain.invoicing.fee_names import item_of
from domain.kernel.ids import parse_id
from domain.kernel.pagination import Page, PageRequest
from graphql_api.invoicing.applied_tax import number
from graphql_api.invoicing.enums import InvoiceAppliedTaxOnWholeInvoiceCodeEnum, whole_invoice_code
from graphql_api.invoicing.mutations import CreateInvoiceInput
from graphql_api.operations import command, operation, to_params
from graphql_api.pagination import CollectionMetadata, metadata_of
from graphql_api.scalars import BigInt

__all__ = ["DraftTaxMutations"]


@strawberry.input
class FetchDraftInvoiceTaxesInput(CreateInvoiceInput):
    pass


@strawberry.type
class TaxBreakdownObject:
    enumed_tax_code: InvoiceAppliedTaxOnWholeInvoiceCodeEnum | None
    name: str | None
    rate: float | None
    tax_amount: BigInt | None
    type: str | None


@strawberry.type
class TaxFeeObject:
    amount_cents: BigInt | None
    item_code: str | None
    item_id: str | None
    tax_amount_cents: BigInt | None
    tax_breakdown: list[TaxBreakdownObject] | None


@strawberry.type
class TaxFeeObjectCollection:
    collection: list[TaxFeeObject]
    metadata: CollectionMetadata


@strawberry.type
class DraftTaxMutations:
    @strawberry.mutation
    @operation(permission="invoices:create")
    async def fetch_draft_invoice_taxes(
        self, info: Info, input: FetchDraftInvoiceTaxesInput
    ) -> TaxFeeObjectCollection | None:
        """The taxes line by line; nothing is stored."""
        async with command(info) as work:
            row = await customer_row(work.session, customer_id=parse_id(input.customer_id))
            customer = await work.session.get_one(Customer, row.id)
            found = await draft_taxes(work, customer, to_params(input))
        lines = [_line(fee, taxes) for fee, taxes in found]
        page = Page(lines, len(lines), PageRequest(1, max(len(lines), 1)))
        return TaxFeeObjectCollection(collection=lines, metadata=metadata_of(page))


def _line(fee: Any, taxes: list[Any]) -> TaxFeeObject:
    item = item_of(fee)
    return TaxFeeObject(
        amount_cents=fee.amount_cents,
        item_code=item.code,
        item_id=str(item.id),
        tax_amount_cents=fee.taxes_amount_cents,
        tax_breakdown=[
            TaxBreakdownObject(
                enumed_tax_code=whole_invoice_code(tax.tax_code),
                name=tax.tax_name,
                rate=number(tax.tax_rate),
                tax_amount=tax.amount_cents,
                type="tax",
            )
            for tax in taxes
        ],
    )
