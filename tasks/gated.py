"""Jobs of invoices that a subscription waited for and that are not to be paid any more."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from domain.payments.call_off import note_called_off, payment_taken, payment_to_call_off
from domain.payments.providers.gateway import GatewayBusy
from domain.payments.providers.gateways import gateway_of
from domain.payments.refunds import begin_payment_refund, note_refund
from tasks.jobs import external_job
from tasks.lease import Lease
from tasks.retries import polynomial

__all__ = ["CALL_OFF", "call_off"]

CALL_OFF: Final = "payments.call_off"


@external_job(CALL_OFF, queue="providers", dedicated="payments", retries=(polynomial(6, GatewayBusy),))
async def call_off(lease: Lease, invoice_id: str) -> None:
    """The payment of a closed invoice is taken back at its provider, or given back where it was taken already. Run
    again after a crash, the same is asked for and takes effect once."""
    async with lease.work() as work:
        taken = await payment_taken(work, UUID(invoice_id))
        refund = None if taken is None else await begin_payment_refund(work, taken)
        unwanted = None if taken is not None else await payment_to_call_off(work, UUID(invoice_id))
    if refund is not None:
        refunded = await gateway_of(refund.connection).refund(refund.order)
        async with lease.settle() as work:
            await note_refund(work, refund.refund_id, refunded)
    elif unwanted is not None:
        called_off = await gateway_of(unwanted.connection).cancel_payment(unwanted.provider_payment_id)
        async with lease.settle() as work:
            if called_off:
                await note_called_off(work, unwanted.payment_id)
