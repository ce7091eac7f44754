"""Making a customer and giving it its number, so that two requests at once make one customer and two numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from domain.customers.events import CustomerCreated
from domain.customers.models import Customer, CustomerMetadata
from domain.identity.models import BillingEntity
from domain.kernel.noted_metadata import SentMetadata, replace_metadata
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["customer_by_external_id", "make_customer"]

_customers, _entities = table(Customer), table(BillingEntity)
_LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('customers.sequential_id:' || :organization, 0))")


async def customer_by_external_id(work: UnitOfWork, external_id: str) -> Customer | None:
    """The kept customer, locked. When there is none, the organization's numbering is locked instead, so that of two
    that would create the same customer one finds the other's."""
    select = (
        sa.select(Customer)
        .where(_customers.c.external_id == external_id, _customers.c.deleted_at.is_(None))
        .with_for_update()
    )
    customer = await work.session.scalar(select)
    if customer is None:
        await work.session.execute(_LOCK, {"organization": str(work.organization_id)})
        customer = await work.session.scalar(select)
    return customer


async def make_customer(
    work: UnitOfWork, values: Mapping[str, Any], metadata: Sequence[SentMetadata] | None = None
) -> Customer:
    """A new customer with these columns; `customer_by_external_id` has answered None in this transaction.

    Its number is one more than the highest so far, deleted customers included.
    """
    entity_id = values.get("billing_entity_id", work.organization_id)
    highest = sa.select(sa.func.coalesce(sa.func.max(_customers.c.sequential_id), 0)).scalar_subquery()
    row = (
        await work.session.execute(
            sa.select(_entities.c.document_number_prefix, highest.label("highest")).where(_entities.c.id == entity_id)
        )
    ).one()
    number = row.highest + 1
    customer = Customer(
        **{
            **values,
            "organization_id": work.organization_id,
            "billing_entity_id": entity_id,
            "sequential_id": number,
            "slug": f"{row.document_number_prefix}-{number:03d}",
        }
    )
    work.session.add(customer)
    await work.session.flush()
    if metadata:
        await replace_metadata(work, table(CustomerMetadata), "customer_id", customer.id, metadata)
    work.record(CustomerCreated((customer.id,)))
    return customer
