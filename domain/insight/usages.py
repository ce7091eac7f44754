"""Units and amounts by metric and period, from the usage kept of every day. Source: handbook, platform 20, metering 17.

A day holds what it added to the usage of its period, so days can be summed over any span. What today adds is not in it
until the day has ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Any, Final

import sqlalchemy as sa

from domain.kernel import clock
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Reader

__all__ = ["GRANULARITIES", "WantedUsage", "read_wanted_usage", "usage_amounts", "usages"]

GRANULARITIES: Final = ("daily", "weekly", "monthly")
DEFAULT_DAYS: Final = 30
"""How far back figures go where no first day is given."""

# Periods are weeks from Monday and months of the calendar, also where the asked days begin or end within one.
_DAYS: Final = """
    FROM daily_usages d
    JOIN customers c ON c.id = d.customer_id
    JOIN subscriptions s ON s.id = d.subscription_id
    JOIN plans p ON p.id = s.plan_id
    CROSS JOIN LATERAL jsonb_array_elements(d.usage_diff -> 'charges_usage') AS part(charge)
    JOIN billable_metrics m ON m.id = CAST(part.charge -> 'billable_metric' ->> 'lago_id' AS uuid)
    CROSS JOIN LATERAL (
        SELECT CASE CAST(:granularity AS text)
               WHEN 'weekly' THEN date_trunc('week', d.usage_date)::date
               WHEN 'monthly' THEN date_trunc('month', d.usage_date)::date
               ELSE d.usage_date END AS first
    ) period
    WHERE d.organization_id = :organization AND d.usage_date BETWEEN :from_date AND :to_date
      AND (CAST(:currency AS text) IS NULL OR d.usage ->> 'currency' = :currency)
      AND (CAST(:external_customer_id AS text) IS NULL OR c.external_id = :external_customer_id)
      AND (CAST(:customer_type AS text) IS NULL OR c.customer_type = :customer_type)
      AND (CAST(:customer_country AS text) IS NULL OR c.country = :customer_country)
      AND (CAST(:external_subscription_id AS text) IS NULL OR d.external_subscription_id = :external_subscription_id)
      AND (CAST(:plan_code AS text) IS NULL OR p.code = :plan_code)
      AND (CAST(:billable_metric_code AS text) IS NULL OR m.code = :billable_metric_code)
      AND (CAST(:is_billable_metric_recurring AS boolean) IS NULL OR m.recurring = :is_billable_metric_recurring)
      AND (CAST(:is_customer_tin_empty AS boolean) IS NULL
           OR (coalesce(c.tax_identification_number, '') = '') = :is_customer_tin_empty)
      AND (CAST(:billing_entity_code AS text) IS NULL OR c.billing_entity_id IN (
           SELECT e.id FROM billing_entities e WHERE e.code = :billing_entity_code))
"""
_AMOUNT: Final = "sum(CAST(part.charge ->> 'amount_cents' AS numeric)) AS amount_cents"
_USAGES: Final = sa.text(
    f"""
    SELECT period.first, d.usage ->> 'currency' AS currency, m.code, m.deleted_at IS NOT NULL AS deleted,
           {_AMOUNT}, sum(CAST(part.charge ->> 'units' AS numeric)) AS units
    {_DAYS} GROUP BY 1, 2, 3, 4 ORDER BY 1, 3, 4, 2
    """
)
_AMOUNTS: Final = sa.text(
    f"SELECT period.first, d.usage ->> 'currency' AS currency, {_AMOUNT} {_DAYS} GROUP BY 1, 2 ORDER BY 1, 2"
)


@dataclass(frozen=True, slots=True)
class WantedUsage:
    """What the figures are of, days included; None leaves a filter out."""

    granularity: str
    from_date: date
    to_date: date
    filters: Mapping[str, object]

    def last_day(self, first: date) -> date:
        """The last day of the period that begins on `first`."""
        if self.granularity == "weekly":
            return first + timedelta(days=6)
        if self.granularity == "monthly":
            return (first.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        return first


def read_wanted_usage(params: Mapping[str, object]) -> WantedUsage:
    """The filters of the interface. Daily by default, of the last thirty days.

    Raises ValidationFailed for a granularity, a type of customer, a truth or a day that is none.
    """
    read = Reader(params)
    granularity = read.choice("time_granularity", GRANULARITIES, default="daily")
    to_date = read.day("to_date", default=clock.now().astimezone(UTC).date())
    from_date = read.day("from_date")
    filters: dict[str, object] = {
        name: read.text(name)
        for name in (
            "currency", "external_customer_id", "customer_country", "external_subscription_id", "plan_code",
            "billable_metric_code", "billing_entity_code",
        )
    }  # fmt: skip
    filters["customer_type"] = read.choice("customer_type", ("individual", "company"))
    for name in ("is_billable_metric_recurring", "is_customer_tin_empty"):
        filters[name] = read.boolean(name)
    read.finish()
    assert granularity is not None, "has a default"
    assert to_date is not None, "has a default"
    if from_date is None:
        from_date = max(to_date, date.min + timedelta(days=DEFAULT_DAYS)) - timedelta(days=DEFAULT_DAYS)
    return WantedUsage(granularity, from_date, to_date, filters)


async def usages(work: UnitOfWork, wanted: WantedUsage) -> list[Any]:
    """Rows (first, currency, code, deleted, amount_cents, units) by first day of the period, then metric."""
    return await _rows(work, _USAGES, wanted)


async def usage_amounts(work: UnitOfWork, wanted: WantedUsage) -> list[Any]:
    """Rows (first, currency, amount_cents) of all metrics together."""
    return await _rows(work, _AMOUNTS, wanted)


async def _rows(work: UnitOfWork, query: sa.TextClause, wanted: WantedUsage) -> list[Any]:
    values = {
        "organization": work.organization_id,
        "granularity": wanted.granularity,
        "from_date": wanted.from_date,
        "to_date": wanted.to_date,
        **wanted.filters,
    }
    return list((await work.session.execute(query, values)).all())
