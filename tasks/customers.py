"""Jobs of customers."""

from __future__ import annotations

from uuid import UUID

from domain.billing.vies import is_awaited, note_answer
from domain.catalog.eu_taxes import VIES_CHECK
from domain.catalog.vies import Answer, Unavailable, ask_register
from tasks.jobs import external_job
from tasks.lease import Lease

__all__ = ["check_vat_number"]


@external_job(VIES_CHECK)
async def check_vat_number(lease: Lease, customer_id: str, number: str) -> None:
    """Asks the EU's register; the next call waits on the same row while it does not answer."""
    async with lease.work() as work:
        awaited = await is_awaited(work, UUID(customer_id), number)
    said: Answer | Unavailable = Unavailable("not asked")
    if awaited:
        try:
            said = await ask_register(number)
        except Unavailable as error:
            said = error
    async with lease.settle() as work:
        pause = await note_answer(work, UUID(customer_id), number, said) if awaited else None
        if pause is not None:
            lease.repeat_after(pause, f"the register of VAT numbers did not answer: {said}")
