"""Figures over an organization's invoices and fees, month by month. Source: handbook, platform 20.

One statement each, whatever the number of invoices. Months run from the one in which the organization was made to the
current one; `months` keeps the last so many.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.identity.queries import kept_billing_entity_id
from domain.insight.months import WEEKS_OF_A_MONTH, add_months, month_of, months_between, recurring_revenue
from domain.kernel import clock
from domain.kernel.errors import ValidationFailed
from domain.kernel.money import round_cents
from domain.kernel.unit_of_work import UnitOfWork

__all__ = [
    "YEAR", "Wanted", "gross_revenues", "invoice_collections", "invoiced_usages", "mrrs", "overdue_balances",
    "read_wanted",
]  # fmt: skip

YEAR: Final = 12
LONGEST_PERIOD: Final = 13
"""Months that a fee can be spread over at most."""

_FILTERS: Final = """
      AND (CAST(:currency AS text) IS NULL OR {row}.{currency} = :currency)
      AND (CAST(:entity AS uuid) IS NULL OR {row}.billing_entity_id = :entity)
      AND (CAST(:customer AS text) IS NULL OR c.external_id = :customer)
      AND (CAST(:customer_id AS uuid) IS NULL OR c.id = :customer_id)
      AND (CAST(:without_tin AS boolean) IS NULL
           OR (coalesce(c.tax_identification_number, '') = '') = :without_tin)
