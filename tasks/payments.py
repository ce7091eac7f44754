"""Jobs of payments."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.attempts import begin_payment
from domain.payments.inbound import finish_inbound, open_inbound
from domain.payments.links import expire_pages, expire_request_pages
from domain.payments.outcomes import note_outcome
from domain.payments.provider_events import apply_event
from domain.payments.providers.gateway import GatewayBusy, GatewayRefused, MethodKept
from domain.payments.providers.gateways import gateway_of
from domain.payments.receipt_documents import load_receipts, mark_receipts_stored, store_receipt
from domain.payments.receipts import make_receipts
from domain.payments.refunds import begin_note_refund, note_refund
from domain.payments.remind import begin_anew
from tasks.jobs import external_job, job
from tasks.lease import Lease
from tasks.retries import polynomial

__all__ = [
    "EXPIRE_PAGES",
    "INBOUND",
    "RECEIPTS",
    "RECEIPTS_AT_A_TIME",
    "REFUND",
    "TAKE",
    "count_anew",
    "generate_receipts",
    "give_receipts",
    "take",
]

TAKE: Final = "payments.take"
EXPIRE_PAGES: Final = "payments.expire_pages"
INBOUND: Final = "payments.process_inbound"
REFUND: Final = "payments.refund_note"
# How often, and how soon, a payment that its payer must confirm is tried again.
MOST_CONFIRMATIONS: Final = 20
CONFIRMATION_PAUSE: Final = timedelta(seconds=5)

RECEIPTS = "payments.generate_receipts"
# About half a second of rendering.
RECEIPTS_AT_A_TIME = 20


@job("payments.begin_anew", dedicated="payments")
async def count_anew(work: UnitOfWork, invoice_ids: list[str]) -> None:
    """Customers who paid what they were reminded of are not counted as reminded of it any more."""
    await begin_anew(work, [UUID(each) for each in invoice_ids])


@job("payments.make_receipts", queue="low_priority")
async def give_receipts(work: UnitOfWork, payment_ids: list[str]) -> None:
    """A receipt for each payment that has none."""
    await make_receipts(work, [UUID(each) for each in payment_ids])


@external_job(RECEIPTS, queue="low_priority", dedicated="pdfs", retries=(polynomial(6),))
async def generate_receipts(lease: Lease, receipt_ids: list[str]) -> None:
    """Renders and stores the PDFs that these receipts lack, without a transaction meanwhile."""
    async with lease.work() as work:
        documents = await load_receipts(work, [UUID(each) for each in receipt_ids])
        organization_id = work.organization_id
    stored = [await store_receipt(organization_id, receipt_id, files) for receipt_id, files in documents.items()]
    async with lease.settle() as work:
        await mark_receipts_stored(work, stored)


@external_job(TAKE, queue="default", dedicated="payments", retries=(polynomial(6, GatewayBusy),))
async def take(
    lease: Lease,
    payable_type: str,
    payable_id: str,
    first: bool = False,
    method_type: str | None = None,
    method_id: str | None = None,
) -> None:
    """One payment by the customer's provider, of an invoice or of a payment request. The payment is written before the
    provider is called; run again after a crash, the same call is made and answered as the first time."""
    async with lease.work() as work:
        attempt = await begin_payment(
            work,
            payable_type,
            UUID(payable_id),
            first=first and lease.claim.attempts == 0,
            method_type=method_type,
            method_id=None if method_id is None else UUID(method_id),
        )
        order = None if attempt is None else attempt.order
        pages = [] if order is None else await expire_request_pages(work, order.payable_type, order.payable_id)
    if attempt is None:
        return
    # Nobody pays on a page beside the charge.
    for connection, session_id in pages:
        with suppress(GatewayRefused):
            await gateway_of(connection).expire_page(session_id)
    charged = await gateway_of(attempt.connection).charge(attempt.order)
    async with lease.settle() as work:
        again = await note_outcome(work, attempt.order.payment_id, charged)
        if again and lease.claim.attempts + 1 < MOST_CONFIRMATIONS:
            lease.repeat_after(CONFIRMATION_PAUSE, "the payer must confirm")


@external_job(EXPIRE_PAGES, queue="providers", retries=(polynomial(5, GatewayBusy),))
async def expire_invoice_pages(lease: Lease, invoice_id: str) -> None:
    """Nobody pays an invoice on a page any more, its own or that of a payment request, that was paid otherwise or taken
    back."""
    async with lease.work() as work:
        sessions = await expire_pages(work, [UUID(invoice_id)])
    for connection, session_id in sessions:
        await gateway_of(connection).expire_page(session_id)


@external_job(REFUND, queue="providers", retries=(polynomial(6, GatewayBusy),))
async def refund_note(lease: Lease, credit_note_id: str) -> None:
    """Gives the money of a credit note back through the provider that took it."""
    async with lease.work() as work:
        wanted = await begin_note_refund(work, UUID(credit_note_id))
    if wanted is None:
        return
    refunded = await gateway_of(wanted.connection).refund(wanted.order)
    async with lease.settle() as work:
        await note_refund(work, wanted.refund_id, refunded)


@external_job(INBOUND, queue="providers", dedicated="payments", retries=(polynomial(6, GatewayBusy),))
async def process_inbound(lease: Lease, inbound_id: str) -> None:
    """Works one event of a provider through; what it says and that it was done are one transaction."""
    async with lease.work() as work:
        inbound = await open_inbound(work, UUID(inbound_id))
    if inbound is None:
        return
    gateway = gateway_of(inbound.connection)
    event = gateway.read(inbound.event)
    method = None
    try:
        if isinstance(event, MethodKept):
            method = await gateway.method(event)
    except GatewayRefused:
        async with lease.settle() as work:
            await finish_inbound(work, inbound.id, "failed")
        return
    async with lease.settle() as work:
        if event is not None:
            await apply_event(work, inbound.connection, event, method)
        await finish_inbound(work, inbound.id, "succeeded")
