"""Reads of credit notes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.credits.note_models import CreditNote, CreditNoteAppliedTax, CreditNoteItem
from domain.customers.models import Customer
from domain.identity.models import BillingEntity
from domain.invoicing.models import Invoice
from domain.kernel.errors import NotFound
from domain.kernel.ids import parse_id
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.rows import table

__all__ = [
    "TYPES", "NoteFilter", "balances_of_customers", "items_of_notes", "listed_notes", "note_row", "note_rows",
    "notes_of", "notes_page", "taxes_of_notes",
]  # fmt: skip

RowOf = sa.Row[Any]
TYPES = ("credit", "refund", "offset")

_notes, _items, _taxes = table(CreditNote), table(CreditNoteItem), table(CreditNoteAppliedTax)
_invoices, _customers, _entities = table(Invoice), table(Customer), table(BillingEntity)
_LATEST = (_notes.c.issuing_date.desc(), _notes.c.created_at.desc(), _notes.c.id.desc())


@dataclass(frozen=True, slots=True)
class NoteFilter:
    """Which notes; empty asks for all finalized ones. Amounts in cents of the total, dates included."""

    customer_id: UUID | None = None
    external_customer_id: str | None = None
    invoice_id: UUID | None = None
    invoice_number: str | None = None
    purchase_order_number: str | None = None
    reasons: Collection[str] = ()
    credit_statuses: Collection[str] = ()
    refund_statuses: Collection[str] = ()
    types: Collection[str] = ()
    currency: str | None = None
    billing_entity_ids: Collection[UUID] | None = None
    issuing_date_from: date | None = None
    issuing_date_to: date | None = None
    amount_from: int | None = None
    amount_to: int | None = None
    self_billed: bool | None = None
    search_term: str | None = None


def _select() -> sa.Select[Any]:
    """Notes with what they take from their invoices and billing entities."""
    return (
        sa.select(
            *_notes.c,
            _invoices.c.number.label("invoice_number"),
            _invoices.c.self_billed,
            _invoices.c.purchase_order_number,
            _invoices.c.billing_entity_id,
            _entities.c.code.label("billing_entity_code"),
        )
        .join(_invoices, _invoices.c.id == _notes.c.invoice_id)
        .join(_entities, _entities.c.id == _invoices.c.billing_entity_id)
    )


async def notes_page(session: AsyncSession, request: PageRequest, wanted: NoteFilter) -> Page[RowOf]:
    """The newest first; two statements."""
    select = _select().where(*_conditions(wanted))
    total = await session.scalar(select.with_only_columns(sa.func.count())) or 0
    if request.offset >= total:
        return Page((), total, request)
    rows = await session.execute(select.order_by(*_LATEST).limit(request.size).offset(request.offset))
    return Page(rows.all(), total, request)


def listed_notes(wanted: NoteFilter) -> sa.Select[Any]:
    """The ids of what `notes_page` shows on all its pages, each with its `place` in the list, from 1."""
    place = sa.func.row_number().over(order_by=_LATEST).label("place")
    of_invoices = sa.select(_notes.c.id, place).join(_invoices, _invoices.c.id == _notes.c.invoice_id)
    return of_invoices.where(*_conditions(wanted))


def _conditions(wanted: NoteFilter) -> list[sa.ColumnElement[bool]]:
    n, i = _notes.c, _invoices.c
    conditions: list[sa.ColumnElement[bool]] = [n.status == "finalized"]
    for column, value in (
        (n.customer_id, wanted.customer_id),
        (n.invoice_id, wanted.invoice_id),
        (n.currency, wanted.currency),
        (i.number, wanted.invoice_number),
        (i.self_billed, wanted.self_billed),
    ):
        if value is not None:
            conditions.append(column == value)
    for column, values in (
        (n.reason, wanted.reasons),
        (n.credit_status, wanted.credit_statuses),
        (n.refund_status, wanted.refund_statuses),
    ):
        if values:
            conditions.append(column.in_(values))
    if wanted.types:
        conditions.append(sa.or_(*(n[f"{kind}_amount_cents"] > 0 for kind in wanted.types)))
    if wanted.billing_entity_ids is not None:
        conditions.append(i.billing_entity_id.in_(wanted.billing_entity_ids))
    if wanted.issuing_date_from is not None:
        conditions.append(n.issuing_date >= wanted.issuing_date_from)
    if wanted.issuing_date_to is not None:
        conditions.append(n.issuing_date <= wanted.issuing_date_to)
    if wanted.amount_from is not None:
        conditions.append(n.total_amount_cents >= wanted.amount_from)
    if wanted.amount_to is not None:
        conditions.append(n.total_amount_cents <= wanted.amount_to)
    if wanted.purchase_order_number:
        conditions.append(sa.func.lower(i.purchase_order_number) == wanted.purchase_order_number.strip().lower())
    return conditions + _of_customers(wanted)


def _of_customers(wanted: NoteFilter) -> list[sa.ColumnElement[bool]]:
    n, c = _notes.c, _customers.c
    conditions: list[sa.ColumnElement[bool]] = []
    of_customer = c.id == n.customer_id
    if wanted.external_customer_id is not None:
        conditions.append(sa.exists().where(of_customer, c.external_id == wanted.external_customer_id))
    if wanted.search_term and wanted.search_term.strip():
        term = wanted.search_term.strip()[:255]
        texts = (c.name, c.firstname, c.lastname, c.legal_name, c.external_id, c.email)
        named = sa.exists().where(of_customer, sa.or_(*(text.icontains(term, autoescape=True) for text in texts)))
        found: list[sa.ColumnElement[bool]] = [n.number.icontains(term, autoescape=True), named]
        if identifier := parse_id(term):
            found.append(n.id == identifier)
        conditions.append(sa.or_(*found))
    return conditions


async def note_row(session: AsyncSession, note_id: object) -> RowOf:
    """One finalized note. Raises NotFound, also for drafts."""
    query = _select().where(_notes.c.id == parse_id(note_id), _notes.c.status == "finalized")
    row: RowOf | None = (await session.execute(query)).first()
    if row is None:
        raise NotFound("credit_note")
    return row


async def note_rows(session: AsyncSession, note_ids: Collection[UUID]) -> dict[UUID, RowOf]:
    """Notes of any status by id."""
    if not note_ids:
        return {}
    return {row.id: row for row in await session.execute(_select().where(_notes.c.id.in_(note_ids)))}


async def notes_of(session: AsyncSession, column: str, ids: Sequence[UUID]) -> dict[UUID, list[RowOf]]:
    """The finalized notes of customers ("customer_id") or invoices ("invoice_id"), the newest first."""
    owner = _notes.c[column]
    query = _select().where(owner.in_(ids), _notes.c.status == "finalized")
    found: dict[UUID, list[RowOf]] = defaultdict(list)
    for row in await session.execute(query.order_by(_notes.c.created_at.desc(), _notes.c.id.desc())):
        found[getattr(row, column)].append(row)
    return found


async def items_of_notes(session: AsyncSession, note_ids: Collection[UUID]) -> dict[UUID, list[RowOf]]:
    """The items of each note, in the order they were asked for."""
    query = sa.select(*_items.c).where(_items.c.credit_note_id.in_(note_ids))
    return await _by_note(session, query.order_by(_items.c.credit_note_id, _items.c.position, _items.c.id), note_ids)


async def taxes_of_notes(session: AsyncSession, note_ids: Collection[UUID]) -> dict[UUID, list[RowOf]]:
    """The tax lines of each note."""
    query = sa.select(*_taxes.c).where(_taxes.c.credit_note_id.in_(note_ids))
    return await _by_note(session, query.order_by(_taxes.c.credit_note_id, _taxes.c.id), note_ids)


async def _by_note(session: AsyncSession, query: sa.Select[Any], note_ids: Collection[UUID]) -> dict[UUID, list[RowOf]]:
    found: dict[UUID, list[RowOf]] = defaultdict(list)
    if note_ids:
        for row in await session.execute(query):
            found[row.credit_note_id].append(row)
    return found


async def balances_of_customers(session: AsyncSession, customer_ids: Collection[UUID]) -> dict[UUID, list[RowOf]]:
    """What is left of each customer's notes: (customer_id, billing_entity_id, currency, amount_cents, count)."""
    n, i = _notes.c, _invoices.c
    query = (
        sa.select(
            n.customer_id,
            i.billing_entity_id,
            n.currency,
            sa.cast(sa.func.sum(n.balance_amount_cents), sa.BigInteger).label("amount_cents"),
            sa.func.count().label("available"),
        )
        .join(_invoices, i.id == n.invoice_id)
        .where(n.customer_id.in_(customer_ids), n.status == "finalized", n.credit_status == "available")
        .group_by(n.customer_id, i.billing_entity_id, n.currency)
        .order_by(n.customer_id, i.billing_entity_id, n.currency)
    )
    found: dict[UUID, list[RowOf]] = defaultdict(list)
    if customer_ids:
        for row in await session.execute(query):
            found[row.customer_id].append(row)
    return found
