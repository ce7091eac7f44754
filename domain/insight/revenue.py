"""Revenue by stream, customer and plan. Source: handbook, platform 20; what counts: revenue_lines.py.

One statement each. Amounts in minor units, never of two currencies together:

    gross = subscription + usage based + one-off + commitment fees, before taxes
    contra = coupons + credits of credit notes + free and prepaid credits + progressive billing credits
    net = gross - contra
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.insight.revenue_lines import DEDUCTIONS, REVENUE_LINES, STREAMS
from domain.insight.shares import share_of
from domain.insight.wanted import OF_SUBSCRIPTION, WantedFigures, everything, period_of, rows_of
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.unit_of_work import UnitOfWork

__all__ = [
    "ORDERS", "CustomerRevenue", "PlanRevenue", "RevenueStream", "revenue_of_customers", "revenue_of_plans",
    "revenue_streams",
]  # fmt: skip

ORDERS: Final = ("gross_revenue_amount_cents", "net_revenue_amount_cents")


def _kinds(stream: str) -> str:
    return ", ".join(f"'{kind}'" for kind in STREAMS[stream])


_STREAM_SUMS: Final = ", ".join(
    f"coalesce(sum(l.amount_cents) FILTER (WHERE l.fee_type IN ({_kinds(stream)})), 0) AS {stream}"
    for stream in STREAMS
)
_DEDUCTION_SUMS: Final = ", ".join(f"sum(l.{name}) AS {name}" for name in DEDUCTIONS)
_NET: Final = f"sum(l.amount_cents - {' - '.join(f'l.{name}' for name in DEDUCTIONS)})"

_BY_STREAM: Final = sa.text(
    f"""
    WITH {REVENUE_LINES}
    SELECT period.first, l.currency, {_STREAM_SUMS}, {_DEDUCTION_SUMS}
    FROM lines l
    LEFT JOIN subscriptions s ON s.id = l.subscription_id
    LEFT JOIN plans p ON p.id = s.plan_id
    CROSS JOIN LATERAL (SELECT {period_of("l.day")} AS first) period
    WHERE true {OF_SUBSCRIPTION}
    GROUP BY 1, 2 ORDER BY 1, 2
    """  # noqa: S608
)
# A page of the figures, each with the sums of its currency; one row of nothing but the count beyond the last page.
_PAGE: Final = """
    , counted AS (
        SELECT f.*, sum(gross) OVER of_currency AS all_gross, sum(net) OVER of_currency AS all_net {sums}
        FROM figures f WINDOW of_currency AS (PARTITION BY currency)
    )
    SELECT n.total, t.* FROM (SELECT count(*) AS total FROM figures) n
    LEFT JOIN LATERAL (
        SELECT * FROM counted
        ORDER BY CASE WHEN CAST(:order_by AS text) = 'net_revenue_amount_cents' THEN net ELSE gross END DESC,
                 currency, {order}
        LIMIT :limit OFFSET :offset
    ) t ON true
