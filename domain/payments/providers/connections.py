"""Which provider is meant, and the connection to it with its secrets. Source: handbook, credits 10.1."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.errors import NotFound
from domain.kernel.ids import parse_id
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.rows import table
from domain.payments.providers.gateway import Connection
from domain.payments.providers.models import PaymentProvider
from infrastructure import exact_json

__all__ = [
    "CODE_MISSING", "UNKNOWN", "ProviderUnclear", "connection_of", "connection_row", "find_provider", "provider_row",
    "provider_rows", "providers_page",
]  # fmt: skip

CODE_MISSING: Final = "payment_provider_code_missing"
UNKNOWN: Final = "payment_provider_not_found"

_providers = table(PaymentProvider)


class ProviderUnclear(Exception):
    """There is no such provider, or there are several and no code says which. `code` tells."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


async def find_provider(session: AsyncSession, provider_type: str, code: str | None) -> sa.Row[Any]:
    """The kept provider of this type with this code; without a code the only one of its type. Raises
    ProviderUnclear."""
    p = _providers.c
    query = sa.select(*p).where(p.provider_type == provider_type, p.deleted_at.is_(None)).order_by(p.created_at, p.id)
    if code is not None:
        query = query.where(p.code == code)
    found = (await session.execute(query.limit(2))).all()
    if not found:
        raise ProviderUnclear(UNKNOWN)
    if len(found) > 1:
        raise ProviderUnclear(CODE_MISSING)
    return found[0]


async def provider_row(session: AsyncSession, *, provider_id: object = None, code: str | None = None) -> sa.Row[Any]:
    """A kept provider by its id, else by its code. Raises NotFound."""
    p = _providers.c
    wanted = p.code == code if provider_id is None else p.id == parse_id(provider_id)
    row: sa.Row[Any] | None = (await session.execute(sa.select(*p).where(wanted, p.deleted_at.is_(None)))).first()
    if row is None:
        raise NotFound("payment_provider")
    return row


async def provider_rows(session: AsyncSession, provider_ids: list[UUID]) -> dict[UUID, sa.Row[Any]]:
    """Providers by id, deleted ones as well."""
    p = _providers.c
    return {row.id: row for row in await session.execute(sa.select(*p).where(p.id.in_(provider_ids)))}


async def providers_page(
    session: AsyncSession, request: PageRequest, provider_type: str | None = None
) -> Page[sa.Row[Any]]:
    """The oldest first; two statements."""
    p = _providers.c
    wanted: list[sa.ColumnElement[bool]] = [p.deleted_at.is_(None)]
    if provider_type is not None:
        wanted.append(p.provider_type == provider_type)
    total = await session.scalar(sa.select(sa.func.count()).select_from(_providers).where(*wanted)) or 0
    query = sa.select(*p).where(*wanted).order_by(p.created_at, p.id).limit(request.size).offset(request.offset)
    return Page((await session.execute(query)).all(), total, request)


async def connection_row(session: AsyncSession, provider_id: UUID) -> Connection | None:
    """The connection to a kept provider, None to one that was removed."""
    row = (await provider_rows(session, [provider_id])).get(provider_id)
    return connection_of(row) if row is not None and row.deleted_at is None else None


def connection_of(row: Any) -> Connection:
    """The connection, from a provider's row."""
    return Connection(
        id=row.id,
        organization_id=row.organization_id,
        provider_type=row.provider_type,
        code=row.code,
        name=row.name,
        secrets=exact_json.load(row.secrets.encode()),
        settings=row.settings,
    )
