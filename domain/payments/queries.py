"""Reads of payments. Lists of ids in, rows by id out: N rows never cost N statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.customers.models import Customer
from domain.invoicing.models import Invoice
from domain.kernel.errors import NotFound
from domain.kernel.ids import parse_id
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.rows import table
from domain.payments.models import Payment, PaymentRequest, PaymentRequestInvoice
from domain.payments.providers.models import PaymentProvider, ProviderCustomer

__all__ = [
    "PaymentFilter", "RequestFilter", "in_succeeded_request", "invoices_of_requests", "paid_invoices", "payment_row",
    "payment_rows", "payments_of_invoices", "payments_page", "request_row", "request_rows", "requests_page",
]  # fmt: skip

RowOf = sa.Row[Any]

_payments, _customers, _invoices = table(Payment), table(Customer), table(Invoice)
_providers, _holders = table(PaymentProvider), table(ProviderCustomer)
_requests, _of_requests = table(PaymentRequest), table(PaymentRequestInvoice)


@dataclass(frozen=True, slots=True)
class PaymentFilter:
    """Which payments; empty asks for all. An invoice's are its own and those of requests that it is in."""

    invoice_id: UUID | None = None
    customer_id: UUID | None = None
    external_customer_id: str | None = None
    currency: str | None = None
    search_term: str | None = None


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """Which payment requests; empty asks for all."""

    customer_id: UUID | None = None
    external_customer_id: str | None = None
    payment_status: str | None = None
    currency: str | None = None
    billing_entity_ids: Collection[UUID] | None = None


def _select() -> sa.Select[Any]:
    """Payments with `external_customer_id`, those by a provider with its code and type, and its customer."""
    p, h = _payments.c, _holders.c
    return (
        sa.select(
            *p,
            _customers.c.external_id.label("external_customer_id"),
            _providers.c.code.label("payment_provider_code"),
            _providers.c.provider_type.label("payment_provider_type"),
            h.provider_customer_id.label("provider_customer_id"),
        )
        .join(_customers, _customers.c.id == p.customer_id)
        .outerjoin(_providers, _providers.c.id == p.payment_provider_id)
        .outerjoin(_holders, h.id == p.payment_provider_customer_id)
    )


def _select_requests() -> sa.Select[Any]:
    return sa.select(*_requests.c, _customers.c.external_id.label("external_customer_id")).join(
        _customers, _customers.c.id == _requests.c.customer_id
    )


