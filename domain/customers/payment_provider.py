"""The provider that customers' payments are taken with, as it stands on them. What it means is `domain/payments`'."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa

from domain.customers.models import Customer
from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["rename_connection", "set_payment_provider", "take_connection_away"]

_customers = table(Customer)


async def set_payment_provider(
    work: UnitOfWork, customer_ids: Collection[UUID], provider_type: str | None, code: str | None
) -> None:
    """These customers pay there from now on; None for nowhere. One statement."""
    values = {"payment_provider": provider_type, "payment_provider_code": code, "updated_at": clock.now()}
    await work.session.execute(sa.update(_customers).where(_customers.c.id.in_(customer_ids)).values(**values))


async def rename_connection(work: UnitOfWork, provider_type: str, before: str, after: str) -> None:
    """Customers follow the code of their connection. One statement."""
    await work.session.execute(
        sa.update(_customers).where(*_of(provider_type, before)).values(payment_provider_code=after)
    )


async def take_connection_away(work: UnitOfWork, provider_type: str, code: str) -> None:
    """Customers of this connection pay nowhere any more. One statement."""
    await work.session.execute(
        sa.update(_customers)
        .where(*_of(provider_type, code))
        .values(payment_provider=None, payment_provider_code=None, updated_at=clock.now())
    )


def _of(provider_type: str, code: str) -> tuple[sa.ColumnElement[bool], ...]:
    return _customers.c.payment_provider == provider_type, _customers.c.payment_provider_code == code
