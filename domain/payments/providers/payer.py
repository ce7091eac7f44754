"""Customers as their provider is told of them. Source: handbook, credits 10.4."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from domain.customers.display_name import display_name
from domain.customers.models import Customer
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.providers.connections import connection_row
from domain.payments.providers.customers import provider_customer_rows
from domain.payments.providers.gateway import CheckoutOrder, Connection, Payer
from domain.payments.providers.models import CONNECTED_TYPES, ProviderCustomer

__all__ = ["Told", "connected_customers", "told"]

_customers, _rows = table(Customer), table(ProviderCustomer)


@dataclass(frozen=True, slots=True)
class Told:
    """A customer with the connection through which its provider is told of it. `holder`: the row of its name there."""

    connection: Connection
    holder: Any
    payer: Payer

    def checkout(self) -> CheckoutOrder:
        """The page where it leaves a method."""
        assert self.holder.provider_customer_id is not None, "the provider knows the customer"
        return CheckoutOrder(
            customer_id=self.payer.customer_id,
            external_id=self.payer.external_id,
            provider_customer_id=self.holder.provider_customer_id,
            methods=self.holder.provider_payment_methods,
        )


async def told(work: UnitOfWork, provider_customer_id: UUID) -> Told | None:
    """By the id of the row of its name; None where row, customer or connection are gone."""
    holder = (await provider_customer_rows(work.session, [provider_customer_id])).get(provider_customer_id)
    if holder is None or holder.deleted_at is not None or holder.provider_type not in CONNECTED_TYPES:
        return None
    connection = await connection_row(work.session, holder.payment_provider_id)
    query = sa.select(*_customers.c).where(_customers.c.id == holder.customer_id, _customers.c.deleted_at.is_(None))
    customer = (await work.session.execute(query)).first()
    if connection is None or customer is None:
        return None
    payer = Payer(
        customer_id=customer.id,
        external_id=customer.external_id,
        name=display_name(customer.name, customer.legal_name, customer.firstname, customer.lastname),
        email=customer.email,
        phone=customer.phone,
        address={
            "line1": customer.address_line1,
            "line2": customer.address_line2,
            "city": customer.city,
            "state": customer.state,
            "postal_code": customer.zipcode,
            "country": customer.country,
        },
        version=customer.updated_at,
        provider_customer_id=holder.provider_customer_id,
    )
    return Told(connection, holder, payer)


async def connected_customers(work: UnitOfWork, customer_ids: Collection[UUID]) -> list[UUID]:
    """The ids of the rows under which providers know these customers; one statement."""
    r = _rows.c
    query = sa.select(r.id).where(
        r.customer_id.in_(customer_ids),
        r.deleted_at.is_(None),
        r.provider_customer_id.is_not(None),
        r.provider_type.in_(CONNECTED_TYPES),
    )
    return list((await work.session.scalars(query.order_by(r.id))).all())
