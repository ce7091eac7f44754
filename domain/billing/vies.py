"""What follows from the register's answer on a customer's VAT number.

Source: handbook, subscriptions-and-invoices 5.7 and jobs 4.6.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from domain.billing.finish_waiting import let_go_on
from domain.catalog.eu_tax_rules import Address, code_after_check
from domain.catalog.eu_taxes import put_eu_tax
from domain.catalog.vies import Answer, Unavailable, pause_after
from domain.customers.models import Customer, PendingViesCheck
from domain.customers.payloads import customer_payloads
from domain.identity.models import BillingEntity
from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.messaging.send import send_webhooks

__all__ = ["WEBHOOK", "is_awaited", "note_answer"]

WEBHOOK = "customer.vies_check"

_pending = table(PendingViesCheck)


async def is_awaited(work: UnitOfWork, customer_id: UUID, number: str) -> bool:
    """Whether the customer's taxes still wait for this number."""
    return await _awaited(work, customer_id, number) is not None


async def _awaited(
    work: UnitOfWork, customer_id: UUID, number: str, *, locked: bool = False
) -> PendingViesCheck | None:
    wanted = sa.select(PendingViesCheck).where(
        _pending.c.customer_id == customer_id, _pending.c.tax_identification_number == number
    )
    found: PendingViesCheck | None = await work.session.scalar(wanted.with_for_update() if locked else wanted)
    return found


async def note_answer(work: UnitOfWork, customer_id: UUID, number: str, said: Answer | Unavailable) -> timedelta | None:
    """Puts the tax on the customer, tells the endpoints and lets its invoices go on; how long to wait for the next
    call when the register did not answer.

    A number that is not awaited any more, because the customer was edited meanwhile, changes nothing.
    """
    pending = await _awaited(work, customer_id, number, locked=True)
    if pending is None:
        return None
    if isinstance(said, Unavailable):
        pending.attempts += 1
        pending.last_attempt_at, pending.last_error = clock.now(), str(said)
        await work.session.flush()
        await _tell(work, customer_id, {"valid": False, "error": str(said)})
        return pause_after(pending.attempts)
    customer = await work.session.get_one(Customer, customer_id)
    entity = await work.session.get_one(BillingEntity, customer.billing_entity_id)
    await work.session.delete(pending)
    await work.session.flush()
    if entity.eu_tax_management and entity.country is not None:
        address = Address(customer.country, customer.zipcode, customer.tax_identification_number)
        await put_eu_tax(work, customer_id, code_after_check(entity.country, address, valid=said.valid))
    await _tell(
        work,
        customer_id,
        {
            "valid": said.valid,
            "country_code": said.country_code,
            "vat_number": said.vat_number,
            "company_name": said.name,
            "company_address": said.address,
        },
    )
    await let_go_on(work, customer_id)
    return None


async def _tell(work: UnitOfWork, customer_id: UUID, check: dict[str, object]) -> None:
    content = (await customer_payloads(work.session, [customer_id]))[customer_id]
    await send_webhooks(work, WEBHOOK, "customer", [{**content, "vies_check": check}])
