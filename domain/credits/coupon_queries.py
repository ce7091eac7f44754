"""Reads of coupons and applied coupons. Lists of ids in, rows by id out: N rows never cost N statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.credits.models import AppliedCoupon, Coupon
from domain.customers.models import Customer
from domain.kernel.errors import NotFound
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.rows import table

__all__ = [
    "AppliedCouponFilter", "applied_coupon_rows", "applied_coupons_of_customers", "applied_coupons_page",
    "coupon_row", "coupon_rows", "coupon_uses", "coupons_page", "credits_of_applied_coupons", "targets_of_coupons",
]  # fmt: skip

RowOf = sa.Row[Any]

_coupons, _applied, _customers = table(Coupon), table(AppliedCoupon), table(Customer)

_SPENT: Final = sa.text(
    """
    SELECT coalesce(sum(r.amount_cents), 0) FROM credits r JOIN invoices i ON i.id = r.invoice_id
    WHERE r.applied_coupon_id = applied_coupons.id AND i.status NOT IN ('voided', 'closed', 'deleted')
    """
).columns(sa.column("spent", sa.BigInteger))
_TARGETS: Final = sa.text(
    """
    SELECT t.coupon_id, t.plan_id, t.billable_metric_id, p.code AS plan_code, m.code AS billable_metric_code
    FROM coupon_targets t
    LEFT JOIN plans p ON p.id = t.plan_id
    LEFT JOIN billable_metrics m ON m.id = t.billable_metric_id
    WHERE t.coupon_id = ANY(:ids) ORDER BY t.coupon_id, coalesce(p.code, m.code), t.id
    """
)
_USES: Final = sa.text(
    """
    SELECT a.coupon_id, count(*) AS applications,
           count(DISTINCT a.customer_id) FILTER (WHERE a.status = 'active') AS customers
    FROM applied_coupons a WHERE a.coupon_id = ANY(:ids) GROUP BY a.coupon_id
    """
)
_CREDITS: Final = sa.text(
    """
    SELECT r.id, r.applied_coupon_id, r.invoice_id, r.amount_cents, r.amount_currency, r.before_taxes,
           i.payment_status, 'coupon' AS item_type, c.id AS item_id, c.code AS item_code, c.name AS item_name,
           c.description AS item_description
    FROM credits r
    JOIN invoices i ON i.id = r.invoice_id AND i.status NOT IN ('voided', 'closed', 'deleted')
    JOIN applied_coupons a ON a.id = r.applied_coupon_id
    JOIN coupons c ON c.id = a.coupon_id
    WHERE r.applied_coupon_id = ANY(:ids) ORDER BY r.applied_coupon_id, r.created_at, r.id
    """
)


@dataclass(frozen=True, slots=True)
class AppliedCouponFilter:
    """Which applied coupons; empty asks for all of customers that are not deleted. An unknown status asks for all."""

    external_customer_id: str | None = None
    status: str | None = None
    coupon_codes: Collection[str] = ()


async def coupons_page(
    session: AsyncSession, request: PageRequest, *, status: str | None = None, search_term: str | None = None
) -> Page[RowOf]:
    """Kept coupons: the active ones first, those without a limit in time before those that end, the next to end
    first."""
    c = _coupons.c
    select = sa.select(*c).where(c.deleted_at.is_(None))
    if status is not None:
        select = select.where(c.status == status)
    if search_term and search_term.strip():
        text = search_term.strip()[:255]
        select = select.where(sa.or_(c.name.icontains(text, autoescape=True), c.code.icontains(text, autoescape=True)))
    order = (c.status, c.expiration, c.expiration_at.asc().nulls_last(), c.created_at.desc(), c.id.desc())
    return await _page(session, select, request, order)


async def coupon_row(session: AsyncSession, *, coupon_id: UUID | None = None, code: str | None = None) -> RowOf:
    """A kept coupon. Raises NotFound."""
    wanted = _coupons.c.code == code if code is not None else _coupons.c.id == coupon_id
    rows = await session.execute(sa.select(*_coupons.c).where(wanted, _coupons.c.deleted_at.is_(None)))
    row: RowOf | None = rows.first()
    if row is None:
        raise NotFound("coupon")
    return row


async def coupon_rows(session: AsyncSession, coupon_ids: Collection[UUID]) -> dict[UUID, RowOf]:
    """Coupons by id, deleted ones as well."""
    if not coupon_ids:
        return {}
    rows = await session.execute(sa.select(*_coupons.c).where(_coupons.c.id.in_(coupon_ids)))
    return {row.id: row for row in rows}


async def targets_of_coupons(session: AsyncSession, coupon_ids: Collection[UUID]) -> dict[UUID, list[RowOf]]:
    """The targets of each coupon, with `plan_code` or `billable_metric_code`, in the order of their codes."""
    return await _grouped(session, _TARGETS, coupon_ids, "coupon_id")


async def coupon_uses(session: AsyncSession, coupon_ids: Collection[UUID]) -> dict[UUID, tuple[int, int]]:
    """How often each coupon was given, and how many customers have it now; unused ones are left out."""
    if not coupon_ids:
        return {}
    rows = await session.execute(_USES, {"ids": list(coupon_ids)})
    return {row.coupon_id: (row.applications, row.customers) for row in rows}


def _select_applied() -> sa.Select[Any]:
    """Applied coupons with what their coupon and customer say, and `spent_cents`, what counts of what they took."""
    c = _coupons.c
    return (
        sa.select(
            *_applied.c,
            c.code.label("coupon_code"),
            c.name.label("coupon_name"),
            c.description.label("coupon_description"),
            c.coupon_type,
            c.status.label("coupon_status"),
            c.deleted_at.label("coupon_deleted_at"),
            c.expiration_at,
            _customers.c.external_id.label("external_customer_id"),
            _SPENT.scalar_subquery().label("spent_cents"),
        )
        .join(_coupons, c.id == _applied.c.coupon_id)
        .join(_customers, _customers.c.id == _applied.c.customer_id)
    )


async def applied_coupons_page(session: AsyncSession, request: PageRequest, wanted: AppliedCouponFilter) -> Page[RowOf]:
    """Applied coupons, the latest first."""
    a = _applied.c
    select = _select_applied().where(_customers.c.deleted_at.is_(None))
    if wanted.external_customer_id is not None:
        select = select.where(_customers.c.external_id == wanted.external_customer_id)
    if wanted.status in ("active", "terminated"):
        select = select.where(a.status == wanted.status)
    if wanted.coupon_codes:
        select = select.where(_coupons.c.code.in_(wanted.coupon_codes))
    return await _page(session, select, request, (a.created_at.desc(), a.id.desc()))


async def applied_coupon_rows(session: AsyncSession, applied_coupon_ids: Collection[UUID]) -> dict[UUID, RowOf]:
    """Applied coupons by id."""
    if not applied_coupon_ids:
        return {}
    rows = await session.execute(_select_applied().where(_applied.c.id.in_(applied_coupon_ids)))
    return {row.id: row for row in rows}


async def applied_coupons_of_customers(
    session: AsyncSession, customer_ids: Collection[UUID]
) -> dict[UUID, list[RowOf]]:
    """The active applied coupons of each customer, the first applied first."""
    found: dict[UUID, list[RowOf]] = defaultdict(list)
    if customer_ids:
        a = _applied.c
        select = _select_applied().where(a.customer_id.in_(customer_ids), a.status == "active")
        for row in await session.execute(select.order_by(a.created_at, a.id)):
            found[row.customer_id].append(row)
    return found


async def credits_of_applied_coupons(
    session: AsyncSession, applied_coupon_ids: Collection[UUID]
) -> dict[UUID, list[RowOf]]:
    """What each took off invoices that count, with what a credit is shown with."""
    return await _grouped(session, _CREDITS, applied_coupon_ids, "applied_coupon_id")


async def _grouped(
    session: AsyncSession, query: sa.TextClause, ids: Collection[UUID], by: str
) -> dict[UUID, list[RowOf]]:
    found: dict[UUID, list[RowOf]] = defaultdict(list)
    if ids:
        for row in await session.execute(query, {"ids": list(ids)}):
            found[getattr(row, by)].append(row)
    return found


async def _page(
    session: AsyncSession, select: sa.Select[Any], request: PageRequest, order: tuple[Any, ...]
) -> Page[RowOf]:
    total = await session.scalar(sa.select(sa.func.count()).select_from(select.subquery())) or 0
    if request.offset >= total:
        return Page((), total, request)
    rows = await session.execute(select.order_by(*order).limit(request.size).offset(request.offset))
    return Page(rows.all(), total, request)
