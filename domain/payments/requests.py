"""Asking a customer to pay several overdue invoices at once. Source: handbook, credits 7."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from domain.customers.customer_terms import emails_are_valid
from domain.customers.queries import customer_row
from domain.invoicing.settle import lock_for_payment, state_of
from domain.kernel import clock
from domain.kernel.errors import NotAllowed, NotFound
from domain.kernel.ids import parse_id
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params, Reader
from domain.payments.events import PaymentRequestsCreated
from domain.payments.methods import read_reference
from domain.payments.models import PaymentRequest, PaymentRequestInvoice

__all__ = ["MOST_INVOICES", "Wanted", "create_payment_request", "request_payments"]

MOST_INVOICES: Final = 1_000
LONGEST_EMAILS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request to be made: locked invoices of one customer, currency and billing entity."""

    customer_id: UUID
    email: str | None
    invoices: Sequence[Any]
    dunning_campaign_id: UUID | None = None


async def create_payment_request(work: UnitOfWork, params: Params) -> UUID:
    """A request for the invoices that a client names; its id.

    params: external_customer_id, lago_invoice_ids (unknown ones among known ones are passed over), email (else the
    customer's), payment_method. Raises ValidationFailed, NotFound("customer"), NotFound("invoice") and NotAllowed with
    what the invoices have that keeps them apart.
    """
    read = Reader(params)
    external_id = read.text("external_customer_id", mandatory=True)
    email = read.text("email", longest=LONGEST_EMAILS)
    if email is not None and not emails_are_valid(email):
        read.add("email", "invalid_email_format")
    named = read.texts("lago_invoice_ids", most=MOST_INVOICES) or []
    read.finish()
    customer = await customer_row(work.session, external_id=external_id)
    method = await read_reference(work, customer.id, params)
    ids = {found for each in named if (found := parse_id(each)) is not None}
    invoices = [
        row
        for row in (await lock_for_payment(work, ids)).values()
        if row.customer_id == customer.id and row.status == "finalized"
    ]
    if not invoices:
        raise NotFound("invoice")
    if (code := _obstacle(invoices)) is not None:
        raise NotAllowed(code)
    (request_id,) = await request_payments(work, [Wanted(customer.id, email or customer.email, invoices)], *method)
    return request_id


async def request_payments(
    work: UnitOfWork, wanted: Sequence[Wanted], method_type: str | None = None, method_id: UUID | None = None
) -> list[UUID]:
    """A request for each, to be paid with this method; their ids. The amount is what is due on all its invoices, and
    each invoice's share of it is kept: their sum is the amount to the cent. Two statements, whatever the
    number of requests."""
    now = clock.now()
    requests, parts = [], []
    for each in wanted:
        shares: Mapping[UUID, int] = {row.id: state_of(row).due for row in each.invoices}
        request = PaymentRequest(
            organization_id=work.organization_id,
            customer_id=each.customer_id,
            dunning_campaign_id=each.dunning_campaign_id,
            amount_cents=sum(shares.values()),
            amount_currency=each.invoices[0].currency,
            email=each.email,
            created_at=now,
        )
        requests.append(request)
        parts += [
            PaymentRequestInvoice(
                organization_id=work.organization_id,
                payment_request_id=request.id,
                invoice_id=invoice_id,
                amount_cents=share,
            )
            for invoice_id, share in shares.items()
        ]
    for rows in (requests, parts):
        work.session.add_all(rows)
        await work.session.flush()
    ids = [request.id for request in requests]
    if ids:
        work.record(PaymentRequestsCreated(tuple(ids), method_type, method_id))
    return ids


def _obstacle(invoices: Sequence[Any]) -> str | None:
    """Why these invoices can't be paid together, or None."""
    if not all(row.payment_overdue for row in invoices):
        return "invoices_not_overdue"
    if len({row.currency for row in invoices}) > 1:
        return "invoices_have_different_currencies"
    if len({row.billing_entity_id for row in invoices}) > 1:
        return "invoices_have_different_billing_entities"
    if not all(row.ready_for_payment_processing for row in invoices):
        return "invoices_not_ready_for_payment_processing"
    return None
