"""Contracted recurring revenue: what the base fees of the running subscriptions come to a month, day by day.

Source: handbook, platform 20 (`dataApiMrrs`), which names the identities and leaves open what is counted. Here a
subscription counts from the UTC day on which it starts, or its trial ends, up to the day before the one on which it is
terminated, with the base fee of a whole period of its plan: a week's fee 4.33 times, that of a quarter, half a year or
a year by its months, rounded to the cent for each subscription; before coupons and taxes. Where a finalized invoice
notes another price than the plan has now, that price counts for the days that the fee pays for. So the figures do not
wait for invoices, and a new price does not change the past. They are read off the days on which something changes:

    new          a customer had no recurring revenue in the currency the day before, and has now
    churn        had, and has none any more (not above 0)
    expansion    has more than the day before; contraction: less (not above 0)

Changes of a day are taken together, customer by customer, so that a change of plan is the difference of the two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.insight.periods import first_day, periods_between
from domain.insight.shares import share_of
from domain.insight.wanted import (
    CURRENCY,
    OF_CUSTOMER,
    OF_SUBSCRIPTION,
    WantedFigures,
    everything,
    issued_by,
    period_of,
    rows_of,
    today,
)
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["PlanMrr", "RecurringPeriod", "continued", "contracted_mrrs", "contracted_plans"]


def _monthly(amount: str) -> str:
    """A base fee as that of a month, in whole cents."""
    return (
        f"round(CASE p.interval WHEN 'weekly' THEN {amount} * 4.33 WHEN 'quarterly' THEN {amount} / 3.0"
        f" WHEN 'semiannual' THEN {amount} / 6.0 WHEN 'yearly' THEN {amount} / 12.0 ELSE {amount} END)"
    )


# `steps`: by how much a subscription changes the recurring revenue of its customer from a day on. A fee of another
# price is a step there and one back, both within the life of the subscription. Its period ends a moment before the next
# one begins, hence the second.
_STEPS: Final = f"""
    lives AS (
        SELECT s.id, s.customer_id, s.plan_id, (s.started_at AT TIME ZONE 'UTC')::date AS started,
               (greatest(s.started_at, CASE WHEN p.trial_period > 0 THEN coalesce(s.trial_ended_at,
                   min(s.started_at) OVER (PARTITION BY s.customer_id, s.external_id)
                   + make_interval(secs => trunc(p.trial_period * 86400)::double precision))
               END) AT TIME ZONE 'UTC')::date AS pays_from,
               coalesce((s.terminated_at AT TIME ZONE 'UTC')::date, 'infinity') AS ended
        FROM subscriptions s JOIN plans p ON p.id = s.plan_id
        WHERE s.organization_id = :organization AND s.started_at IS NOT NULL AND s.status IN ('active', 'terminated')
    ), running AS (
        SELECT l.id, l.customer_id, coalesce(p.parent_id, p.id) AS plan_id, p.amount_currency AS currency,
               l.started, l.pays_from, l.ended, p.interval, p.amount_cents
        FROM lives l
        JOIN subscriptions s ON s.id = l.id
        JOIN plans p ON p.id = l.plan_id
        JOIN customers c ON c.id = l.customer_id
        WHERE {CURRENCY.format(column="p.amount_currency")} {OF_CUSTOMER} {OF_SUBSCRIPTION}
          {issued_by("coalesce(s.billing_entity_id, c.billing_entity_id)")}
    ), prices AS MATERIALIZED (
        SELECT p.id, p.customer_id, p.plan_id, p.currency, greatest(fee.since, p.pays_from) AS since,
               least(fee.until, p.ended) AS until, {_monthly("fee.amount")} - {_monthly("p.amount_cents")} AS delta
        FROM running p
        JOIN fees f ON f.subscription_id = p.id AND f.fee_type = 'subscription'
        JOIN invoices i ON i.id = f.invoice_id AND i.status = 'finalized'
        CROSS JOIN LATERAL (
            SELECT (f.amount_details ->> 'plan_amount_cents')::numeric AS amount,
                   ((f.properties ->> 'from_datetime')::timestamptz AT TIME ZONE 'UTC')::date AS since,
                   ((f.properties ->> 'to_datetime')::timestamptz AT TIME ZONE 'UTC' + interval '1 second')::date
                       AS until
        ) fee
        WHERE fee.amount <> p.amount_cents
    ), steps AS (
        SELECT p.customer_id, p.plan_id, p.currency, step.day, step.delta
        FROM running p CROSS JOIN LATERAL (VALUES
            (p.pays_from, {_monthly("p.amount_cents")}), (p.ended, - {_monthly("p.amount_cents")})) AS step(day, delta)
        WHERE p.pays_from < p.ended
        UNION ALL
        SELECT p.customer_id, p.plan_id, p.currency, step.day, step.delta
        FROM prices p CROSS JOIN LATERAL (VALUES (p.since, p.delta), (p.until, - p.delta)) AS step(day, delta)
        WHERE p.since < p.until
    )
