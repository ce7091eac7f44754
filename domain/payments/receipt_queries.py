"""Reads of payment receipts."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.errors import NotFound
from domain.kernel.ids import parse_id
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.rows import table
from domain.payments.models import Payment, PaymentReceipt, PaymentRequestInvoice

__all__ = ["receipt_row", "receipt_rows", "receipts_of_payments", "receipts_page"]

RowOf = sa.Row[Any]

_receipts, _payments, _of_requests = table(PaymentReceipt), table(Payment), table(PaymentRequestInvoice)


async def receipts_page(session: AsyncSession, request: PageRequest, invoice_id: UUID | None = None) -> Page[RowOf]:
    """The latest first, of one invoice if one is named, those of its payment requests among them; two statements."""
    r = _receipts.c
    query = sa.select(*r).join(_payments, _payments.c.id == r.payment_id)
    if invoice_id is not None:
        requests = sa.select(_of_requests.c.payment_request_id).where(_of_requests.c.invoice_id == invoice_id)
        p = _payments.c
        query = query.where(sa.or_(p.invoice_id == invoice_id, p.payment_request_id.in_(requests)))
    total = await session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
    if request.offset >= total:
        return Page((), total, request)
    ordered = query.order_by(r.created_at.desc(), r.id.desc()).limit(request.size).offset(request.offset)
    return Page((await session.execute(ordered)).all(), total, request)


async def receipt_row(session: AsyncSession, receipt_id: object, missing: str = "payment_receipt") -> RowOf:
    """One receipt. Raises NotFound(missing)."""
    identifier = parse_id(receipt_id)
    row = (await receipt_rows(session, [identifier])).get(identifier) if identifier else None
    if row is None:
        raise NotFound(missing)
    return row


async def receipt_rows(session: AsyncSession, receipt_ids: Collection[UUID]) -> dict[UUID, RowOf]:
    """Receipts by id."""
    if not receipt_ids:
        return {}
    rows = await session.execute(sa.select(*_receipts.c).where(_receipts.c.id.in_(receipt_ids)))
    return {row.id: row for row in rows}


async def receipts_of_payments(session: AsyncSession, payment_ids: Collection[UUID]) -> dict[UUID, RowOf]:
    """The receipt of each payment that has one."""
    rows = await session.execute(sa.select(*_receipts.c).where(_receipts.c.payment_id.in_(payment_ids)))
    return {row.payment_id: row for row in rows}
