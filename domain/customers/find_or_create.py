"""Where a subscription gets its customer from."""

from __future__ import annotations

from domain.customers.make_customer import customer_by_external_id, make_customer
from domain.customers.models import Customer
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["find_or_create"]


async def find_or_create(work: UnitOfWork, external_id: str, currency: str | None) -> Customer:
    """The customer with this external id, locked for the rest of the transaction; a new one when there is none.

    currency: becomes the customer's while it has none; an existing currency is never changed (several may coexist).
    external_id is a text that has been read by a Reader, not blank.
    """
    customer = await customer_by_external_id(work, external_id)
    if customer is None:
        return await make_customer(work, {"external_id": external_id, "currency": currency})
    if customer.currency is None and currency is not None:
        customer.currency = currency
        await work.session.flush()
    return customer
