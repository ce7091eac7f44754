"""Units and amounts by metric and period, from the usage kept of every day. Source: handbook, platform 20, metering 17.

A day holds what it added to the usage of its period, so days can be summed over any span. What today adds is not in it
until the day has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from domain.insight.wanted import (
    CURRENCY,
    OF_CUSTOMER,
    OF_SUBSCRIPTION,
    WantedFigures,
    issued_by,
    period_of,
    rows_of,
)
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["usage_amounts", "usages"]

# Of a charge: itself and what stands for it on the plans of single subscriptions. The documents of days know a filter
# of a charge by its values.
_DAYS: Final = f"""
    FROM daily_usages d
    JOIN customers c ON c.id = d.customer_id
    JOIN subscriptions s ON s.id = d.subscription_id
    JOIN plans p ON p.id = s.plan_id
    CROSS JOIN LATERAL jsonb_array_elements(d.usage_diff -> 'charges_usage') AS whole(charge)
    CROSS JOIN LATERAL (
        SELECT whole.charge AS used WHERE CAST(:charge_filter_id AS uuid) IS NULL
        UNION ALL
        SELECT part FROM jsonb_array_elements(whole.charge -> 'filters') AS part
        WHERE part -> 'values' = (
            SELECT jsonb_object_agg(k.key, to_jsonb(v.values)) FROM charge_filter_values v
            JOIN billable_metric_filters k ON k.id = v.billable_metric_filter_id
            WHERE v.charge_filter_id = :charge_filter_id AND v.deleted_at IS NULL)
    ) AS part
    JOIN billable_metrics m ON m.id = CAST(whole.charge -> 'billable_metric' ->> 'lago_id' AS uuid)
    CROSS JOIN LATERAL (SELECT {period_of("d.usage_date")} AS first) period
    WHERE d.organization_id = :organization AND d.usage_date BETWEEN :from_date AND :to_date
      AND {CURRENCY.format(column="d.usage ->> 'currency'")}
      AND (CAST(:billable_metric_code AS text) IS NULL OR m.code = :billable_metric_code)
      AND (CAST(:is_billable_metric_recurring AS boolean) IS NULL OR m.recurring = :is_billable_metric_recurring)
      AND (CAST(:charge_id AS uuid) IS NULL OR CAST(whole.charge -> 'charge' ->> 'lago_id' AS uuid) IN (
           SELECT ch.id FROM charges ch WHERE ch.id = :charge_id OR ch.parent_id = :charge_id))
      {OF_CUSTOMER} {OF_SUBSCRIPTION} {issued_by("coalesce(s.billing_entity_id, c.billing_entity_id)")}
"""  # noqa: S608
_SUMS: Final = """
    sum(CAST(part.used ->> 'amount_cents' AS numeric)) AS amount_cents,
    sum(CAST(part.used ->> 'units' AS numeric)) AS units
"""
_USAGES: Final = sa.text(
    f"""
    SELECT period.first, d.usage ->> 'currency' AS currency, m.code, m.deleted_at IS NOT NULL AS deleted, {_SUMS}
    {_DAYS} GROUP BY 1, 2, 3, 4 ORDER BY 1, 3, 4, 2
    """
)
_AMOUNTS: Final = sa.text(
    f"SELECT period.first, d.usage ->> 'currency' AS currency, {_SUMS} {_DAYS} GROUP BY 1, 2 ORDER BY 1, 2"
)


async def usages(work: UnitOfWork, wanted: WantedFigures) -> Sequence[Any]:
    """Rows (first, currency, code, deleted, amount_cents, units) by first day of the period, then metric."""
    return await rows_of(work, _USAGES, wanted)


async def usage_amounts(work: UnitOfWork, wanted: WantedFigures) -> Sequence[Any]:
    """Rows (first, currency, amount_cents, units) of all metrics together."""
    return await rows_of(work, _AMOUNTS, wanted)
