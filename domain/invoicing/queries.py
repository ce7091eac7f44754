"""Reads of invoices. Lists of ids in, rows by id out: N rows never cost N statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from domain.customers.models import Customer
from domain.identity.models import BillingEntity, Organization
from domain.invoicing.models import (
    Invoice,
    InvoiceAppliedCustomSection,
    InvoiceAppliedTax,
    InvoiceMetadata,
    InvoiceSubscription,
)
from domain.invoicing.statuses import VISIBLE
from domain.kernel.errors import NotFound
from domain.kernel.ids import parse_id
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.rows import table
from domain.subscriptions.models import Subscription

__all__ = [
    "VISIBLE", "InvoiceFilter", "billing_entity_ids", "invoice_row", "invoice_rows", "invoices_of_customers",
    "invoices_of_status", "invoices_of_type", "invoices_page", "listed_invoices", "locked_invoice",
    "organization_slug", "periods_of_invoices", "sections_of_invoices", "taxes_of_invoices",
]  # fmt: skip

RowOf = sa.Row[Any]

MOST_OF_CUSTOMER = 1_000

_invoices, _customers, _entities = table(Invoice), table(Customer), table(BillingEntity)
_periods, _subscriptions, _taxes = table(InvoiceSubscription), table(Subscription), table(InvoiceAppliedTax)
_metadata = table(InvoiceMetadata)
_applied = table(InvoiceAppliedCustomSection)
_LATEST = (_invoices.c.issuing_date.desc(), _invoices.c.created_at.desc(), _invoices.c.id)


@dataclass(frozen=True, slots=True)
class InvoiceFilter:
    """Which invoices; empty asks for all visible ones. Amounts in cents of the total, dates included.

    metadata: keys with their values, all of which must be there; a blank value means that the key is absent.
    settled_by_credit_notes: only those that a credit note on themselves settled in part.
    """

    customer_id: UUID | None = None
    external_customer_id: str | None = None
    subscription_id: UUID | None = None
    statuses: Collection[str] = ()
    payment_statuses: Collection[str] = ()
    invoice_types: Collection[str] = ()
    billing_entity_ids: Collection[UUID] | None = None
    currency: str | None = None
    amount_from: int | None = None
    amount_to: int | None = None
    issuing_date_from: date | None = None
    issuing_date_to: date | None = None
    partially_paid: bool | None = None
    payment_dispute_lost: bool | None = None
    payment_overdue: bool | None = None
    positive_due_amount: bool | None = None
    purchase_order_number: str | None = None
    self_billed: bool | None = None
    search_term: str | None = None
    settled_by_credit_notes: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)


def _select() -> sa.Select[Any]:
    """Invoices with `billing_entity_code`."""
    return sa.select(*_invoices.c, _entities.c.code.label("billing_entity_code")).join(
        _entities, _entities.c.id == _invoices.c.billing_entity_id
    )


async def invoices_page(session: AsyncSession, request: PageRequest, wanted: InvoiceFilter) -> Page[RowOf]:
    """The latest issued first; two statements."""
    conditions = _conditions(wanted)
    count = sa.select(sa.func.count()).select_from(_invoices).where(*conditions)
    total = await session.scalar(count) or 0
    if request.offset >= total:
        return Page((), total, request)
    ordered = _select().where(*conditions).order_by(*_LATEST)
    rows = await session.execute(ordered.limit(request.size).offset(request.offset))
    return Page(rows.all(), total, request)


def listed_invoices(wanted: InvoiceFilter) -> sa.Select[Any]:
    """The ids of what `invoices_page` shows on all its pages, each with its `place` in the list, from 1."""
    place = sa.func.row_number().over(order_by=_LATEST).label("place")
    return sa.select(_invoices.c.id, place).where(*_conditions(wanted))


def _conditions(wanted: InvoiceFilter) -> list[sa.ColumnElement[bool]]:
    i = _invoices.c
    conditions: list[sa.ColumnElement[bool]] = [i.status.in_(set(wanted.statuses or VISIBLE) & set(VISIBLE))]
    for column, value in (
        (i.customer_id, wanted.customer_id),
        (i.currency, wanted.currency),
        (i.payment_overdue, wanted.payment_overdue),
        (i.self_billed, wanted.self_billed),
    ):
        if value is not None:
            conditions.append(column == value)
    for column, values in ((i.payment_status, wanted.payment_statuses), (i.invoice_type, wanted.invoice_types)):
        if values:
            conditions.append(column.in_(values))
    if wanted.billing_entity_ids is not None:
        conditions.append(i.billing_entity_id.in_(wanted.billing_entity_ids))
    conditions += _of_others(wanted)
    conditions += [_has_metadata(key, value) for key, value in wanted.metadata.items()]
    if wanted.amount_from is not None:
        conditions.append(i.total_amount_cents >= wanted.amount_from)
    if wanted.amount_to is not None:
        conditions.append(i.total_amount_cents <= wanted.amount_to)
    if wanted.issuing_date_from is not None:
        conditions.append(i.issuing_date >= wanted.issuing_date_from)
    if wanted.issuing_date_to is not None:
        conditions.append(i.issuing_date <= wanted.issuing_date_to)
    due = i.total_amount_cents - i.total_paid_amount_cents - i.offset_amount_cents
    if wanted.partially_paid is not None:
        partially = sa.and_(i.total_paid_amount_cents > 0, due > 0)
        conditions.append(partially if wanted.partially_paid else sa.not_(partially))
    if wanted.positive_due_amount is not None:
        conditions.append(due > 0 if wanted.positive_due_amount else due <= 0)
    if wanted.payment_dispute_lost is not None:
        lost = i.payment_dispute_lost_at
        conditions.append(lost.is_not(None) if wanted.payment_dispute_lost else lost.is_(None))
    if wanted.settled_by_credit_notes:
        conditions.append(i.offset_amount_cents > 0)
    if wanted.purchase_order_number:
        conditions.append(sa.func.lower(i.purchase_order_number) == wanted.purchase_order_number.strip().lower())
    return conditions


def _has_metadata(key: str, value: str) -> sa.ColumnElement[bool]:
    """The key with that value; a blank value asks for invoices without the key."""
    of_key = sa.exists().where(_metadata.c.invoice_id == _invoices.c.id, _metadata.c.key == key)
    return of_key.where(_metadata.c.value == value) if value.strip() else ~of_key


def _of_others(wanted: InvoiceFilter) -> list[sa.ColumnElement[bool]]:
    """Conditions on the customer and on the subscriptions of an invoice."""
    i, c = _invoices.c, _customers.c
    conditions: list[sa.ColumnElement[bool]] = []
    of_customer = c.id == i.customer_id
    if wanted.external_customer_id is not None:
        conditions.append(sa.exists().where(of_customer, c.external_id == wanted.external_customer_id))
    if wanted.subscription_id is not None:
        of_invoice = _periods.c.invoice_id == i.id
        conditions.append(sa.exists().where(of_invoice, _periods.c.subscription_id == wanted.subscription_id))
    if wanted.search_term and wanted.search_term.strip():
        term = wanted.search_term.strip()[:255]
        texts = (c.name, c.firstname, c.lastname, c.external_id, c.email)
        named = sa.exists().where(of_customer, sa.or_(*(text.icontains(term, autoescape=True) for text in texts)))
        found = [i.number.icontains(term, autoescape=True), named]
        if identifier := parse_id(term):
            found.append(i.id == identifier)
        conditions.append(sa.or_(*found))
    return conditions


async def invoice_row(session: AsyncSession, invoice_id: object, statuses: Collection[str] = VISIBLE) -> RowOf:
    """One invoice that clients may see. Raises NotFound, also for an id that can't exist."""
    identifier = parse_id(invoice_id)
    rows = await session.execute(_select().where(_invoices.c.id == identifier, _invoices.c.status.in_(statuses)))
    row: RowOf | None = rows.first()
    if row is None:
        raise NotFound("invoice")
    return row


