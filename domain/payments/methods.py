"""The cards and mandates of customers, and which of them is used. Source: handbook, credits 9."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.customers.payment_reference import PaymentReference, reference_of
from domain.kernel import clock
from domain.kernel.errors import NotFound
from domain.kernel.ids import parse_id
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params, Reader
from domain.payments.models import PaymentMethod

__all__ = [
    "asked_reference", "delete_payment_method", "payment_method_row", "payment_method_rows", "payment_methods_page",
    "read_reference", "set_as_default",
]  # fmt: skip

_methods = table(PaymentMethod)


async def payment_methods_page(
    session: AsyncSession, customer_id: UUID, request: PageRequest, *, with_deleted: bool = False
) -> Page[sa.Row[Any]]:
    """A customer's methods, the newest first; two statements."""
    m = _methods.c
    wanted = [m.customer_id == customer_id]
    if not with_deleted:
        wanted.append(m.deleted_at.is_(None))
    total = await session.scalar(sa.select(sa.func.count()).select_from(_methods).where(*wanted)) or 0
    if request.offset >= total:
        return Page((), total, request)
    query = sa.select(*m).where(*wanted).order_by(m.created_at.desc(), m.id.desc())
    rows = await session.execute(query.limit(request.size).offset(request.offset))
    return Page(rows.all(), total, request)


async def payment_method_row(
    session: AsyncSession, method_id: object, *, customer_id: UUID | None = None
) -> sa.Row[Any]:
    """A kept method, of this customer if one is named. Raises NotFound."""
    m = _methods.c
    query = sa.select(*m).where(m.id == parse_id(method_id), m.deleted_at.is_(None))
    if customer_id is not None:
        query = query.where(m.customer_id == customer_id)
    row: sa.Row[Any] | None = (await session.execute(query)).first()
    if row is None:
        raise NotFound("payment_method")
    return row


async def payment_method_rows(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, sa.Row[Any]]:
    """Kept methods by id, of any customer."""
    m = _methods.c
    rows = await session.execute(sa.select(*m).where(m.id.in_(ids), m.deleted_at.is_(None))) if ids else ()
    return {row.id: row for row in rows}


async def set_as_default(work: UnitOfWork, method_id: UUID, customer_id: UUID) -> None:
    """The customer's payments go here from now on; the method that was the default is it no longer. Two statements:
    the customer's methods are locked together, and the unique index holds even so."""
    m = _methods.c
    kept = (m.customer_id == customer_id, m.deleted_at.is_(None))
    await work.session.execute(sa.select(m.id).where(*kept).order_by(m.id).with_for_update())
    now = clock.now()
    await work.session.execute(
        sa.update(_methods).where(*kept, m.is_default, m.id != method_id).values(is_default=False, updated_at=now)
    )
    await work.session.execute(sa.update(_methods).where(m.id == method_id).values(is_default=True, updated_at=now))


async def delete_payment_method(work: UnitOfWork, method_id: UUID) -> None:
    """Takes a method away; if it was the default, the customer has none, for no other is promoted."""
    now = clock.now()
    await work.session.execute(
        sa.update(_methods).where(_methods.c.id == method_id).values(deleted_at=now, is_default=False, updated_at=now)
    )


async def read_reference(work: UnitOfWork, customer_id: UUID, params: Params) -> tuple[str | None, UUID | None]:
    """Which method a client asks for in `payment_method`: its type and id, both None for the customer's own way.

    Raises ValidationFailed for what `domain.customers.payment_reference` does not take.
    """
    if params.get("payment_method") in (None, {}):
        return None, None
    read = Reader(params)
    found = await asked_reference(work, read, customer_id)
    read.finish()
    assert found is not None, "something was asked for"
    return found.kind, found.method_id


async def asked_reference(work: UnitOfWork, read: Reader, customer_id: UUID) -> PaymentReference | None:
    """The field `payment_method`; None where it was not sent. What is wrong with it is noted in `read`."""
    if "payment_method" not in read:
        return None
    sent = read.params["payment_method"]
    methods = await work.session.scalars(
        sa.select(_methods.c.id).where(_methods.c.customer_id == customer_id, _methods.c.deleted_at.is_(None))
    )
    found = reference_of(sent, frozenset(methods))
    if found is None:
        read.add("payment_method", "invalid_payment_method")
    return found