"""  # noqa: S608
# `before` is no period: the changes that the first day starts from.
_CHANGES: Final = sa.text(
    f"""
    WITH {_STEPS}, days AS (
        SELECT customer_id, currency, day, sum(delta) AS delta FROM steps WHERE day <= :to_date
        GROUP BY 1, 2, 3 HAVING sum(delta) <> 0
    ), changes AS (
        SELECT currency, day, delta, sum(delta) OVER (PARTITION BY customer_id, currency ORDER BY day) AS has FROM days
    )
    SELECT currency, CASE WHEN day >= :from_date THEN {period_of("day")} END AS first, sum(delta) AS change,
           coalesce(sum(delta) FILTER (WHERE delta > 0 AND has = delta), 0) AS new,
           coalesce(sum(delta) FILTER (WHERE delta > 0 AND has <> delta), 0) AS expansion,
           coalesce(sum(delta) FILTER (WHERE delta < 0 AND has <> 0), 0) AS contraction,
           coalesce(sum(delta) FILTER (WHERE delta < 0 AND has = 0), 0) AS churn
    FROM changes GROUP BY 1, 2
    """  # noqa: S608
)
_PLANS: Final = sa.text(
    f"""
    WITH {_STEPS}, figures AS (
        SELECT r.id AS plan_id, a.currency, a.customers, r.code, r.name, r.interval, r.deleted_at,
               coalesce((SELECT sum(t.delta) FROM steps t
                         WHERE t.plan_id = a.plan_id AND t.currency = a.currency AND t.day <= :to_date), 0) AS mrr
        FROM (
            SELECT plan_id, currency, count(DISTINCT customer_id) AS customers FROM running
            WHERE started <= :to_date AND ended > :to_date GROUP BY 1, 2
        ) a JOIN plans r ON r.id = a.plan_id
    ), counted AS (
        SELECT f.*, sum(mrr) OVER of_currency AS all_mrr, sum(customers) OVER of_currency AS all_customers
        FROM figures f WINDOW of_currency AS (PARTITION BY currency)
    )
    SELECT n.total, t.* FROM (SELECT count(*) AS total FROM figures) n
    LEFT JOIN LATERAL (
        SELECT * FROM counted ORDER BY mrr DESC, currency, code, plan_id LIMIT :limit OFFSET :offset
    ) t ON true
    """  # noqa: S608
)


@dataclass(frozen=True, slots=True)
class RecurringPeriod:
    """How recurring revenue moved in a period, in cents. first: its first day."""

    first: date
    currency: str
    starting: int
    new: int = 0
    expansion: int = 0
    contraction: int = 0
    churn: int = 0

    @property
    def change(self) -> int:
        return self.new + self.expansion + self.contraction + self.churn

    @property
    def ending(self) -> int:
        return self.starting + self.change


@dataclass(frozen=True, slots=True)
class PlanMrr:
    """The recurring revenue of a plan on a day, and the customers with a running subscription to it.

    Shares are of all plans in the currency; customers are counted plan by plan, so that the shares sum to one.
    """

    id: UUID
    code: str
    name: str
    interval: str
    deleted_at: datetime | None
    day: date
    currency: str
    customers: int
    customers_share: Decimal
    mrr: int
    mrr_share: Decimal | None


@dataclass(slots=True)
class _Moves:
    starting: int = 0
    by_period: dict[date, Mapping[str, int]] = field(default_factory=dict)


async def contracted_mrrs(work: UnitOfWork, wanted: WantedFigures) -> list[RecurringPeriod]:
    """Every period up to today, in each currency from the first one on that has recurring revenue. One statement."""
    until = min(wanted.to_date, today())
    if wanted.from_date > until:
        return []
    wanted = replace(wanted, to_date=until)
    moves: dict[str, _Moves] = defaultdict(_Moves)
    for row in await rows_of(work, _CHANGES, wanted):
        if row.first is None:
            moves[row.currency].starting = int(row.change)
        else:
            parts = {name: int(getattr(row, name)) for name in ("new", "expansion", "contraction", "churn")}
            moves[row.currency].by_period[row.first] = parts
    found = [
        each
        for currency, of_currency in moves.items()
        for each in continued(wanted, currency, of_currency.starting, of_currency.by_period)
    ]
    return sorted(found, key=lambda each: (each.first, each.currency))


def continued(
    wanted: WantedFigures, currency: str, starting: int, moves: Mapping[date, Mapping[str, int]]
) -> Sequence[RecurringPeriod]:
    """The periods of a currency, each starting from where the one before ended; those without a move too. Pure.

    Without anything to start from, the first one is that of the first move.
    """
    start = wanted.from_date if starting else min(moves, default=None)
    if start is None:
        return []
    found = []
    for first in periods_between(wanted.granularity, first_day(wanted.granularity, start), wanted.to_date):
        period = RecurringPeriod(first, currency, starting, **moves.get(first, {}))
        starting = period.ending
        found.append(period)
    return found


async def contracted_plans(work: UnitOfWork, request: PageRequest, *, currency: str | None) -> Page[PlanMrr]:
    """Plans with running subscriptions as of today, the largest first. One statement."""
    day = today()
    wanted = replace(everything(currency), to_date=day)
    rows: Sequence[Any] = await rows_of(work, _PLANS, wanted, limit=request.size, offset=request.offset)
    return Page(
        [
            PlanMrr(
                row.plan_id, row.code, row.name, row.interval, row.deleted_at, day, row.currency,
                row.customers, share_of(row.customers, row.all_customers) or Decimal(0),
                int(row.mrr), share_of(row.mrr, row.all_mrr),
            )
            for row in rows
            if row.plan_id is not None
        ],
        rows[0].total,
        request,
    )  # fmt: skip
