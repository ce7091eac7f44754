"""Customers with what other contexts decide on them: their taxes, and what they are called at payment providers.

Source: handbook, subscriptions-and-invoices 5.7.
"""

from __future__ import annotations

from uuid import UUID

from domain.billing.finish_waiting import let_go_on
from domain.catalog.applied_taxes import read_tax_codes
from domain.catalog.customer_taxes import set_customer_taxes
from domain.catalog.eu_taxes import TaxDetails, assign_eu_tax, tax_details
from domain.customers import customers
from domain.customers.find_or_create import find_or_create
from domain.customers.models import Customer
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params
from domain.payments.providers.customers import link_customer

__all__ = ["create_customer", "customer_to_subscribe", "update_customer", "upsert_customer"]


async def upsert_customer(work: UnitOfWork, params: Params) -> Customer:
    """Creates the customer with this external id, or changes what is given, `tax_codes` among it. Raises
    ValidationFailed, NotFound."""
    before = await tax_details(work, external_id=str(params.get("external_id") or "").strip())
    return await _taxed(work, await customers.upsert_customer(work, params), before, params)


async def create_customer(work: UnitOfWork, params: Params) -> Customer:
    """A new customer with its taxes. Raises ValidationFailed, NotFound."""
    return await _taxed(work, await customers.create_customer(work, params), None, params)


async def update_customer(work: UnitOfWork, customer_id: UUID | None, params: Params) -> Customer:
    """Changes what is given, `tax_codes` among it. Raises NotFound, ValidationFailed."""
    before = await tax_details(work, customer_id=customer_id) if customer_id else None
    return await _taxed(work, await customers.update_customer(work, customer_id, params), before, params)


async def customer_to_subscribe(work: UnitOfWork, external_id: str, currency: str | None) -> Customer:
    """The customer with this external id, locked; a new one, with its EU tax, when there is none."""
    known = await tax_details(work, external_id=external_id)
    customer = await find_or_create(work, external_id, currency)
    if known is None:
        await assign_eu_tax(work, customer, None)
    return customer


async def _taxed(work: UnitOfWork, customer: Customer, before: TaxDetails | None, params: Params) -> Customer:
    await set_customer_taxes(work, customer.id, params)
    await link_customer(work, customer, params)
    await assign_eu_tax(work, customer, before, read_tax_codes(params))
    if before is not None:
        await let_go_on(work, customer.id)
    return customer
