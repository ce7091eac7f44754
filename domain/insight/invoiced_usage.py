"""What usage came to on invoices, by metric and period. Source: handbook, platform 20 (invoiced usage).

Fees of charges on finalized invoices, less coupons and progressive billing credits, before taxes, by the UTC day on
which the fee was made. In months it is what `invoicedUsages` says.
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

__all__ = ["invoiced_usage_of_periods"]

_INVOICED: Final = sa.text(
    f"""
    SELECT period.first, i.currency, m.code, round(sum(f.amount_cents - f.precise_coupons_amount_cents)) AS amount_cents
    FROM fees f
    JOIN invoices i ON i.id = f.invoice_id
    JOIN customers c ON c.id = i.customer_id
    JOIN charges ch ON ch.id = f.charge_id
    JOIN billable_metrics m ON m.id = ch.billable_metric_id
    LEFT JOIN subscriptions s ON s.id = f.subscription_id
    LEFT JOIN plans p ON p.id = s.plan_id
    CROSS JOIN LATERAL (SELECT (f.created_at AT TIME ZONE 'UTC')::date AS made) day
    CROSS JOIN LATERAL (SELECT {period_of("day.made")} AS first) period
    WHERE f.organization_id = :organization AND f.fee_type = 'charge' AND day.made BETWEEN :from_date AND :to_date
      AND i.status = 'finalized' AND NOT i.self_billed AND i.payment_dispute_lost_at IS NULL
      AND (CAST(:billable_metric_code AS text) IS NULL OR m.code = :billable_metric_code)
      AND (CAST(:grouped_by AS text) IS NULL OR f.grouped_by ? :grouped_by)
      AND (CAST(:filter_values AS text) IS NULL OR f.charge_filter_id IN (
          SELECT v.charge_filter_id FROM charge_filter_values v
          WHERE v.values && string_to_array(regexp_replace(:filter_values, '\\s*,\\s*', ',', 'g'), ',')))
      AND {CURRENCY.format(column="i.currency")} {OF_CUSTOMER} {OF_SUBSCRIPTION} {issued_by("i.billing_entity_id")}
    GROUP BY 1, 2, 3 ORDER BY 1, 3, 2
    """  # noqa: S608
)


async def invoiced_usage_of_periods(work: UnitOfWork, wanted: WantedFigures) -> Sequence[Any]:
    """Rows (first, currency, code, amount_cents), periods with any. One statement.

    grouped_by: the name of a property; only fees that are kept apart by it. filter_values: values, separated by commas;
    only fees of charge filters that take one of them.
    """
    return await rows_of(work, _INVOICED, wanted)