"""
_BY_CUSTOMER: Final = sa.text(
    f"""
    WITH {REVENUE_LINES}, figures AS (
        SELECT l.customer_id, l.currency, sum(l.amount_cents) AS gross, {_NET} AS net, c.external_id, c.deleted_at,
               coalesce(nullif(c.name, ''), nullif(concat_ws(' ', c.firstname, c.lastname), '')) AS name
        FROM lines l JOIN customers c ON c.id = l.customer_id
        GROUP BY l.customer_id, l.currency, c.id
    ) {_PAGE.format(sums="", order="external_id, customer_id")}
    """  # noqa: S608
)
# Plans of single subscriptions count as the plan that they were made from.
_BY_PLAN: Final = sa.text(
    f"""
    WITH {REVENUE_LINES}, figures AS (
        SELECT r.id AS plan_id, l.currency, sum(l.amount_cents) AS gross, {_NET} AS net,
               count(DISTINCT l.customer_id) AS customers, r.code, r.name, r.interval, r.deleted_at
        FROM lines l
        JOIN subscriptions s ON s.id = l.subscription_id
        JOIN plans p ON p.id = s.plan_id
        JOIN plans r ON r.id = coalesce(p.parent_id, p.id)
        GROUP BY r.id, l.currency
    ) {_PAGE.format(sums=", sum(customers) OVER of_currency AS all_customers", order="code, plan_id")}
    """  # noqa: S608
)


@dataclass(frozen=True, slots=True)
class RevenueStream:
    """What was billed in a period in a currency, by kind, and what was taken off; cents. first: its first day."""

    first: date
    currency: str
    subscription: int
    usage: int
    one_off: int
    commitment: int
    coupons: int
    notes: int
    free: int
    prepaid: int
    progressive: int

    @property
    def gross(self) -> int:
        return self.subscription + self.usage + self.one_off + self.commitment

    @property
    def contra(self) -> int:
        return self.coupons + self.notes + self.free + self.prepaid + self.progressive

    @property
    def net(self) -> int:
        return self.gross - self.contra


@dataclass(frozen=True, slots=True)
class CustomerRevenue:
    """What was billed to a customer in a currency; shares are of all customers in it."""

    id: UUID
    external_id: str
    name: str | None
    deleted_at: datetime | None
    currency: str
    gross: int
    gross_share: Decimal | None
    net: int
    net_share: Decimal | None


@dataclass(frozen=True, slots=True)
class PlanRevenue:
    """What was billed for a plan in a currency; shares are of all plans in it, one-off fees left out.

    customers_share: of the customers counted plan by plan, so that the shares sum to one.
    """

    id: UUID
    code: str
    name: str
    interval: str
    deleted_at: datetime | None
    currency: str
    customers: int
    customers_share: Decimal
    gross: int
    gross_share: Decimal | None
    net: int
    net_share: Decimal | None


async def revenue_streams(work: UnitOfWork, wanted: WantedFigures) -> list[RevenueStream]:
    """By period and currency, those with anything billed."""
    numbers = (*STREAMS, *DEDUCTIONS)
    return [
        RevenueStream(row.first, row.currency, **{name: int(getattr(row, name)) for name in numbers})
        for row in await rows_of(work, _BY_STREAM, wanted)
    ]


async def revenue_of_customers(
    work: UnitOfWork, request: PageRequest, *, currency: str | None, order_by: str
) -> Page[CustomerRevenue]:
    """Of all time, the largest first. order_by: one of ORDERS."""
    rows, total = await _page(work, _BY_CUSTOMER, request, currency, order_by)
    return Page(
        [
            CustomerRevenue(
                row.customer_id, row.external_id, row.name, row.deleted_at, row.currency,
                int(row.gross), share_of(row.gross, row.all_gross), int(row.net), share_of(row.net, row.all_net),
            )
            for row in rows
        ],
        total,
        request,
    )  # fmt: skip


async def revenue_of_plans(
    work: UnitOfWork, request: PageRequest, *, currency: str | None, order_by: str
) -> Page[PlanRevenue]:
    """Of all time, the largest first. order_by: one of ORDERS."""
    rows, total = await _page(work, _BY_PLAN, request, currency, order_by)
    return Page(
        [
            PlanRevenue(
                row.plan_id, row.code, row.name, row.interval, row.deleted_at, row.currency,
                row.customers, share_of(row.customers, row.all_customers) or Decimal(0),
                int(row.gross), share_of(row.gross, row.all_gross), int(row.net), share_of(row.net, row.all_net),
            )
            for row in rows
        ],
        total,
        request,
    )  # fmt: skip


async def _page(
    work: UnitOfWork, query: sa.TextClause, request: PageRequest, currency: str | None, order_by: str
) -> tuple[Sequence[Any], int]:
    rows = await rows_of(
        work, query, everything(currency), order_by=order_by, limit=request.size, offset=request.offset
    )
    return [row for row in rows if row.currency is not None], rows[0].total
