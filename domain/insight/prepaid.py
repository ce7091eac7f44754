"""Prepaid credits by period: what was bought, given, spent and voided. Source: handbook, platform 20; credits 5.

Of settled movements, by the UTC day on which they were settled, in the currency of their wallet. What a voided invoice
had taken and gave back counts neither as spent nor as given, as voided invoices do not count. So over all time

    purchased + offered - consumed - voided = the balances of all wallets
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from domain.insight.wanted import CURRENCY, OF_CUSTOMER, WantedFigures, issued_by, period_of, rows_of
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["prepaid_movements"]

_KINDS: Final = {"purchased": "purchased", "offered": "granted", "consumed": "invoiced", "voided": "voided"}
_SUMS: Final = ", ".join(
    f"coalesce(sum(t.{column}) FILTER (WHERE t.transaction_status = '{status}'), 0) AS {name}_{shown}"
    for name, status in _KINDS.items()
    for column, shown in (("amount_cents", "cents"), ("credit_amount", "credits"))
)
# A wallet is no subscription's: it is its customer who has to have one like that.
_MOVEMENTS: Final = sa.text(
    f"""
    SELECT period.first, w.currency, {_SUMS}
    FROM wallet_transactions t
    JOIN wallets w ON w.id = t.wallet_id
    JOIN customers c ON c.id = w.customer_id
    CROSS JOIN LATERAL (SELECT (t.settled_at AT TIME ZONE 'UTC')::date AS settled) day
    CROSS JOIN LATERAL (SELECT {period_of("day.settled")} AS first) period
    WHERE t.organization_id = :organization AND t.status = 'settled'
      AND day.settled BETWEEN :from_date AND :to_date
      AND t.voided_invoice_id IS NULL
      AND NOT (t.transaction_status = 'invoiced' AND EXISTS (
          SELECT FROM wallet_transactions back WHERE back.voided_invoice_id = t.invoice_id
            AND back.wallet_id = t.wallet_id))
      AND {CURRENCY.format(column="w.currency")} {OF_CUSTOMER}
      {issued_by("coalesce(t.billing_entity_id, w.billing_entity_id, c.billing_entity_id)")}
      AND (CAST(:external_subscription_id AS text) IS NULL OR EXISTS (
          SELECT FROM subscriptions s WHERE s.customer_id = c.id AND s.external_id = :external_subscription_id))
      AND (CAST(:plan_code AS text) IS NULL OR EXISTS (
          SELECT FROM subscriptions s JOIN plans p ON p.id = s.plan_id
          WHERE s.customer_id = c.id AND p.code = :plan_code))
    GROUP BY 1, 2 ORDER BY 1, 2
    """  # noqa: S608
)


async def prepaid_movements(work: UnitOfWork, wanted: WantedFigures) -> Sequence[Any]:
    """Rows (first, currency, and for each of purchased, offered, consumed, voided: _cents and _credits); periods with
    a movement. One statement."""
    return await rows_of(work, _MOVEMENTS, wanted)
