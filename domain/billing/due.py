"""Who is billed now: the hourly selection for one organization. Source: subscriptions handbook, section 3.2.

The selection writes no invoice. It hands chunks of customers to jobs of their own, each one short transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.billing.facts import zone_of
from domain.kernel import clock
from domain.kernel.jobs import JobRequest
from domain.kernel.unit_of_work import UnitOfWork
from domain.subscriptions.calendar import BillingTime, Interval, Schedule, is_billing_day
from domain.subscriptions.instants import local_date

__all__ = ["CHUNK_CUSTOMERS", "PAID_BY", "bill_due"]

CHUNK_CUSTOMERS: Final = 500

# What a subscription's invoices are paid with: the method that is its own; by hand; the customer's default, m; or
# whatever the provider has. Rows that differ in it never share an invoice.
PAID_BY: Final = """
    coalesce(CAST(s.payment_method_id AS text), nullif(s.payment_method_type, 'provider'), CAST(m.id AS text),
             s.payment_method_type)
"""

# A subscription whose successor waits for its payment is billed when that is decided (see resolve.py).
# The day tests here only narrow: they let every billing day of section 3.2 pass, and `is_billing_day` decides.
_DUE: Final = sa.text(
    f"""
    WITH subscription AS (
        SELECT s.id, s.customer_id, s.billing_time, s.subscription_at, s.consolidate_invoice, s.purchase_order_number,
               s.payment_method_type, s.payment_method_id, p.interval, p.amount_currency,
               coalesce(s.billing_entity_id, c.billing_entity_id) AS billing_entity_id,
               coalesce(p.bill_charges_monthly, false) OR coalesce(p.bill_fixed_charges_monthly, false) AS split,
               zone.name AS timezone, today.day, (s.subscription_at AT TIME ZONE zone.name)::date AS anchor
        FROM subscriptions s
        JOIN plans p ON p.id = s.plan_id
        JOIN customers c ON c.id = s.customer_id
        JOIN billing_entities e ON e.id = c.billing_entity_id
        CROSS JOIN LATERAL (SELECT coalesce(c.timezone, e.timezone, 'UTC') AS name) zone
        CROSS JOIN LATERAL (SELECT (CAST(:now AS timestamptz) AT TIME ZONE zone.name)::date AS day) today
        WHERE s.status = 'active'
          AND (s.started_at AT TIME ZONE zone.name)::date < today.day
          AND (s.created_at AT TIME ZONE 'UTC')::date <= (CAST(:now AS timestamptz) AT TIME ZONE 'UTC')::date
          AND (s.ending_at IS NULL OR (s.ending_at AT TIME ZONE zone.name)::date <> today.day)
    )
    SELECT s.*, EXISTS (
        SELECT FROM subscriptions after WHERE after.previous_subscription_id = s.id AND after.status = 'pending'
    ) AS switches, {PAID_BY} AS paid_by
    FROM subscription s
    LEFT JOIN payment_methods m ON m.customer_id = s.customer_id AND m.is_default AND m.deleted_at IS NULL
    WHERE NOT EXISTS (
        SELECT FROM subscriptions after WHERE after.previous_subscription_id = s.id AND after.status = 'incomplete'
      )
      AND CASE
        WHEN s.interval = 'weekly' THEN extract(isodow FROM s.day)
            = CASE s.billing_time WHEN 'calendar' THEN 1 ELSE extract(isodow FROM s.anchor) END
        WHEN s.billing_time = 'calendar' THEN extract(day FROM s.day) = 1
        ELSE extract(day FROM s.day) = extract(day FROM s.anchor)
            OR (extract(day FROM s.day + 1) = 1 AND extract(day FROM s.day) < extract(day FROM s.anchor))
        END
      AND NOT EXISTS (
        SELECT FROM invoice_subscriptions x
        WHERE x.subscription_id = s.id AND x.recurring
          AND x.timestamp > CAST(:now AS timestamptz) - interval '2 days'
          AND (x.timestamp AT TIME ZONE s.timezone)::date = s.day
      )
    ORDER BY s.customer_id, s.id
    """  # noqa: S608
)


async def bill_due(work: UnitOfWork) -> int:
    """Hands everything that is due to jobs; how many subscriptions. One statement, and one for the jobs.

    "billing.bill_chunk" {"at", "groups": lists of subscription ids, an invoice each}; the job looks again whether a
    row has been billed today. "billing.switch_to_next" {"at", "subscription_ids"}: planned downgrades.
    """
    now = clock.now()
    rows = [row for row in await work.session.execute(_DUE, {"now": now}) if _is_due(row, now)]
    switching = [row for row in rows if row.switches]
    for part in _chunks(switching):
        ids = [row.id for row in part]
        work.enqueue(_job("billing.switch_to_next", now, {"subscription_ids": ids}))
    for part in _chunks([row for row in rows if not row.switches]):
        work.enqueue(_job("billing.bill_chunk", now, {"groups": group(part)}))
    return len(rows)


def group(rows: Sequence[Any]) -> list[list[UUID]]:
    """Rows that share an invoice: of one customer, payment method, currency, billing entity and purchase order number.

    A row that is not consolidated stays alone.
    """
    groups: dict[tuple[Any, ...], list[UUID]] = defaultdict(list)
    for row in rows:
        alone = None if row.consolidate_invoice else row.id
        key = (row.paid_by, row.amount_currency, row.billing_entity_id, row.purchase_order_number)
        groups[row.customer_id, alone, *key].append(row.id)
    return list(groups.values())


def _is_due(row: Any, now: datetime) -> bool:
    zone = zone_of(row.timezone)
    anchor = local_date(row.subscription_at, zone)
    schedule = Schedule(Interval(row.interval), BillingTime(row.billing_time), anchor)
    return is_billing_day(schedule, local_date(now, zone), monthly_split=row.split)


def _chunks(rows: Sequence[Any]) -> Iterator[list[Any]]:
    """Runs of at most CHUNK_CUSTOMERS customers; rows are sorted by customer, who is never torn apart."""
    part: list[Any] = []
    customers = 0
    for row in rows:
        if not part or part[-1].customer_id != row.customer_id:
            if customers == CHUNK_CUSTOMERS:
                yield part
                part, customers = [], 0
            customers += 1
        part.append(row)
    if part:
        yield part


def _job(actor: str, now: datetime, arguments: dict[str, Any]) -> JobRequest:
    """The same work of the same day waits once, even if the hours overtake it."""
    digest = sha256(repr(arguments).encode()).hexdigest()[:32]
    return JobRequest(actor, {"at": now, **arguments}, unique_key=f"{now:%Y-%m-%d}:{digest}")
