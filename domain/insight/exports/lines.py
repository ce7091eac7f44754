"""The lines of a part of an export: a fixed number of statements, however many objects it has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.credits.note_queries import items_of_notes, listed_notes, note_rows
from domain.credits.wanted_notes import wanted_notes
from domain.customers.queries import customer_rows
from domain.insight.exports.csv_text import csv_text
from domain.insight.exports.values import VALUES
from domain.invoicing.fee_queries import fees_of_invoices
from domain.invoicing.queries import invoice_rows, listed_invoices
from domain.invoicing.wanted_invoices import wanted_invoices

__all__ = ["lines_of", "listed"]

Pairs = Iterable[tuple[Any, Any]]
Read = Callable[[AsyncSession, Sequence[UUID]], Awaitable[Pairs]]


def listed(kind: str, filters: Mapping[str, Any]) -> sa.Select[Any]:
    """The ids that the list query finds, each with its `place`, from 1: invoices or notes, as fees and items stand
    under theirs."""
    if kind in ("invoices", "invoice_fees"):
        return listed_invoices(wanted_invoices(filters))
    return listed_notes(wanted_notes(filters))


async def lines_of(session: AsyncSession, kind: str, columns: Sequence[str], ids: Sequence[UUID]) -> str:
    """CSV without a header, in the order of the ids; what is gone since it was listed is left out."""
    values = [VALUES[kind][name] for name in columns]
    pairs = await _READ[kind](session, ids)
    return csv_text([value(row, owner) for value in values] for row, owner in pairs)


async def _invoices(session: AsyncSession, ids: Sequence[UUID]) -> Pairs:
    return await _with_customers(session, await invoice_rows(session, ids), ids)


async def _notes(session: AsyncSession, ids: Sequence[UUID]) -> Pairs:
    return await _with_customers(session, await note_rows(session, ids), ids)


async def _with_customers(session: AsyncSession, rows: Mapping[UUID, Any], ids: Sequence[UUID]) -> Pairs:
    customers = await customer_rows(session, {row.customer_id for row in rows.values()})
    return [(rows[each], customers[rows[each].customer_id]) for each in ids if each in rows]


async def _fees(session: AsyncSession, ids: Sequence[UUID]) -> Pairs:
    invoices = await invoice_rows(session, ids)
    fees = await fees_of_invoices(session, ids)
    return [(fee, invoices[each]) for each in ids if each in invoices for fee in fees.get(each, ())]


async def _items(session: AsyncSession, ids: Sequence[UUID]) -> Pairs:
    notes = await note_rows(session, ids)
    items = await items_of_notes(session, ids)
    return [(item, notes[each]) for each in ids if each in notes for item in items.get(each, ())]


_READ: Final[Mapping[str, Read]] = {
    "invoices": _invoices,
    "invoice_fees": _fees,
    "credit_notes": _notes,
    "credit_note_items": _items,
}