async def locked_invoice(session: AsyncSession, invoice_id: object, statuses: Collection[str] = VISIBLE) -> Invoice:
    """An invoice that clients may see, to be changed: locked until the commit. Raises NotFound."""
    query = select(Invoice).where(col(Invoice.id) == parse_id(invoice_id), col(Invoice.status).in_(statuses))
    found = await session.execute(query.with_for_update(key_share=True).execution_options(populate_existing=True))
    invoice = found.scalars().first()
    if invoice is None:
        raise NotFound("invoice")
    return invoice


async def invoice_rows(session: AsyncSession, invoice_ids: Collection[UUID]) -> dict[UUID, RowOf]:
    """Invoices of any status by id."""
    if not invoice_ids:
        return {}
    return {row.id: row for row in await session.execute(_select().where(_invoices.c.id.in_(invoice_ids)))}


async def invoices_of_type(session: AsyncSession, invoice_ids: Collection[UUID], invoice_type: str) -> list[UUID]:
    """Those of these invoices that are of this type."""
    i = _invoices.c
    query = sa.select(i.id).where(i.id.in_(invoice_ids), i.invoice_type == invoice_type).order_by(i.id)
    return list((await session.scalars(query)).all())


async def invoices_of_status(session: AsyncSession, invoice_ids: Collection[UUID], status: str) -> list[UUID]:
    """Those of these invoices that have this status."""
    i = _invoices.c
    query = sa.select(i.id).where(i.id.in_(invoice_ids), i.status == status).order_by(i.id)
    return list((await session.scalars(query)).all())


