"""Which card or mandate a payment is taken with. Source: handbook, credits 6.3, "Method choice"."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.rows import table
from domain.payments.models import PaymentMethod
from domain.payments.payables import Payable

__all__ = ["chosen_method"]

_methods: Final = table(PaymentMethod)


async def chosen_method(
    session: AsyncSession, payable: Payable, method_type: str | None = None, method_id: UUID | None = None
) -> Any:
    """The row of the method that was asked for, else of the customer's default; None for "manual", and where there is
    none."""
    if method_type == "manual":
        return None
    m = _methods.c
    meant = m.is_default if method_id is None else m.id == method_id
    query = sa.select(*m).where(m.customer_id == payable.customer_id, m.deleted_at.is_(None), meant)
    return (await session.execute(query)).first()
