"""Invoices and what they cover."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry
from strawberry import Info

from domain.billing.invoice_state import LineState, line_states
from domain.invoicing import queries
from domain.invoicing.links import download_url
from domain.invoicing.payloads import total_due
from domain.invoicing.update_invoice import DISPUTABLE
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.enums import CurrencyEnum
from graphql_api.identity.billing_entities import BillingEntity, fetch_entities
from graphql_api.insight.logged import Logged
from graphql_api.invoicing.applied_tax import AppliedTax, number, tax_fields
from graphql_api.invoicing.enums import (
    InvoiceAppliedTaxOnWholeInvoiceCodeEnum,
    InvoicePaymentStatusTypeEnum,
    InvoiceStatusTypeEnum,
    InvoiceTaxStatusTypeEnum,
    InvoiceTypeEnum,
    whole_invoice_code,
)
from graphql_api.invoicing.fees import Fee, fetch_fees_of_invoices, fetch_fees_of_subscriptions
from graphql_api.invoicing.invoice_credits import InvoiceCredits
from graphql_api.invoicing.invoice_life import InvoiceLife
from graphql_api.loaders import load, load_one
from graphql_api.pagination import CollectionMetadata
from graphql_api.scalars import BigInt, ISO8601Date, ISO8601DateTime

if TYPE_CHECKING:
    from graphql_api.customers.types import Customer
    from graphql_api.payments.types import Payment
    from graphql_api.subscriptions.types import Subscription

__all__ = [
    "Fee", "Invoice", "InvoiceAppliedTax", "InvoiceCollection", "InvoiceSubscription", "fetch_fees_of_subscriptions",
    "fetch_invoices", "fetch_invoices_of_customers", "invoice_type",
]  # fmt: skip

LazyCustomer = Annotated["Customer", strawberry.lazy("graphql_api.customers.types")]
LazyPayment = Annotated["Payment", strawberry.lazy("graphql_api.payments.types")]
LazySubscription = Annotated["Subscription", strawberry.lazy("graphql_api.subscriptions.types")]


@strawberry.type
class InvoiceAppliedTax(AppliedTax):
    invoice_id: strawberry.Private[UUID]

    fees_amount_cents: BigInt
    taxable_amount_cents: BigInt
    applied_on_whole_invoice: bool
    enumed_tax_code: InvoiceAppliedTaxOnWholeInvoiceCodeEnum | None

    @strawberry.field
    async def invoice(self, info: Info) -> Invoice:
        return await load_one(info, "invoices", fetch_invoices, self.invoice_id)


@strawberry.type
class InvoiceSubscription:
    """One subscription on an invoice, with the periods it covers."""

    line_id: strawberry.Private[UUID]
    invoice_id: strawberry.Private[UUID]
    subscription_id: strawberry.Private[UUID]

    from_datetime: ISO8601DateTime | None
    to_datetime: ISO8601DateTime | None
    charges_from_datetime: ISO8601DateTime | None
    charges_to_datetime: ISO8601DateTime | None

    @strawberry.field
    async def invoice(self, info: Info) -> Invoice:
        return await load_one(info, "invoices", fetch_invoices, self.invoice_id)

    @strawberry.field
    async def subscription(self, info: Info) -> LazySubscription:
        return await _subscription(info, self.subscription_id)

    @strawberry.field
    async def fees(self, info: Info) -> list[Fee] | None:
        return await self._fees(info)

    @strawberry.field
    async def charge_amount_cents(self, info: Info) -> BigInt:
        return _sum(await self._fees(info), "charge")

    @strawberry.field
    async def subscription_amount_cents(self, info: Info) -> BigInt:
        return _sum(await self._fees(info), "subscription")

    @strawberry.field
    async def total_amount_cents(self, info: Info) -> BigInt:
        return _sum(await self._fees(info))

    @strawberry.field
    async def accept_new_charge_fees(self, info: Info) -> bool:
        """Whether a charge of the plan has no line yet on an invoice that bills usage."""
        state = await load(info, "line_states", _fetch_line_states, self.line_id)
        return state is not None and state.accepts_charge_fees

    @strawberry.field
    async def in_advance_charges_from_datetime(self, info: Info) -> ISO8601DateTime | None:
        """Of what is carried and paid in advance: the period that it was renewed for."""
        return _first(fee.renewed[0] for fee in await self._fees(info))

    @strawberry.field
    async def in_advance_charges_to_datetime(self, info: Info) -> ISO8601DateTime | None:
        return _first(fee.renewed[1] for fee in await self._fees(info))

    async def _fees(self, info: Info) -> list[Fee]:
        of_invoice = await load(info, "fees_of_invoices", fetch_fees_of_invoices, self.invoice_id) or []
        return [fee for fee in of_invoice if fee.subscription_id == self.subscription_id]


@strawberry.type
class Invoice(InvoiceLife, InvoiceCredits, Logged):
    customer_id: strawberry.Private[UUID]
    billing_entity_id: strawberry.Private[UUID]

    sequential_id: strawberry.ID
    number: str
    invoice_type: InvoiceTypeEnum
    status: InvoiceStatusTypeEnum
    payment_status: InvoicePaymentStatusTypeEnum
    payment_overdue: bool
    currency: CurrencyEnum | None
    issuing_date: ISO8601Date
    payment_due_date: ISO8601Date
    expected_finalization_date: ISO8601Date
    purchase_order_number: str | None
    self_billed: bool
    version_number: int
    fees_amount_cents: BigInt
    coupons_amount_cents: BigInt
    credit_notes_amount_cents: BigInt
    prepaid_credit_amount_cents: BigInt
    prepaid_granted_credit_amount_cents: BigInt | None
    prepaid_purchased_credit_amount_cents: BigInt | None
    progressive_billing_credit_amount_cents: BigInt
    sub_total_excluding_taxes_amount_cents: BigInt
    sub_total_including_taxes_amount_cents: BigInt
    taxes_amount_cents: BigInt
    taxes_rate: float
    total_amount_cents: BigInt
    total_due_amount_cents: BigInt
    total_paid_amount_cents: BigInt
    total_settled_amount_cents: BigInt
    file_url: str | None
    xml_url: str | None
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime
    voided_at: ISO8601DateTime | None
    payment_dispute_lost_at: ISO8601DateTime | None
    payment_dispute_losable: bool
    ready_for_payment_processing: bool
    payable_type: str = "Invoice"

    @strawberry.field
    async def customer(self, info: Info) -> LazyCustomer:
        from graphql_api.customers.types import fetch_customers

        return await load_one(info, "customers", fetch_customers, self.customer_id)

    @strawberry.field
    async def billing_entity(self, info: Info) -> BillingEntity:
        return await load_one(info, "billing_entities", fetch_entities, self.billing_entity_id)

    @strawberry.field
    async def fees(self, info: Info) -> list[Fee] | None:
        return await self._fees(info)

    @strawberry.field
    async def payments(self, info: Info) -> list[LazyPayment] | None:
        """Its own and those of payment requests that it is in, the latest first."""
        from graphql_api.payments.types import fetch_payments_of_invoices

        return await load(info, "payments_of_invoices", fetch_payments_of_invoices, UUID(self.id)) or []

    @strawberry.field
    async def charge_amount_cents(self, info: Info) -> BigInt:
        return _sum(await self._fees(info), "charge")

    @strawberry.field
    async def applied_taxes(self, info: Info) -> list[InvoiceAppliedTax] | None:
        return await load(info, "taxes_of_invoices", _fetch_taxes_of_invoices, UUID(self.id)) or []

    @strawberry.field
    async def associated_active_wallet_present(self, info: Info) -> bool:
        """Whether it sold the credits of a wallet that is still active."""
        from graphql_api.credits.wallet_enums import WalletStatusEnum
        from graphql_api.credits.wallet_transaction_types import fetch_purchases
        from graphql_api.credits.wallet_types import fetch_wallets

        if self.invoice_type is not InvoiceTypeEnum.credit:
            return False
        bought = await load(info, "purchases", fetch_purchases, UUID(self.id))
        if bought is None:
            return False
        return (await load_one(info, "wallets", fetch_wallets, bought.wallet_id)).status is WalletStatusEnum.active

    @strawberry.field
    async def invoice_subscriptions(self, info: Info) -> list[InvoiceSubscription] | None:
        return await self._periods(info)

    @strawberry.field
    async def subscriptions(self, info: Info) -> list[LazySubscription] | None:
        return [await _subscription(info, period.subscription_id) for period in await self._periods(info)]

    async def _fees(self, info: Info) -> list[Fee]:
        return await load(info, "fees_of_invoices", fetch_fees_of_invoices, UUID(self.id)) or []

    async def _periods(self, info: Info) -> list[InvoiceSubscription]:
        return await load(info, "periods_of_invoices", _fetch_periods, UUID(self.id)) or []


@strawberry.type
class InvoiceCollection:
    collection: list[Invoice]
    metadata: CollectionMetadata


async def _subscription(info: Info, subscription_id: UUID) -> Subscription:
    from graphql_api.subscriptions.types import fetch_subscriptions

    return await load_one(info, "subscriptions", fetch_subscriptions, subscription_id)


def _first(instants: Iterable[ISO8601DateTime | None]) -> ISO8601DateTime | None:
    return next((instant for instant in instants if instant is not None), None)


async def _fetch_line_states(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, LineState]:
    return await line_states(work.session, ids)


def _sum(fees: list[Fee], kind: str | None = None) -> BigInt:
    return BigInt(sum(fee.amount_cents for fee in fees if kind is None or fee.fee_type.value == kind))


def invoice_type(row: Any) -> Invoice:
    """An invoice from a row of `domain.invoicing.queries`."""
    return Invoice(
        customer_id=row.customer_id,
        billing_entity_id=row.billing_entity_id,
        id=strawberry.ID(str(row.id)),
        voided_invoice_id=str(row.voided_invoice_id) if row.voided_invoice_id else None,
        tax_status=InvoiceTaxStatusTypeEnum(row.tax_status) if row.tax_status else None,
        sequential_id=strawberry.ID(str(row.sequential_id or 0)),
        number=row.number,
        invoice_type=InvoiceTypeEnum(row.invoice_type),
        status=InvoiceStatusTypeEnum(row.status),
        payment_status=InvoicePaymentStatusTypeEnum(row.payment_status),
        payment_overdue=row.payment_overdue,
        currency=row.currency,
        issuing_date=row.issuing_date,
        payment_due_date=row.payment_due_date,
        expected_finalization_date=row.expected_finalization_date,
        purchase_order_number=row.purchase_order_number,
        self_billed=row.self_billed,
        version_number=row.version_number,
        fees_amount_cents=row.fees_amount_cents,
        coupons_amount_cents=row.coupons_amount_cents,
        credit_notes_amount_cents=row.credit_notes_amount_cents,
        prepaid_credit_amount_cents=row.prepaid_credit_amount_cents,
        prepaid_granted_credit_amount_cents=row.prepaid_granted_credit_amount_cents,
        prepaid_purchased_credit_amount_cents=row.prepaid_purchased_credit_amount_cents,
        progressive_billing_credit_amount_cents=row.progressive_billing_credit_amount_cents,
        sub_total_excluding_taxes_amount_cents=row.sub_total_excluding_taxes_amount_cents,
        sub_total_including_taxes_amount_cents=row.sub_total_including_taxes_amount_cents,
        taxes_amount_cents=row.taxes_amount_cents,
        taxes_rate=number(row.taxes_rate),
        total_amount_cents=row.total_amount_cents,
        total_due_amount_cents=BigInt(total_due(row)),
        total_paid_amount_cents=row.total_paid_amount_cents,
        total_settled_amount_cents=BigInt(row.total_paid_amount_cents + row.offset_amount_cents),
        payment_dispute_lost_at=row.payment_dispute_lost_at,
        payment_dispute_losable=row.status in DISPUTABLE and row.payment_dispute_lost_at is None,
        ready_for_payment_processing=row.ready_for_payment_processing,
        file_url=download_url(row.organization_id, row.id) if row.document_key else None,
        xml_url=download_url(row.organization_id, row.id, "invoice_xml") if row.xml_key else None,
        created_at=row.created_at,
        updated_at=row.updated_at,
        voided_at=row.voided_at,
    )


async def fetch_invoices(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, Invoice]:
    """Visible invoices by id."""
    rows = await queries.invoice_rows(work.session, ids)
    return {row.id: invoice_type(row) for row in rows.values() if row.status in queries.VISIBLE}


async def fetch_invoices_of_customers(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[Invoice]]:
    """The visible invoices of each customer, the latest issued first."""
    found = await queries.invoices_of_customers(work.session, ids)
    return {customer_id: [invoice_type(row) for row in rows] for customer_id, rows in found.items()}


async def _fetch_periods(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[InvoiceSubscription]]:
    found = await queries.periods_of_invoices(work.session, ids)
    return {
        invoice_id: [
            InvoiceSubscription(
                line_id=row.id,
                invoice_id=row.invoice_id,
                subscription_id=row.subscription_id,
                from_datetime=row.from_datetime,
                to_datetime=row.to_datetime,
                charges_from_datetime=row.charges_from_datetime,
                charges_to_datetime=row.charges_to_datetime,
            )
            for row in rows
        ]
        for invoice_id, rows in found.items()
    }


async def _fetch_taxes_of_invoices(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[InvoiceAppliedTax]]:
    found = await queries.taxes_of_invoices(work.session, ids)
    return {
        invoice_id: [
            InvoiceAppliedTax(
                invoice_id=row.invoice_id,
                fees_amount_cents=row.fees_amount_cents,
                taxable_amount_cents=row.taxable_base_amount_cents,
                applied_on_whole_invoice=whole_invoice_code(row.tax_code) is not None,
                enumed_tax_code=whole_invoice_code(row.tax_code),
                **tax_fields(row),
            )
            for row in rows
        ]
        for invoice_id, rows in found.items()
    }