async def invoices_of_customers(session: AsyncSession, customer_ids: Collection[UUID]) -> dict[UUID, list[RowOf]]:
    """The visible invoices of each customer, the latest issued first, MOST_OF_CUSTOMER at most."""
    i = _invoices.c
    place = sa.func.row_number().over(partition_by=i.customer_id, order_by=_LATEST).label("place")
    latest = sa.select(i.id, place).where(i.customer_id.in_(customer_ids), i.status.in_(VISIBLE)).subquery()
    query = _select().join(latest, sa.and_(latest.c.id == i.id, latest.c.place <= MOST_OF_CUSTOMER))
    found: dict[UUID, list[RowOf]] = defaultdict(list)
    if customer_ids:
        for row in await session.execute(query.order_by(i.customer_id, *_LATEST)):
            found[row.customer_id].append(row)
    return found


async def periods_of_invoices(session: AsyncSession, invoice_ids: Collection[UUID]) -> dict[UUID, list[RowOf]]:
    """The billed periods of each invoice, with `external_subscription_id` and `plan_id`."""
    query = (
        sa.select(
            *_periods.c,
            _subscriptions.c.external_id.label("external_subscription_id"),
            _subscriptions.c.plan_id,
        )
        .join(_subscriptions, _subscriptions.c.id == _periods.c.subscription_id)
        .where(_periods.c.invoice_id.in_(invoice_ids))
        .order_by(_periods.c.invoice_id, _periods.c.id)
    )
    return await _by_invoice(session, query, invoice_ids)


async def taxes_of_invoices(session: AsyncSession, invoice_ids: Collection[UUID]) -> dict[UUID, list[RowOf]]:
    """The tax lines of each invoice."""
    query = sa.select(*_taxes.c).where(_taxes.c.invoice_id.in_(invoice_ids)).order_by(_taxes.c.invoice_id, _taxes.c.id)
    return await _by_invoice(session, query, invoice_ids)


async def sections_of_invoices(session: AsyncSession, invoice_ids: Collection[UUID]) -> dict[UUID, list[RowOf]]:
    """The custom sections of each invoice, as they read when it was made."""
    query = sa.select(*_applied.c).where(_applied.c.invoice_id.in_(invoice_ids))
    return await _by_invoice(session, query.order_by(_applied.c.invoice_id, _applied.c.id), invoice_ids)


async def _by_invoice(
    session: AsyncSession, query: sa.Select[Any], invoice_ids: Collection[UUID]
) -> dict[UUID, list[RowOf]]:
    found: dict[UUID, list[RowOf]] = defaultdict(list)
    if invoice_ids:
        for row in await session.execute(query):
            found[row.invoice_id].append(row)
    return found


async def organization_slug(session: AsyncSession, organization_id: UUID) -> str:
    """For links to the dashboard."""
    slug: str | None = await session.scalar(
        sa.select(table(Organization).c.slug).where(table(Organization).c.id == organization_id)
    )
    assert slug is not None
    return slug


async def billing_entity_ids(session: AsyncSession, codes: Sequence[str]) -> list[UUID]:
    """The billing entities of these codes. Raises NotFound when one is unknown."""
    e = _entities.c
    kept = sa.and_(e.code.in_(codes), e.deleted_at.is_(None), e.archived_at.is_(None))
    rows = (await session.execute(sa.select(e.id, e.code).where(kept))).all()
    if {row.code for row in rows} != set(codes):
        raise NotFound("billing_entity")
    return [row.id for row in rows]
