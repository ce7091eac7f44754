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
from domain.payments.providers.gateway import RemoteMethod
from domain.payments.providers.models import PaymentProvider

__all__ = [
    "asked_reference", "delete_payment_method", "forget_method", "forget_methods", "learn_method",
    "payment_method_row", "payment_method_rows", "payment_methods_page", "read_reference", "set_as_default",
]  # fmt: skip

_methods, _providers = table(PaymentMethod), table(PaymentProvider)


def _select() -> sa.Select[Any]:
    """Methods with what their provider is called."""
    p = _providers.c
    return sa.select(
        *_methods.c,
        p.code.label("payment_provider_code"),
        p.name.label("payment_provider_name"),
        p.provider_type.label("payment_provider_type"),
    ).outerjoin(_providers, p.id == _methods.c.payment_provider_id)


async def payment_methods_page(
    session: AsyncSession,
    customer_id: UUID,
    request: PageRequest,
    *,
    with_deleted: bool = False,
    provider_customer_id: UUID | None = None,
) -> Page[sa.Row[Any]]:
    """A customer's methods, or those of one of its connections, the newest first; two statements."""
    m = _methods.c
    wanted = [m.customer_id == customer_id]
    if provider_customer_id is not None:
        wanted.append(m.payment_provider_customer_id == provider_customer_id)
    if not with_deleted:
        wanted.append(m.deleted_at.is_(None))
    total = await session.scalar(sa.select(sa.func.count()).select_from(_methods).where(*wanted)) or 0
    if request.offset >= total:
        return Page((), total, request)
    query = _select().where(*wanted).order_by(m.created_at.desc(), m.id.desc())
    rows = await session.execute(query.limit(request.size).offset(request.offset))
    return Page(rows.all(), total, request)


async def payment_method_row(
    session: AsyncSession, method_id: object, *, customer_id: UUID | None = None
) -> sa.Row[Any]:
    """A kept method, of this customer if one is named. Raises NotFound."""
    m = _methods.c
    query = _select().where(m.id == parse_id(method_id), m.deleted_at.is_(None))
    if customer_id is not None:
        query = query.where(m.customer_id == customer_id)
    row: sa.Row[Any] | None = (await session.execute(query)).first()
    if row is None:
        raise NotFound("payment_method")
    return row


async def payment_method_rows(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, sa.Row[Any]]:
    """Kept methods by id, of any customer."""
    m = _methods.c
    rows = await session.execute(_select().where(m.id.in_(ids), m.deleted_at.is_(None))) if ids else ()
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


async def learn_method(work: UnitOfWork, holder: Any, method: RemoteMethod) -> tuple[UUID, bool]:
    """Keeps a method that a provider has for its customer (a row of provider customers) as the customer's default; its
    id, and whether it was not the default before."""
    m = _methods.c
    kept = sa.select(m.id, m.is_default).where(
        m.payment_provider_customer_id == holder.id, m.provider_method_id == method.id, m.deleted_at.is_(None)
    )
    found = (await work.session.execute(kept.with_for_update())).first()
    if found is not None and found.is_default:
        return found.id, False
    if found is None:
        row = PaymentMethod(
            organization_id=work.organization_id,
            customer_id=holder.customer_id,
            payment_provider_id=holder.payment_provider_id,
            payment_provider_customer_id=holder.id,
            provider_method_id=method.id,
            provider_method_type=method.type,
            details=dict(method.details),
        )
        work.session.add(row)
        await work.session.flush()
        method_id = row.id
    else:
        method_id = found.id
    await set_as_default(work, method_id, holder.customer_id)
    return method_id, True


async def forget_method(work: UnitOfWork, provider_id: UUID, provider_method_id: str) -> None:
    """A method that its provider does not keep any more."""
    await _forget(work, _methods.c.payment_provider_id == provider_id,
                  _methods.c.provider_method_id == provider_method_id)  # fmt: skip


async def forget_methods(work: UnitOfWork, provider_customer_id: UUID) -> None:
    """All methods that came from this connection of a customer."""
    await _forget(work, _methods.c.payment_provider_customer_id == provider_customer_id)


async def _forget(work: UnitOfWork, *wanted: sa.ColumnElement[bool]) -> None:
    now = clock.now()
    await work.session.execute(
        sa.update(_methods)
        .where(*wanted, _methods.c.deleted_at.is_(None))
        .values(deleted_at=now, is_default=False, updated_at=now)
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
