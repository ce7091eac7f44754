"""Payments, payment requests and payment methods. What a row points at is loaded together for all rows of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry
from strawberry import Info

from domain.invoicing.links import download_url
from domain.kernel.unit_of_work import UnitOfWork
from domain.payments import queries
from domain.payments.receipt_queries import receipt_rows, receipts_of_payments
from graphql_api.customers.types import Customer, fetch_customers
from graphql_api.enums import CurrencyEnum
from graphql_api.identity.custom_sections import LazyOrganization, own_organization
from graphql_api.invoicing.enums import InvoicePaymentStatusTypeEnum
from graphql_api.invoicing.types import Invoice, fetch_invoices
from graphql_api.loaders import load, load_one
from graphql_api.pagination import CollectionMetadata
from graphql_api.payments.enums import PayablePaymentStatusEnum, PaymentTypeEnum, ProviderTypeEnum
from graphql_api.scalars import BigInt, ISO8601DateTime

if TYPE_CHECKING:
    from graphql_api.payments.providers import PaymentProvider

__all__ = [
    "Payment", "PaymentCollection", "PaymentMethod", "PaymentMethodCollection", "PaymentReceipt", "PaymentRequest",
    "PaymentRequestCollection", "fetch_payments", "fetch_payments_of_invoices", "fetch_receipts", "fetch_requests",
    "payment_method_type", "payment_type", "receipt_type", "request_type",
]  # fmt: skip


LazyProvider = Annotated["PaymentProvider", strawberry.lazy("graphql_api.payments.providers")]


@strawberry.type
class PaymentRequest:
    key: strawberry.Private[UUID]
    customer_id: strawberry.Private[UUID]

    id: strawberry.ID
    amount_cents: BigInt
    amount_currency: CurrencyEnum
    email: str
    payment_status: InvoicePaymentStatusTypeEnum
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime
    payable_type: str = "PaymentRequest"

    @strawberry.field
    async def customer(self, info: Info) -> Customer:
        return await load_one(info, "customers", fetch_customers, self.customer_id)

    @strawberry.field
    async def invoices(self, info: Info) -> list[Invoice]:
        return await load(info, "invoices_of_requests", _fetch_invoices_of_requests, self.key) or []


Payable = Annotated[Invoice | PaymentRequest, strawberry.union("Payable")]


@strawberry.type
class Payment:
    customer_id: strawberry.Private[UUID]
    invoice_id: strawberry.Private[UUID | None]
    payment_request_id: strawberry.Private[UUID | None]

    id: strawberry.ID
    amount_cents: BigInt
    amount_currency: CurrencyEnum
    payable_payment_status: PayablePaymentStatusEnum | None
    payment_type: PaymentTypeEnum
    reference: str | None
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime | None
    # What a provider adds; payments by hand have none of it.
    payment_method_id: strawberry.ID | None
    payment_provider_type: ProviderTypeEnum | None
    provider_payment_id: str | None
    provider_id: strawberry.Private[UUID | None]

    @strawberry.field
    async def payment_provider(self, info: Info) -> LazyProvider | None:
        from graphql_api.payments.providers import fetch_providers

        return None if self.provider_id is None else await load(info, "providers", fetch_providers, self.provider_id)

    @strawberry.field
    async def customer(self, info: Info) -> Customer:
        return await load_one(info, "customers", fetch_customers, self.customer_id)

    @strawberry.field
    async def payment_receipt(self, info: Info) -> PaymentReceipt | None:
        return await load(info, "receipts_of_payments", _fetch_receipts_of_payments, UUID(self.id))

    @strawberry.field
    async def payable(self, info: Info) -> Payable:
        if self.invoice_id is not None:
            return await load_one(info, "invoices", fetch_invoices, self.invoice_id)
        assert self.payment_request_id is not None, "a payment is for one of the two"
        return await load_one(info, "payment_requests", fetch_requests, self.payment_request_id)


@strawberry.type
class PaymentReceipt:
    payment_id: strawberry.Private[UUID]

    id: strawberry.ID
    number: str
    file_url: str | None
    xml_url: str | None
    created_at: ISO8601DateTime

    @strawberry.field
    async def payment(self, info: Info) -> Payment:
        return await load_one(info, "payments", fetch_payments, self.payment_id)

    @strawberry.field
    async def organization(self, info: Info) -> LazyOrganization:
        return await own_organization(info)


@strawberry.type
class PaymentMethodDetails:
    brand: str | None
    expiration_month: str | None
    expiration_year: str | None
    last4: str | None
    type: str | None


@strawberry.type
class PaymentMethod:
    customer_id: strawberry.Private[UUID]

    id: strawberry.ID
    is_default: bool
    provider_method_id: str
    details: PaymentMethodDetails | None
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime | None
    deleted_at: ISO8601DateTime | None
    # Null for methods that came from no provider.
    payment_provider_code: str | None
    payment_provider_customer_id: strawberry.ID | None
    payment_provider_name: str | None
    payment_provider_type: ProviderTypeEnum | None

    @strawberry.field
    async def customer(self, info: Info) -> Customer:
        return await load_one(info, "customers", fetch_customers, self.customer_id)


@strawberry.type
class PaymentCollection:
    collection: list[Payment]
    metadata: CollectionMetadata


@strawberry.type
class PaymentRequestCollection:
    collection: list[PaymentRequest]
    metadata: CollectionMetadata


@strawberry.type
class PaymentMethodCollection:
    collection: list[PaymentMethod]
    metadata: CollectionMetadata


def payment_type(row: Any) -> Payment:
    """A payment from a row of `domain.payments.queries`."""
    return Payment(
        customer_id=row.customer_id,
        invoice_id=row.invoice_id,
        payment_request_id=row.payment_request_id,
        id=strawberry.ID(str(row.id)),
        amount_cents=row.amount_cents,
        amount_currency=row.amount_currency,
        payable_payment_status=PayablePaymentStatusEnum(row.payable_payment_status),
        payment_type=PaymentTypeEnum(row.payment_type),
        reference=row.reference,
        created_at=row.created_at,
        updated_at=row.updated_at,
        payment_method_id=row.payment_method_id,
        payment_provider_type=ProviderTypeEnum(row.payment_provider_type) if row.payment_provider_type else None,
        provider_payment_id=row.provider_payment_id,
        provider_id=row.payment_provider_id,
    )


def request_type(row: Any) -> PaymentRequest:
    """A payment request from a row of `domain.payments.queries`."""
    return PaymentRequest(
        key=row.id,
        customer_id=row.customer_id,
        id=strawberry.ID(str(row.id)),
        amount_cents=row.amount_cents,
        amount_currency=row.amount_currency,
        email=row.email or "",
        payment_status=InvoicePaymentStatusTypeEnum(row.payment_status),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def payment_method_type(row: Any) -> PaymentMethod:
    """A payment method from its row."""
    details: Mapping[str, Any] = row.details or {}
    names = ("brand", "expiration_month", "expiration_year", "last4")
    texts = {name: None if details.get(name) is None else str(details[name]) for name in names}
    return PaymentMethod(
        customer_id=row.customer_id,
        id=strawberry.ID(str(row.id)),
        is_default=row.is_default,
        provider_method_id=row.provider_method_id,
        details=PaymentMethodDetails(type=row.provider_method_type, **texts),
        created_at=row.created_at,
        updated_at=row.updated_at,
        deleted_at=row.deleted_at,
        payment_provider_code=row.payment_provider_code,
        payment_provider_customer_id=row.payment_provider_customer_id,
        payment_provider_name=row.payment_provider_name,
        payment_provider_type=ProviderTypeEnum(row.payment_provider_type) if row.payment_provider_type else None,
    )


def receipt_type(row: Any) -> PaymentReceipt:
    """A receipt from its row."""
    return PaymentReceipt(
        payment_id=row.payment_id,
        id=strawberry.ID(str(row.id)),
        number=row.number,
        file_url=download_url(row.organization_id, row.id, "payment_receipt") if row.document_key else None,
        xml_url=download_url(row.organization_id, row.id, "payment_receipt_xml") if row.xml_key else None,
        created_at=row.created_at,
    )


async def fetch_payments(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, Payment]:
    """Payments by id."""
    return {key: payment_type(row) for key, row in (await queries.payment_rows(work.session, ids)).items()}


async def fetch_payments_of_invoices(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[Payment]]:
    """The payments of each invoice, the latest first."""
    found = await queries.payments_of_invoices(work.session, ids)
    return {key: [payment_type(row) for row in rows] for key, rows in found.items()}


async def fetch_requests(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, PaymentRequest]:
    """Payment requests by id."""
    return {key: request_type(row) for key, row in (await queries.request_rows(work.session, ids)).items()}


async def fetch_receipts(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, PaymentReceipt]:
    """Receipts by id."""
    return {key: receipt_type(row) for key, row in (await receipt_rows(work.session, ids)).items()}


async def _fetch_invoices_of_requests(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[Invoice]]:
    named = await queries.invoices_of_requests(work.session, ids)
    invoices = await fetch_invoices(work, [row.id for rows in named.values() for row in rows])
    return {key: [invoices[row.id] for row in rows if row.id in invoices] for key, rows in named.items()}


async def _fetch_receipts_of_payments(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, PaymentReceipt]:
    return {key: receipt_type(row) for key, row in (await receipts_of_payments(work.session, ids)).items()}
