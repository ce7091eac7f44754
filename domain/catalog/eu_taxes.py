"""EU value added tax: its taxes are made when a billing entity turns it on, and each customer of it has one of them.

Source: handbook, subscriptions-and-invoices 5.7. Which one is decided in `eu_tax_rules`.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from domain.catalog.applied_taxes import set_taxes
from domain.catalog.eu_tax_rules import PREFIX, Address, all_taxes, code_without_check, vat_number
from domain.catalog.events import CustomerTaxesChanged
from domain.catalog.models import CustomerTax, Tax
from domain.customers.models import Customer, PendingViesCheck
from domain.identity.models import BillingEntity
from domain.kernel import clock
from domain.kernel.ids import new_id
from domain.kernel.jobs import JobRequest
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["VIES_CHECK", "TaxDetails", "assign_eu_tax", "close_check", "is_open", "make_eu_taxes", "tax_details"]

VIES_CHECK: Final = "customers.vies_check"

TaxDetails = tuple[Any, ...]
"""What decides on a customer's EU tax; it is settled anew when this changes."""

_taxes, _links, _entities = table(Tax), table(CustomerTax), table(BillingEntity)
_customers, _pending = table(Customer), table(PendingViesCheck)


async def make_eu_taxes(work: UnitOfWork) -> None:
    """Makes the EU taxes that are missing, once a billing entity of the organization has them turned on. Taxes that are
    there keep their rates, as people set them."""
    managed = sa.exists().where(_entities.c.eu_tax_management, _entities.c.deleted_at.is_(None))
    if not await work.session.scalar(sa.select(managed)):
        return
    now = clock.now()
    rows = [
        {
            "id": new_id(),
            "organization_id": work.organization_id,
            "code": tax.code,
            "name": tax.name,
            "description": tax.description,
            "rate": tax.rate,
            "auto_generated": True,
            "created_at": now,
            "updated_at": now,
        }
        for tax in all_taxes(now.date())
    ]
    await work.session.execute(insert(_taxes).values(rows).on_conflict_do_nothing())


async def tax_details(
    work: UnitOfWork, *, external_id: object = None, customer_id: UUID | None = None
) -> TaxDetails | None:
    """The details of a customer as they are now; None for one that is not there."""
    c = _customers.c
    wanted = c.id == customer_id if customer_id is not None else c.external_id == str(external_id)
    details = sa.select(c.country, c.zipcode, c.tax_identification_number, c.billing_entity_id)
    row = (await work.session.execute(details.where(wanted, c.deleted_at.is_(None)))).first()
    return None if row is None else tuple(row)


async def assign_eu_tax(
    work: UnitOfWork, customer: Customer, before: TaxDetails | None, codes: list[str] | None = None
) -> None:
    """Gives a customer that was just written its EU tax, where its billing entity has them turned on.

    before: its details before the write, None for a new customer. Nothing happens when they are the same and it has an
    EU tax. codes: taxes that the client put on it by the same write, which stay beside. A VAT number that the register
    must confirm leaves the customer's taxes open: VIES_CHECK follows, invoices wait for it.
    """
    entity = await work.session.get_one(BillingEntity, customer.billing_entity_id)
    if not entity.eu_tax_management or entity.country is None:
        if before is not None:
            await close_check(work, customer.id)
        return
    now = (customer.country, customer.zipcode, customer.tax_identification_number, customer.billing_entity_id)
    if before == now and (await _has_eu_tax(work, customer.id) or await is_open(work, customer.id)):
        return
    await close_check(work, customer.id)
    address = Address(customer.country, customer.zipcode, customer.tax_identification_number)
    code = code_without_check(entity.country, address)
    if code is None:
        number = vat_number(address.number)
        assert number is not None, "only a number that looks right is checked"
        work.session.add(
            PendingViesCheck(
                organization_id=work.organization_id, customer_id=customer.id, tax_identification_number=number
            )
        )
        await work.session.flush()
        arguments = {"customer_id": customer.id, "number": number}
        work.enqueue(JobRequest(VIES_CHECK, arguments, unique_key=f"{customer.id}:{number}"))
        return
    await put_eu_tax(work, customer.id, code, codes)


async def close_check(work: UnitOfWork, customer_id: UUID) -> None:
    """The customer's VAT number is not waited for any more; one statement."""
    await work.session.execute(sa.delete(_pending).where(_pending.c.customer_id == customer_id))


async def put_eu_tax(work: UnitOfWork, customer_id: UUID, code: str, codes: list[str] | None = None) -> None:
    """Afterwards the customer has this tax and those of `codes`, no others."""
    await make_eu_taxes(work)
    if await set_taxes(work, CustomerTax, customer_id, [*(codes or ()), code]):
        work.record(CustomerTaxesChanged((customer_id,)))


async def _has_eu_tax(work: UnitOfWork, customer_id: UUID) -> bool:
    join = sa.join(_links, _taxes, _taxes.c.id == _links.c.tax_id)
    found = sa.select(sa.literal(1)).select_from(join)
    found = found.where(_links.c.customer_id == customer_id, _taxes.c.code.startswith(PREFIX, autoescape=True))
    return (await work.session.execute(found.limit(1))).first() is not None


async def is_open(work: UnitOfWork, customer_id: UUID) -> bool:
    """Whether the register has still to answer for the customer's VAT number."""
    found = sa.select(_pending.c.id).where(_pending.c.customer_id == customer_id)
    return (await work.session.execute(found)).first() is not None
