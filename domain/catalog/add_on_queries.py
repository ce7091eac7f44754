"""Reads of add-ons and pricing units. Lists of ids in, rows by id out: N rows never cost N statements."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.catalog.applied_taxes import taxes_of
from domain.catalog.models import AddOn, AddOnTax, PricingUnit
from domain.catalog.payloads import tax_payload
from domain.catalog.queries import page_of
from domain.kernel.errors import NotFound
from domain.kernel.format import instant
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.rows import table

__all__ = [
    "add_on_payloads", "add_on_row", "add_on_rows", "add_on_uses", "add_ons_page", "pricing_unit_row",
    "pricing_unit_rows", "pricing_units_page",
]  # fmt: skip

RowOf = sa.Row[Any]
Payload = dict[str, Any]

_add_ons, _units = table(AddOn), table(PricingUnit)

_USES = sa.text(
    """
    SELECT f.add_on_id, count(*) AS lines, count(DISTINCT i.customer_id) AS customers
    FROM fees AS f JOIN invoices AS i ON i.id = f.invoice_id
    WHERE f.add_on_id = ANY(CAST(:ids AS uuid[])) AND f.fee_type = 'add_on'
    GROUP BY f.add_on_id
    """
)


async def add_ons_page(session: AsyncSession, request: PageRequest, *, search_term: str | None = None) -> Page[RowOf]:
    """Kept add-ons, newest first."""
    select = sa.select(*_add_ons.c).where(_add_ons.c.deleted_at.is_(None))
    if search_term and search_term.strip():
        select = select.where(_contains(search_term, _add_ons.c.name, _add_ons.c.code))
    return await page_of(session, select, _add_ons, request)


async def add_on_row(session: AsyncSession, *, add_on_id: UUID | None = None, code: str | None = None) -> RowOf:
    """A kept add-on. Raises NotFound."""
    wanted = _add_ons.c.code == code if code is not None else _add_ons.c.id == add_on_id
    rows = await session.execute(sa.select(*_add_ons.c).where(wanted, _add_ons.c.deleted_at.is_(None)))
    row: RowOf | None = rows.first()
    if row is None:
        raise NotFound("add_on")
    return row


async def add_on_rows(session: AsyncSession, add_on_ids: Collection[UUID]) -> dict[UUID, RowOf]:
    """Add-ons by id, deleted ones as well."""
    return await _by_id(session, _add_ons, add_on_ids)


async def add_on_uses(session: AsyncSession, add_on_ids: Collection[UUID]) -> dict[UUID, tuple[int, int]]:
    """How many lines of one-off invoices each add-on has, for how many customers; unused ones are left out."""
    rows = await session.execute(_USES, {"ids": list(add_on_ids)})
    return {row.add_on_id: (row.lines, row.customers) for row in rows}


async def add_on_payloads(
    session: AsyncSession, add_on_ids: Collection[UUID], *, rows: Mapping[UUID, Any] | None = None
) -> dict[UUID, Payload]:
    """Add-ons as REST shows them, by id, deleted ones as well: two statements, one when their rows are already read."""
    add_ons = rows if rows is not None else await add_on_rows(session, add_on_ids)
    taxes = await taxes_of(session, AddOnTax, list(add_ons))
    return {
        add_on_id: {
            "lago_id": row.id,
            "name": row.name,
            "invoice_display_name": row.invoice_display_name,
            "code": row.code,
            "description": row.description,
            "amount_cents": row.amount_cents,
            "amount_currency": row.amount_currency,
            "created_at": instant(row.created_at),
            "taxes": [tax_payload(tax) for tax in taxes.get(add_on_id, ())],
        }
        for add_on_id, row in add_ons.items()
    }


async def pricing_units_page(
    session: AsyncSession, request: PageRequest, *, search_term: str | None = None
) -> Page[RowOf]:
    """Pricing units, newest first."""
    select = sa.select(*_units.c)
    if search_term and search_term.strip():
        select = select.where(_contains(search_term, _units.c.name, _units.c.code, _units.c.short_name))
    return await page_of(session, select, _units, request)


async def pricing_unit_row(session: AsyncSession, unit_id: UUID | None) -> RowOf:
    """A pricing unit. Raises NotFound."""
    row: RowOf | None = (await session.execute(sa.select(*_units.c).where(_units.c.id == unit_id))).first()
    if row is None:
        raise NotFound("pricing_unit")
    return row


async def pricing_unit_rows(session: AsyncSession, unit_ids: Collection[UUID]) -> dict[UUID, RowOf]:
    """Pricing units by id."""
    return await _by_id(session, _units, unit_ids)


async def _by_id(session: AsyncSession, of: sa.Table, ids: Collection[UUID]) -> dict[UUID, RowOf]:
    if not ids:
        return {}
    return {row.id: row for row in await session.execute(sa.select(*of.c).where(of.c.id.in_(ids)))}


def _contains(term: str, *columns: sa.Column[Any]) -> sa.ColumnElement[bool]:
    text = term.strip()[:255]
    return sa.or_(*(column.icontains(text, autoescape=True) for column in columns))
