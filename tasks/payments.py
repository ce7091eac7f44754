"""Jobs of payments."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.attempts import begin_payment
from domain.payments.call_off import note_called_off, payment_to_call_off
from domain.payments.outcomes import note_outcome
from domain.payments.providers.gateway import GatewayBusy
from domain.payments.providers.gateways import gateway_of
from domain.payments.receipt_documents import load_receipts, mark_receipts_stored, store_receipt
from domain.payments.receipts import make_receipts
from domain.payments.remind import begin_anew
from tasks.jobs import external_job, job
from tasks.lease import Lease
from tasks.retries import polynomial

__all__ = [
    "CALL_OFF", "RECEIPTS", "RECEIPTS_AT_A_TIME", "TAKE", "call_off", "count_anew", "generate_receipts",
    "give_receipts", "take",
]  # fmt: skip

TAKE: Final = "payments.take"
CALL_OFF: Final = "payments.call_off"
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
    if attempt is None:
        return
    charged = await gateway_of(attempt.connection).charge(attempt.order)
    async with lease.settle() as work:
        again = await note_outcome(work, attempt.order.payment_id, charged)
        if again and lease.claim.attempts + 1 < MOST_CONFIRMATIONS:
            lease.repeat_after(CONFIRMATION_PAUSE, "the payer must confirm")


@external_job(CALL_OFF, queue="providers", dedicated="payments", retries=(polynomial(6, GatewayBusy),))
async def call_off(lease: Lease, invoice_id: str) -> None:
    """The payment of an invoice that is not to be paid any more is taken back at its provider."""
    async with lease.work() as work:
        found = await payment_to_call_off(work, UUID(invoice_id))
    if found is None:
        return
    called_off = await gateway_of(found.connection).cancel_payment(found.provider_payment_id)
    async with lease.settle() as work:
        if called_off:
            await note_called_off(work, found.payment_id)