"""
_OF_INVOICES: Final = "i.organization_id = :organization AND NOT i.self_billed" + _FILTERS.format(
    row="i", currency="currency"
)
_FINAL: Final = f"i.status = 'finalized' AND i.payment_dispute_lost_at IS NULL AND {_OF_INVOICES}"

_GROSS_REVENUES: Final = sa.text(
    f"""
    SELECT month, currency, billing_entity_id, sum(amount_cents) AS amount_cents, sum(invoices) AS invoices_count
    FROM (
        SELECT date_trunc('month', i.issuing_date)::date AS month, i.currency, i.billing_entity_id,
               i.total_amount_cents - coalesce((
                   SELECT sum(n.refund_amount_cents) FROM credit_notes n WHERE n.invoice_id = i.id
               ), 0) AS amount_cents,
               1 AS invoices
        FROM invoices i JOIN customers c ON c.id = i.customer_id
        WHERE {_FINAL} AND i.issuing_date >= :first
        UNION ALL
        SELECT date_trunc('month', f.created_at AT TIME ZONE 'UTC')::date, f.amount_currency, f.billing_entity_id,
               f.amount_cents, 0
        FROM fees f JOIN customers c ON c.id = f.customer_id
        WHERE f.organization_id = :organization AND f.invoice_id IS NULL AND f.pay_in_advance
          AND f.created_at >= :first_instant AND c.account_type = 'customer'
          {_FILTERS.format(row="f", currency="amount_currency")}
    ) figures
    GROUP BY month, currency, billing_entity_id ORDER BY month, currency, billing_entity_id
    """  # noqa: S608
)
_OVERDUE: Final = sa.text(
    f"""
    SELECT date_trunc('month', i.payment_due_date)::date AS month, i.currency, i.billing_entity_id,
           sum(i.total_amount_cents - i.total_paid_amount_cents - coalesce((
               SELECT sum(n.offset_amount_cents) FROM credit_notes n
               WHERE n.invoice_id = i.id AND n.status = 'finalized'
           ), 0)) AS amount_cents,
           array_agg(i.id ORDER BY i.id) AS invoice_ids
    FROM invoices i JOIN customers c ON c.id = i.customer_id
    WHERE i.payment_overdue AND i.status <> 'deleted' AND {_OF_INVOICES} AND i.payment_due_date >= :first
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    """  # noqa: S608
)
_COLLECTIONS: Final = sa.text(
    f"""
    SELECT date_trunc('month', i.issuing_date)::date AS month, i.payment_status, i.currency,
           count(*) AS invoices_count, sum(i.total_amount_cents) AS amount_cents
    FROM invoices i JOIN customers c ON c.id = i.customer_id
    WHERE {_FINAL} AND i.issuing_date >= :first
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    """  # noqa: S608
)
_INVOICED_USAGE: Final = sa.text(
    f"""
    SELECT date_trunc('month', f.created_at AT TIME ZONE 'UTC')::date AS month, m.code, i.currency,
           round(sum(f.amount_cents - f.precise_coupons_amount_cents)) AS amount_cents
    FROM fees f
    JOIN invoices i ON i.id = f.invoice_id
    JOIN customers c ON c.id = i.customer_id
    JOIN charges ch ON ch.id = f.charge_id
    JOIN billable_metrics m ON m.id = ch.billable_metric_id
    WHERE f.fee_type = 'charge' AND f.created_at >= :first_instant AND {_FINAL}
    GROUP BY 1, 2, 3 ORDER BY month DESC, amount_cents DESC, m.code, i.currency
    """  # noqa: S608
)
# A fee of several months counts as so many as its period has, in days of an average month. A week's fee counts as the
# average of its subscription's fees of the month.
_MRR: Final = sa.text(
    f"""
    WITH billed AS (
        SELECT i.issuing_date, i.currency, p.interval, p.pay_in_advance, f.subscription_id,
               f.amount_cents - f.precise_coupons_amount_cents + f.taxes_amount_cents AS amount,
               CASE WHEN p.interval IN ('weekly', 'monthly') THEN 1 ELSE greatest(round(extract(epoch FROM
                   (f.properties ->> 'to_datetime')::timestamptz - (f.properties ->> 'from_datetime')::timestamptz
               ) / 86400 / 30.44), 1) END AS months
        FROM fees f
        JOIN invoices i ON i.id = f.invoice_id
        JOIN customers c ON c.id = i.customer_id
        JOIN subscriptions s ON s.id = f.subscription_id
        JOIN plans p ON p.id = s.plan_id
        WHERE f.fee_type = 'subscription' AND {_FINAL} AND i.issuing_date >= :first
    )
    SELECT issuing_date, currency, pay_in_advance, months::integer AS months, sum(amount) AS amount, false AS weekly
    FROM billed WHERE interval <> 'weekly' GROUP BY 1, 2, 3, 4
    UNION ALL
    SELECT month, currency, false, 1, sum(average), true
    FROM (
        SELECT date_trunc('month', issuing_date)::date AS month, currency, avg(amount) AS average
        FROM billed WHERE interval = 'weekly' GROUP BY 1, 2, subscription_id
    ) weeks GROUP BY 1, 2
    """  # noqa: S608
)
_MADE: Final = sa.text("SELECT created_at FROM organizations WHERE id = :organization")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the figures are of; None leaves a filter out. months: the last so many.

    customer: an external id, which a deleted customer may have had before; customer_id: exactly that one.
    without_tin: customers without a tax identification number, or those with one.
    """

    months: int | None = None
    currency: str | None = None
    billing_entity_id: UUID | None = None
    customer: str | None = None
    without_tin: bool | None = None
    customer_id: UUID | None = None


async def read_wanted(work: UnitOfWork, filters: Mapping[str, Any]) -> Wanted:
    """The filters as a client named them: months, currency, billing_entity_id or billing_entity_code,
    external_customer_id, is_customer_tin_empty. What is no positive number of months asks for all.

    Raises ValidationFailed where the billing entity is named by code and id, NotFound for one that is not there.
    """
    entity_id, entity_code = filters.get("billing_entity_id"), filters.get("billing_entity_code")
    if entity_id is not None and entity_code is not None:
        raise ValidationFailed({"billing_entity": ["code_and_id_given"]})
    kept_id = await kept_billing_entity_id(work, code=entity_code, id=entity_id)
    months = filters.get("months")
    text = str(months) if months is not None else ""
    count = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
    return Wanted(
        months=count or None,
        currency=filters.get("currency"),
        billing_entity_id=kept_id,
        customer=filters.get("external_customer_id"),
        without_tin=filters.get("is_customer_tin_empty"),
    )


