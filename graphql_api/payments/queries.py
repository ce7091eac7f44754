"""Reading payments, payment requests and payment methods."""

from __future__ import annotations

from uuid import UUID

import strawberry
from strawberry import Info

from domain.customers.queries import customer_row
from domain.kernel.currencies import CURRENCIES
from domain.kernel.ids import parse_id
from domain.payments.methods import payment_methods_page
from domain.payments.queries import PaymentFilter, RequestFilter, payment_row, payments_page, requests_page
from graphql_api.enums import CurrencyEnum
from graphql_api.invoicing.enums import InvoicePaymentStatusTypeEnum
from graphql_api.operations import operation, read
from graphql_api.pagination import metadata_of, page_request
from graphql_api.payments.types import (
    Payment,
    PaymentCollection,
    PaymentMethodCollection,
    PaymentRequestCollection,
    payment_method_type,
    payment_type,
    request_type,
)

__all__ = ["PaymentQueries"]

# An id that can't exist matches nothing.
_NOTHING = UUID(int=0)


@strawberry.type
class PaymentQueries:
    @strawberry.field
    @operation(permission="payments:view")
    async def payment(self, info: Info, id: strawberry.ID) -> Payment | None:
        async with read(info) as work:
            return payment_type(await payment_row(work.session, id))

    @strawberry.field
    @operation(permission="payments:view")
    async def payments(
        self,
        info: Info,
        page: int | None = None,
        limit: int | None = None,
        currency: CurrencyEnum | None = None,
        external_customer_id: strawberry.ID | None = None,
        invoice_id: strawberry.ID | None = None,
        search_term: str | None = None,
    ) -> PaymentCollection:
        wanted = PaymentFilter(
            invoice_id=(parse_id(invoice_id) or _NOTHING) if invoice_id else None,
            external_customer_id=external_customer_id,
            currency=currency.value if currency else None,
            search_term=search_term,
        )
        async with read(info) as work:
            found = await payments_page(work.session, page_request(page, limit), wanted)
        return PaymentCollection(collection=[payment_type(row) for row in found.rows], metadata=metadata_of(found))

    @strawberry.field
    @operation(permission="payments:view")
    async def payment_requests(
        self,
        info: Info,
        page: int | None = None,
        limit: int | None = None,
        currency: str | None = None,
        external_customer_id: str | None = None,
        payment_status: InvoicePaymentStatusTypeEnum | None = None,
    ) -> PaymentRequestCollection:
        wanted = RequestFilter(
            external_customer_id=external_customer_id,
            payment_status=payment_status.value if payment_status else None,
            currency=currency if currency is None or currency in CURRENCIES else "none",
        )
        async with read(info) as work:
            found = await requests_page(work.session, page_request(page, limit), wanted)
        return PaymentRequestCollection(
            collection=[request_type(row) for row in found.rows], metadata=metadata_of(found)
        )

    @strawberry.field
    @operation(permission="payment_methods:view")
    async def payment_methods(
        self,
        info: Info,
        external_customer_id: strawberry.ID,
        page: int | None = None,
        limit: int | None = None,
        with_deleted: bool | None = None,
    ) -> PaymentMethodCollection:
        async with read(info) as work:
            customer = await customer_row(work.session, external_id=external_customer_id)
            found = await payment_methods_page(
                work.session, customer.id, page_request(page, limit), with_deleted=bool(with_deleted)
            )
        return PaymentMethodCollection(
            collection=[payment_method_type(row) for row in found.rows], metadata=metadata_of(found)
        )
