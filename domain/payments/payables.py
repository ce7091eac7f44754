"""What a payment is for, as a provider and its payer are told of it. Source: handbook, credits 6.3 and 7."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.customers.models import Customer
from domain.identity.models import BillingEntity
from domain.invoicing.settle import lock_for_payment, state_of
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.models import PaymentRequest, PaymentRequestInvoice
from domain.payments.providers.connections import connection_of
from domain.payments.providers.customers import provider_customer_of
from domain.payments.providers.gateway import Connection
from domain.payments.providers.models import CONNECTED_TYPES, PaymentProvider

__all__ = ["INVOICE", "REQUEST", "Account", "Payable", "account_of", "lock_invoice", "lock_request"]

INVOICE: Final = "Invoice"
REQUEST: Final = "PaymentRequest"
PAYABLE: Final = ("finalized", "open")

_customers, _entities, _providers = table(Customer), table(BillingEntity), table(PaymentProvider)
_requests, _parts = table(PaymentRequest), table(PaymentRequestInvoice)


@dataclass(frozen=True, slots=True)
class Payable:
    """An invoice or a payment request, locked with its invoices.

    due: cents. open: whether it can be paid at all. shares: what each invoice gets of a payment, in cents.
    """

    type: str
    id: UUID
    customer_id: UUID
    billing_entity_id: UUID
    due: int
    currency: str
    paid: bool
    open: bool
    ready: bool
    what: str
    metadata: Mapping[str, str]
    invoices: Mapping[UUID, Any]
    shares: Mapping[UUID, int]

    @property
    def column(self) -> str:
        """The column of a payment that names it."""
        return "invoice_id" if self.type == INVOICE else "payment_request_id"

    @property
    def reference(self) -> dict[str, Any]:
        """What a payment's row says of it."""
        return {self.column: self.id}


@dataclass(frozen=True, slots=True)
class Account:
    """What a customer is called at the provider it pays with, and the connection to that provider."""

    connection: Connection
    holder: Any
    customer: Any
    entity: Any


async def lock_invoice(work: UnitOfWork, invoice_id: UUID) -> Payable | None:
    """An invoice by its id."""
    row = (await lock_for_payment(work, [invoice_id])).get(invoice_id)
    if row is None:
        return None
    due = state_of(row).due
    return Payable(
        type=INVOICE,
        id=row.id,
        customer_id=row.customer_id,
        billing_entity_id=row.billing_entity_id,
        due=due,
        currency=row.currency,
        paid=row.payment_status == "succeeded",
        open=row.status in PAYABLE and not row.self_billed,
        ready=row.ready_for_payment_processing,
        what=f"Invoice {row.number or row.id}",
        metadata={
            "lago_invoice_id": str(row.id),
            "lago_customer_id": str(row.customer_id),
            "invoice_issuing_date": row.issuing_date.isoformat(),
            "invoice_type": row.invoice_type,
        },
        invoices={row.id: row},
        shares={row.id: due},
    )


async def lock_request(work: UnitOfWork, request_id: UUID) -> Payable | None:
    """A payment request by its id, with its invoices, which are locked first, in the order of their ids."""
    parts = await work.session.execute(
        sa.select(_parts.c.invoice_id, _parts.c.amount_cents).where(_parts.c.payment_request_id == request_id)
    )
    shares = {row.invoice_id: row.amount_cents for row in parts}
    invoices = await lock_for_payment(work, shares)
    query = sa.select(*_requests.c).where(_requests.c.id == request_id).with_for_update()
    row = (await work.session.execute(query)).first()
    if row is None or not invoices:
        return None
    paid = row.payment_status == "succeeded"
    return Payable(
        type=REQUEST,
        id=row.id,
        customer_id=row.customer_id,
        billing_entity_id=next(iter(invoices.values())).billing_entity_id,
        due=row.amount_cents,
        currency=row.amount_currency,
        paid=paid,
        open=all(each.status in PAYABLE and each.payment_status != "succeeded" for each in invoices.values()),
        ready=row.ready_for_payment_processing and all(_ready(invoices.values())),
        what="Overdue invoices",
        metadata={"lago_payment_request_id": str(row.id), "lago_customer_id": str(row.customer_id)},
        invoices=invoices,
        shares=shares,
    )


async def account_of(session: AsyncSession, customer_id: UUID, billing_entity_id: UUID) -> Account | None:
    """How a customer pays, None while it has no provider, its provider was removed, or it is not known there."""
    customer = (await session.execute(sa.select(*_customers.c).where(_customers.c.id == customer_id))).one()
    if customer.payment_provider not in CONNECTED_TYPES:
        return None
    holder = await provider_customer_of(session, customer_id, customer.payment_provider)
    if holder is None or holder.provider_customer_id is None or holder.provider_deleted_at is not None:
        return None
    provider = await session.execute(sa.select(*_providers.c).where(_providers.c.id == holder.payment_provider_id))
    entity = await session.execute(sa.select(*_entities.c).where(_entities.c.id == billing_entity_id))
    return Account(connection_of(provider.one()), holder, customer, entity.one())


def _ready(rows: Collection[Any]) -> list[bool]:
    return [row.ready_for_payment_processing for row in rows]