async def gross_revenues(work: UnitOfWork, wanted: Wanted) -> list[Any]:
    """Rows (month, currency, billing_entity_id, amount_cents, invoices_count); only months with data."""
    first, _ = await _months(work, wanted)
    return await _rows(work, _GROSS_REVENUES, wanted, first)


async def overdue_balances(work: UnitOfWork, wanted: Wanted) -> list[Any]:
    """Rows (month, currency, billing_entity_id, amount_cents, invoice_ids); only months with data."""
    first, _ = await _months(work, wanted)
    return await _rows(work, _OVERDUE, wanted, first)


async def invoiced_usages(work: UnitOfWork, wanted: Wanted) -> list[Any]:
    """Rows (month, code, currency, amount_cents): the newest month first, the largest amount first."""
    first, _ = await _months(work, wanted)
    return await _rows(work, _INVOICED_USAGE, wanted, first)


@dataclass(frozen=True, slots=True)
class Collected:
    """Finalized invoices of a month by payment status; no status for a month without any."""

    month: date
    payment_status: str | None = None
    currency: str | None = None
    invoices_count: int = 0
    amount_cents: int = 0


async def invoice_collections(work: UnitOfWork, wanted: Wanted) -> list[Collected]:
    """Every month, the first one first."""
    first, last = await _months(work, wanted)
    found: dict[date, list[Collected]] = defaultdict(list)
    for row in await _rows(work, _COLLECTIONS, wanted, first):
        found[row.month].append(
            Collected(row.month, row.payment_status, row.currency, row.invoices_count, int(row.amount_cents))
        )
    return [each for month in months_between(first, last) for each in found.get(month, [Collected(month)])]


@dataclass(frozen=True, slots=True)
class Recurring:
    """The recurring revenue of a month in a currency; neither for a month without any."""

    month: date
    currency: str | None = None
    amount_cents: int | None = None


async def mrrs(work: UnitOfWork, wanted: Wanted) -> list[Recurring]:
    """Every month, the first one first."""
    first, last = await _months(work, wanted)
    found: dict[date, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in await _rows(work, _MRR, wanted, add_months(first, -LONGEST_PERIOD)):
        amount = row.amount * WEEKS_OF_A_MONTH if row.weekly else row.amount
        spread = recurring_revenue(amount, row.months, row.issuing_date, in_advance=row.pay_in_advance)
        for month, part in spread.items():
            found[month][row.currency] += part
    return [
        each
        for month in months_between(first, last)
        for each in (
            [Recurring(month, currency, round_cents(amount)) for currency, amount in sorted(found[month].items())]
            if month in found
            else [Recurring(month)]
        )
    ]


async def _months(work: UnitOfWork, wanted: Wanted) -> tuple[date, date]:
    made: datetime | None = await work.session.scalar(_MADE, {"organization": work.organization_id})
    last = month_of(clock.now().astimezone(UTC).date())
    assert made is not None, "the bound organization is there"
    first = month_of(made.astimezone(UTC).date())
    if wanted.months is not None:
        first = max(first, add_months(last, 1 - wanted.months))
    return min(first, last), last


async def _rows(work: UnitOfWork, query: sa.TextClause, wanted: Wanted, first: date) -> list[Any]:
    known = {
        "organization": work.organization_id,
        "currency": wanted.currency,
        "entity": wanted.billing_entity_id,
        "customer": wanted.customer,
        "customer_id": wanted.customer_id,
        "without_tin": wanted.without_tin,
        "first": first,
        "first_instant": datetime(first.year, first.month, first.day, tzinfo=UTC),
    }
    named = {name: value for name, value in known.items() if f":{name}" in query.text}
    return list((await work.session.execute(query, named)).all())
