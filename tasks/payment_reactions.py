"""What follows where money is asked for: payments of invoices and requests, pages, refunds, receipts, and what a
payment provider is told of customers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from domain.billing.events import GatedInvoicesClosed
from domain.credits.note_events import CreditNotesIssued
from domain.customers.events import CustomerDetailsChanged
from domain.invoicing.events import (
    CreditInvoicesCreated,
    CreditInvoicesOpened,
    InvoicePaymentsRefused,
    InvoicePaymentStatusUpdated,
    InvoicesFinalized,
    InvoicesVoided,
    OneOffInvoicesCreated,
)
from domain.invoicing.queries import invoices_of_status, invoices_of_type
from domain.kernel.events import DomainEvent
from domain.kernel.jobs import JobRequest
from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.asked import automatic_top_ups, invoices_to_take, requests_to_take
from domain.payments.events import (
    InboundWebhooksStored,
    InvoicePaymentsAsked,
    PaymentReceiptsCreated,
    PaymentRequestsCreated,
    PaymentsSucceeded,
    ProviderCustomersLinked,
    ProviderCustomersWanted,
)
from domain.payments.links import pages_are_used, pages_to_expire
from domain.payments.payables import INVOICE, REQUEST
from domain.payments.providers.payer import connected_customers
from domain.payments.refunds import notes_to_refund
from infrastructure.settings import settings
from tasks.gated import CALL_OFF
from tasks.payments import EXPIRE_PAGES, INBOUND, RECEIPTS, RECEIPTS_AT_A_TIME, REFUND, TAKE
from tasks.providers import CREATE_CUSTOMER, LEARN_METHOD, UPDATE_CUSTOMER
from tasks.reacting import Reaction, chunks, ids_of

__all__ = [
    "call_off",
    "create_at_providers",
    "expire_pages",
    "learn_methods",
    "process_inbound",
    "receipts",
    "refund_notes",
    "resolve_gates",
    "settle_purchases",
    "take_asked",
    "take_invoices",
    "take_requests",
    "tell_providers",
    "update_at_providers",
]


async def settle_purchases(
    work: UnitOfWork, events: Sequence[InvoicePaymentStatusUpdated | InvoicePaymentsRefused]
) -> Iterable[JobRequest]:
    """Purchases of credits follow the payment of their invoices."""
    ids = await invoices_of_type(work.session, ids_of(events, "invoice_ids"), "credit")
    return [JobRequest("wallets.follow_payments", {"invoice_ids": some}) for some in chunks(ids)]


async def resolve_gates(
    work: UnitOfWork, events: Sequence[InvoicePaymentStatusUpdated | InvoicePaymentsRefused]
) -> Iterable[JobRequest]:
    """Subscriptions that wait for a payment are told of it; one that came too late is given back."""
    ids = ids_of(events, "invoice_ids")
    waiting = await invoices_of_status(work.session, ids, "open")
    late = await invoices_of_status(work.session, ids, "closed")
    jobs = [JobRequest("billing.resolve_payments", {"invoice_ids": some}) for some in chunks(waiting)]
    return jobs + [JobRequest(CALL_OFF, {"invoice_id": each}) for each in late]


async def call_off(work: UnitOfWork, events: Sequence[GatedInvoicesClosed]) -> Iterable[JobRequest]:
    return [JobRequest(CALL_OFF, {"invoice_id": each}) for each in ids_of(events, "invoice_ids")]


async def take_invoices(
    work: UnitOfWork,
    events: Sequence[InvoicesFinalized | OneOffInvoicesCreated | CreditInvoicesCreated | CreditInvoicesOpened],
) -> Iterable[JobRequest]:
    """The first payment of new invoices, each by a job of its own, where a provider can be asked. It waits where payers
    are sent to pages, but for top-ups that nobody asked for."""
    ids = await invoices_to_take(work.session, ids_of(events, "invoice_ids"), issued=True)
    if not ids or not await pages_are_used(work):
        return [_taken(INVOICE, each, first=True) for each in ids]
    automatic = set(await automatic_top_ups(work.session, ids))
    pause = timedelta(seconds=settings().checkout_payment_delay_seconds)
    return [
        replace(_taken(INVOICE, each, first=True), delay=timedelta(0) if each in automatic else pause) for each in ids
    ]


async def expire_pages(
    work: UnitOfWork,
    events: Sequence[InvoicePaymentStatusUpdated | InvoicesVoided | PaymentsSucceeded | CreditNotesIssued],
) -> Iterable[JobRequest]:
    """Pages where an invoice can still be paid that was paid otherwise or credited, in part or in full, or taken
    back."""
    paid = [event for event in events if isinstance(event, PaymentsSucceeded)]
    credited = [event for event in events if isinstance(event, CreditNotesIssued)]
    others = [event for event in events if not isinstance(event, PaymentsSucceeded | CreditNotesIssued)]
    ids = await pages_to_expire(
        work,
        invoice_ids=ids_of(others, "invoice_ids"),
        payment_ids=ids_of(paid, "payment_ids"),
        credit_note_ids=ids_of(credited, "credit_note_ids"),
    )
    return [JobRequest(EXPIRE_PAGES, {"invoice_id": each}, unique_key=str(each)) for each in ids]


async def refund_notes(work: UnitOfWork, events: Sequence[CreditNotesIssued]) -> Iterable[JobRequest]:
    ids = await notes_to_refund(work, ids_of(events, "credit_note_ids"))
    return [JobRequest(REFUND, {"credit_note_id": each}, unique_key=str(each)) for each in ids]


async def process_inbound(work: UnitOfWork, events: Sequence[InboundWebhooksStored]) -> Iterable[JobRequest]:
    ids = ids_of(events, "inbound_ids")
    return [JobRequest(INBOUND, {"inbound_id": each}, unique_key=str(each)) for each in ids]


async def take_asked(work: UnitOfWork, events: Sequence[InvoicePaymentsAsked]) -> Iterable[JobRequest]:
    """One more payment of invoices, as the client wants it."""
    return [
        _taken(INVOICE, each, method_type=event.method_type, method_id=event.method_id)
        for event in events
        for each in event.invoice_ids
    ]


async def take_requests(work: UnitOfWork, events: Sequence[PaymentRequestsCreated]) -> Iterable[JobRequest]:
    wanted = set(await requests_to_take(work.session, ids_of(events, "request_ids")))
    return [
        _taken(REQUEST, each, method_type=event.method_type, method_id=event.method_id)
        for event in events
        for each in event.request_ids
        if each in wanted
    ]


def _taken(payable_type: str, payable_id: UUID, **more: object) -> JobRequest:
    """One job at a time waits for a payable, and one for its first payment."""
    arguments = {"payable_type": payable_type, "payable_id": payable_id, **more}
    return JobRequest(TAKE, arguments, unique_key=f"{'first' if more.get('first') else 'asked'}-{payable_id}")


async def create_at_providers(work: UnitOfWork, events: Sequence[ProviderCustomersWanted]) -> Iterable[JobRequest]:
    ids = ids_of(events, "provider_customer_ids")
    return [JobRequest(CREATE_CUSTOMER, {"provider_customer_id": each}, unique_key=str(each)) for each in ids]


async def learn_methods(work: UnitOfWork, events: Sequence[ProviderCustomersLinked]) -> Iterable[JobRequest]:
    ids = ids_of([event for event in events if event.learn], "provider_customer_ids")
    return [JobRequest(LEARN_METHOD, {"provider_customer_id": each}) for each in ids]


async def update_at_providers(work: UnitOfWork, events: Sequence[CustomerDetailsChanged]) -> Iterable[JobRequest]:
    ids = await connected_customers(work, ids_of(events, "customer_ids"))
    return [JobRequest(UPDATE_CUSTOMER, {"provider_customer_id": each}) for each in ids]


def tell_providers(actor: str) -> Reaction:
    """One job for each connection."""

    async def react(work: UnitOfWork, events: Sequence[DomainEvent]) -> Iterable[JobRequest]:
        return [JobRequest(actor, {"provider_id": each}) for each in ids_of(events, "provider_ids")]

    return react


async def receipts(work: UnitOfWork, events: Sequence[PaymentReceiptsCreated]) -> Iterable[JobRequest]:
    """Their PDFs, a few at a time, unless the installation makes none."""
    if settings().disable_pdf_generation:
        return []
    parts = chunks(ids_of(events, "receipt_ids"), RECEIPTS_AT_A_TIME)
    return [JobRequest(RECEIPTS, {"receipt_ids": some}) for some in parts]
