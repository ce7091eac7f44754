"""What customers are called at payment providers, and which of these connections is used.

Source: handbook, credits 10.1 and 10.4.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from domain.customers.models import Customer
from domain.customers.payment_provider import set_payment_provider
from domain.customers.provider_terms import (
    LONGEST_PROVIDER_ID,
    PROVIDER_TYPES,
    ProviderTerms,
    read_methods,
    read_provider_terms,
)
from domain.kernel import clock
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.ids import parse_id
from domain.kernel.rows import table
from domain.kernel.uniqueness import unique
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params, Reader
from domain.payments.events import ProviderCustomersLinked, ProviderCustomersWanted
from domain.payments.methods import forget_methods
from domain.payments.providers.connections import ProviderUnclear, find_provider
from domain.payments.providers.models import PaymentProvider, ProviderCustomer
from domain.payments.providers.providers import MANUAL_CODE

__all__ = [
    "create_provider_customer", "link_customer", "note_remote_customer", "provider_customer_of",
    "provider_customer_row", "provider_customer_rows", "provider_customers_of", "remove_provider_customer",
    "set_default_provider_customer", "update_provider_customer",
]  # fmt: skip

_rows, _providers, _customers = table(ProviderCustomer), table(PaymentProvider), table(Customer)
_TAKEN: Final = {
    "uq_payment_provider_customers_code": "code",
    "uq_payment_provider_customers_type": "payment_provider",
}
DEFAULT_METHODS: Final = ("card",)


async def link_customer(work: UnitOfWork, customer: Customer, params: Params) -> None:
    """What a customer is called at its provider, as params of the customer say.

    Without a provider of that type and code the customer keeps the names alone, unless more is asked. Raises
    ValidationFailed.
    """
    terms = read_provider_terms(params, Reader(params))
    if customer.payment_provider is None or customer.account_type == "partner":
        return
    if not terms.named and terms == ProviderTerms():
        return
    try:
        provider = await find_provider(work.session, customer.payment_provider, customer.payment_provider_code)
    except ProviderUnclear as unclear:
        if terms.binding:
            raise ValidationFailed({"payment_provider_code": [unclear.code]}) from unclear
        return
    if customer.payment_provider_code is None:
        await set_payment_provider(work, [customer.id], provider.provider_type, provider.code)
        await work.session.refresh(customer)
    row = await work.session.scalar(
        _kept().where(
            col(ProviderCustomer.customer_id) == customer.id,
            col(ProviderCustomer.provider_type) == provider.provider_type,
        )
    )
    if row is None:
        row = await _new(work, customer.id, provider, provider.code, terms.sync, terms.methods)
    await _change(work, row, provider, terms.provider_customer_id, terms.sync, terms.methods)


async def create_provider_customer(work: UnitOfWork, params: Params) -> UUID:
    """One more connection of a customer; its id. The first is the default.

    params: customer_id, payment_provider, payment_provider_code, code (else the provider's), provider_customer_id,
    provider_payment_methods, sync_with_provider. Raises NotFound("customer"), NotFound("payment_provider") and
    ValidationFailed.
    """
    read = Reader(params)
    kind = read.text("payment_provider", mandatory=True)
    if kind is not None and kind not in PROVIDER_TYPES:
        read.add("payment_provider", "value_is_invalid")
    named, code = read.text("payment_provider_code"), read.text("code")
    remote = read.text("provider_customer_id", longest=LONGEST_PROVIDER_ID)
    sync, methods = read.boolean("sync_with_provider"), read_methods(read)
    if code == MANUAL_CODE:
        read.add("code", "value_is_reserved")
    customer = await work.session.scalar(
        select(Customer).where(
            col(Customer.id) == parse_id(params.get("customer_id")), col(Customer.deleted_at).is_(None)
        ).with_for_update()
    )  # fmt: skip
    if customer is None:
        raise NotFound("customer")
    read.finish()
    assert kind is not None, "the type was read"
    try:
        provider = await find_provider(work.session, kind, named)
    except ProviderUnclear as unclear:
        raise NotFound("payment_provider") from unclear
    row = await _new(work, customer.id, provider, code or provider.code, sync, methods)
    await _change(work, row, provider, remote, sync, methods)
    if row.is_default:
        await set_payment_provider(work, [customer.id], provider.provider_type, provider.code)
    return row.id


async def update_provider_customer(work: UnitOfWork, row_id: object, params: Params) -> UUID:
    """Changes what is given. Raises NotFound("payment_provider_customer"), ValidationFailed."""
    row = await _locked(work, row_id)
    read = Reader(params)
    code = read.text("code", mandatory=True) if "code" in read else None
    remote = read.text("provider_customer_id", longest=LONGEST_PROVIDER_ID)
    sync, methods = read.boolean("sync_with_provider"), read_methods(read)
    if code == MANUAL_CODE:
        read.add("code", "value_is_reserved")
    read.finish()
    provider = (
        await work.session.execute(sa.select(*_providers.c).where(_providers.c.id == row.payment_provider_id))
    ).one()
    if code is not None and code != row.code:
        row.code = code
        async with unique(work, _TAKEN):
            work.session.add(row)
    await _change(work, row, provider, remote, sync, methods)
    return row.id


async def set_default_provider_customer(work: UnitOfWork, row_id: object) -> UUID:
    """The customer pays through this connection from now on. Raises NotFound("payment_provider_customer")."""
    row = await _locked(work, row_id)
    now = clock.now()
    await work.session.execute(
        sa.update(_rows)
        .where(_rows.c.customer_id == row.customer_id, _rows.c.is_default, _rows.c.deleted_at.is_(None))
        .values(is_default=False, updated_at=now)
    )
    await work.session.execute(sa.update(_rows).where(_rows.c.id == row.id).values(is_default=True, updated_at=now))
    code = await work.session.scalar(sa.select(_providers.c.code).where(_providers.c.id == row.payment_provider_id))
    await set_payment_provider(work, [row.customer_id], row.provider_type, code)
    return row.id


async def remove_provider_customer(work: UnitOfWork, row_id: object) -> UUID:
    """Takes a connection of a customer away with its payment methods; if the customer paid through it, it pays nowhere.
    Raises NotFound("payment_provider_customer")."""
    row = await _locked(work, row_id)
    row.deleted_at, row.is_default = clock.now(), False
    await work.session.flush()
    await forget_methods(work, row.id)
    customer = await work.session.get_one(Customer, row.customer_id)
    if customer.payment_provider == row.provider_type:
        await set_payment_provider(work, [row.customer_id], None, None)
    return row.id


async def note_remote_customer(work: UnitOfWork, row_id: UUID, provider_customer_id: str) -> bool:
    """The provider's name of a customer that it was told of; whether it is news."""
    row = await work.session.scalar(_kept().where(col(ProviderCustomer.id) == row_id))
    if row is None or row.provider_customer_id is not None:
        return False
    row.provider_customer_id = provider_customer_id
    await work.session.flush()
    work.record(ProviderCustomersLinked((row.id,), (row.customer_id,), learn=False))
    return True


async def provider_customer_of(session: AsyncSession, customer_id: UUID, provider_type: str) -> sa.Row[Any] | None:
    """What a customer is called at this type of provider, with the provider's `provider_code` if it is kept."""
    r = _rows.c
    query = _select().where(r.customer_id == customer_id, r.provider_type == provider_type, r.deleted_at.is_(None))
    row: sa.Row[Any] | None = (await session.execute(query)).first()
    return row


async def provider_customer_row(session: AsyncSession, row_id: object) -> sa.Row[Any]:
    """A kept one by its id. Raises NotFound("payment_provider_customer")."""
    query = _select().where(_rows.c.id == parse_id(row_id), _rows.c.deleted_at.is_(None))
    row: sa.Row[Any] | None = (await session.execute(query)).first()
    if row is None:
        raise NotFound("payment_provider_customer")
    return row


async def provider_customer_rows(session: AsyncSession, row_ids: Collection[UUID]) -> dict[UUID, sa.Row[Any]]:
    """By id, deleted ones as well."""
    return {row.id: row for row in await session.execute(_select().where(_rows.c.id.in_(row_ids)))}


async def provider_customers_of(session: AsyncSession, customer_ids: Collection[UUID]) -> dict[UUID, sa.Row[Any]]:
    """What customers are called at the provider that they pay with; one statement."""
    r, c = _rows.c, _customers.c
    query = (
        _select()
        .join(_customers, sa.and_(c.id == r.customer_id, c.payment_provider == r.provider_type))
        .where(r.customer_id.in_(customer_ids), r.deleted_at.is_(None))
    )
    return {row.customer_id: row for row in await session.execute(query)}


def _select() -> sa.Select[Any]:
    return sa.select(
        *_rows.c,
        _providers.c.code.label("provider_code"),
        _providers.c.name.label("provider_name"),
        _providers.c.deleted_at.label("provider_deleted_at"),
    ).join(_providers, _providers.c.id == _rows.c.payment_provider_id)


def _kept() -> Any:
    return select(ProviderCustomer).where(col(ProviderCustomer.deleted_at).is_(None)).with_for_update()


async def _locked(work: UnitOfWork, row_id: object) -> ProviderCustomer:
    row: ProviderCustomer | None = await work.session.scalar(
        _kept().where(col(ProviderCustomer.id) == parse_id(row_id))
    )
    if row is None:
        raise NotFound("payment_provider_customer")
    return row


async def _new(
    work: UnitOfWork, customer_id: UUID, provider: Any, code: str, sync: bool | None, methods: tuple[str, ...] | None
) -> ProviderCustomer:
    r = _rows.c
    others = sa.select(r.id).where(r.customer_id == customer_id, r.is_default, r.deleted_at.is_(None))
    row = ProviderCustomer(
        organization_id=work.organization_id,
        customer_id=customer_id,
        payment_provider_id=provider.id,
        provider_type=provider.provider_type,
        code=code,
        is_default=not await work.session.scalar(sa.select(sa.exists(others))),
        sync_with_provider=bool(sync),
        provider_payment_methods=list(methods or (DEFAULT_METHODS if provider.provider_type == "stripe" else ())),
    )
    async with unique(work, _TAKEN):
        work.session.add(row)
    return row


async def _change(
    work: UnitOfWork,
    row: ProviderCustomer,
    provider: Any,
    remote: str | None,
    sync: bool | None,
    methods: tuple[str, ...] | None,
) -> None:
    """Writes what was said. A name that is new is announced; without any the provider is told, if it is to be."""
    if row.payment_provider_id != provider.id:
        row.payment_provider_id = provider.id
    if sync is not None:
        row.sync_with_provider = sync
    if methods is not None:
        row.provider_payment_methods = list(methods)
    news = remote is not None and remote != row.provider_customer_id
    if news:
        if row.provider_customer_id is not None:
            await forget_methods(work, row.id)
        row.provider_customer_id = remote
    await work.session.flush()
    if news:
        work.record(ProviderCustomersLinked((row.id,), (row.customer_id,)))
    elif row.provider_customer_id is None and row.sync_with_provider:
        work.record(ProviderCustomersWanted((row.id,)))