def _of_invoice(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Whether a payment is for an invoice that the condition on `invoices` holds for."""
    p, r = _payments.c, _of_requests.c
    named = sa.or_(
        _invoices.c.id == p.invoice_id,
        _invoices.c.id.in_(sa.select(r.invoice_id).where(r.payment_request_id == p.payment_request_id)),
    )
    return sa.exists(sa.select(_invoices.c.id).where(named, condition).correlate(_payments))


async def payments_page(session: AsyncSession, request: PageRequest, wanted: PaymentFilter) -> Page[RowOf]:
    """The latest first; two statements."""
    p = _payments.c
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.invoice_id is not None:
        conditions.append(_of_invoice(_invoices.c.id == wanted.invoice_id))
    if wanted.customer_id is not None:
        conditions.append(p.customer_id == wanted.customer_id)
    if wanted.external_customer_id is not None:
        conditions.append(_customers.c.external_id == wanted.external_customer_id)
    if wanted.currency is not None:
        conditions.append(p.amount_currency == wanted.currency)
    if wanted.search_term and wanted.search_term.strip():
        term = wanted.search_term.strip()[:255]
        c = _customers.c
        texts = (p.reference, c.name, c.firstname, c.lastname, c.external_id, c.email)
        found = [text.icontains(term, autoescape=True) for text in texts]
        found.append(_of_invoice(_invoices.c.number.icontains(term, autoescape=True)))
        if identifier := parse_id(term):
            found.append(p.id == identifier)
        conditions.append(sa.or_(*found))
    query = _select().where(*conditions)
    total = await session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
    if request.offset >= total:
        return Page((), total, request)
    ordered = query.order_by(p.created_at.desc(), p.id.desc()).limit(request.size).offset(request.offset)
    return Page((await session.execute(ordered)).all(), total, request)


async def payment_row(session: AsyncSession, payment_id: object) -> RowOf:
    """One payment. Raises NotFound, also for an id that can't exist."""
    identifier = parse_id(payment_id)
    row = (await payment_rows(session, [identifier])).get(identifier) if identifier else None
    if row is None:
        raise NotFound("payment")
    return row


async def payment_rows(session: AsyncSession, payment_ids: Collection[UUID]) -> dict[UUID, RowOf]:
    """Payments by id."""
    if not payment_ids:
        return {}
    return {row.id: row for row in await session.execute(_select().where(_payments.c.id.in_(payment_ids)))}


async def payments_of_invoices(session: AsyncSession, invoice_ids: Collection[UUID]) -> dict[UUID, list[RowOf]]:
    """The payments of each invoice, those of its payment requests among them, the latest first. One statement."""
    p, r = _payments.c, _of_requests.c
    of_requests = sa.select(r.invoice_id, p.id.label("payment_id")).join(
        _payments, p.payment_request_id == r.payment_request_id
    )
    own = sa.select(p.invoice_id, p.id.label("payment_id"))
    pairs = sa.union_all(
        own.where(p.invoice_id.in_(invoice_ids)), of_requests.where(r.invoice_id.in_(invoice_ids))
    ).subquery()
    query = (
        _select()
        .add_columns(pairs.c.invoice_id.label("of_invoice_id"))
        .join(pairs, pairs.c.payment_id == p.id)
        .order_by(p.created_at.desc(), p.id.desc())
    )
    found: dict[UUID, list[RowOf]] = defaultdict(list)
    for row in await session.execute(query):
        found[row.of_invoice_id].append(row)
    return found


async def invoices_of_requests(session: AsyncSession, request_ids: Collection[UUID]) -> dict[UUID, list[Any]]:
    """The invoices of each payment request by their numbers: rows of id, number and amount_cents, the share of it."""
    if not request_ids:
        return {}
    r = _of_requests.c
    query = (
        sa.select(r.payment_request_id, r.amount_cents, _invoices.c.id, _invoices.c.number)
        .join(_invoices, _invoices.c.id == r.invoice_id)
        .where(r.payment_request_id.in_(request_ids))
        .order_by(r.payment_request_id, _invoices.c.issuing_date, _invoices.c.number)
    )
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in await session.execute(query):
        found[row.payment_request_id].append(row)
    return found


async def paid_invoices(session: AsyncSession, payments: Iterable[RowOf]) -> dict[UUID, dict[UUID, int]]:
    """What each payment paid of which invoices, in cents: of its own, or of those of its request. One statement."""
    rows = list(payments)
    shares = await invoices_of_requests(session, {row.payment_request_id for row in rows if row.payment_request_id})
    return {
        row.id: {row.invoice_id: row.amount_cents}
        if row.invoice_id is not None
        else {invoice.id: invoice.amount_cents for invoice in shares[row.payment_request_id]}
        for row in rows
    }


async def requests_page(session: AsyncSession, request: PageRequest, wanted: RequestFilter) -> Page[RowOf]:
    """Payment requests with `external_customer_id`, the latest first; two statements."""
    q = _requests.c
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.customer_id is not None:
        conditions.append(q.customer_id == wanted.customer_id)
    if wanted.external_customer_id is not None:
        conditions.append(_customers.c.external_id == wanted.external_customer_id)
    if wanted.payment_status is not None:
        conditions.append(q.payment_status == wanted.payment_status)
    if wanted.currency is not None:
        conditions.append(q.amount_currency == wanted.currency)
    if wanted.billing_entity_ids is not None:
        r = _of_requests.c
        billed = sa.select(r.payment_request_id).join(_invoices, _invoices.c.id == r.invoice_id)
        conditions.append(q.id.in_(billed.where(_invoices.c.billing_entity_id.in_(wanted.billing_entity_ids))))
    query = _select_requests().where(*conditions)
    total = await session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
    if request.offset >= total:
        return Page((), total, request)
    ordered = query.order_by(q.created_at.desc(), q.id.desc()).limit(request.size).offset(request.offset)
    return Page((await session.execute(ordered)).all(), total, request)


async def request_row(session: AsyncSession, request_id: object) -> RowOf:
    """One payment request. Raises NotFound, also for an id that can't exist."""
    identifier = parse_id(request_id)
    row = (await request_rows(session, [identifier])).get(identifier) if identifier else None
    if row is None:
        raise NotFound("payment_request")
    return row


async def request_rows(session: AsyncSession, request_ids: Collection[UUID]) -> dict[UUID, RowOf]:
    """Payment requests by id."""
    if not request_ids:
        return {}
    return {row.id: row for row in await session.execute(_select_requests().where(_requests.c.id.in_(request_ids)))}


async def in_succeeded_request(session: AsyncSession, invoice_id: UUID) -> bool:
    """Whether a payment request that this invoice is in was paid."""
    r = _of_requests.c
    query = (
        sa.select(r.id)
        .join(_requests, _requests.c.id == r.payment_request_id)
        .where(r.invoice_id == invoice_id, _requests.c.payment_status == "succeeded")
    )
    return bool(await session.scalar(sa.select(sa.exists(query))))
