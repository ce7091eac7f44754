"""What a run has to know of the past once its windows are known: units of fixed charges, what was paid, what was spent.

Nothing is asked for subscriptions whose plans have neither fixed charges nor a commitment.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.billing.commitments import reconciled_window
from domain.billing.facts import Facts
from domain.billing.fixed_units import UnitsEvent
from domain.billing.lines import BilledLine
from domain.billing.requests import Target
from infrastructure import exact_json

__all__ = ["History", "PaidFixedFee", "load_history"]


@dataclass(frozen=True, slots=True)
class PaidFixedFee:
    """A fee for a fixed charge paid in advance whose window reaches beyond the billing instant.

    start, end: its window. at: the billing instant it was made at.
    """

    subscription_id: UUID
    fixed_charge_id: UUID
    add_on_id: UUID
    units: Decimal
    amount_cents: int
    start: datetime
    end: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class History:
    """units: by (subscription, fixed charge), in the order they were made. paid: by line number, those of the
    predecessor included. spent: cents of the period a commitment is settled for, by line number."""

    units: Mapping[tuple[UUID, UUID], Sequence[UnitsEvent]] = field(default_factory=dict)
    paid: Mapping[int, Sequence[PaidFixedFee]] = field(default_factory=dict)
    spent: Mapping[int, int] = field(default_factory=dict)


_UNITS = sa.text(
    """
    SELECT subscription_id, fixed_charge_id, timestamp, units FROM fixed_charge_events
    WHERE subscription_id = ANY(:ids) ORDER BY subscription_id, fixed_charge_id, created_at, id
    """
)
_PAID = sa.text(
    """
    SELECT line.n, f.subscription_id, f.fixed_charge_id, f.add_on_id, f.units, f.amount_cents,
           f.properties ->> 'fixed_charges_from_datetime' AS starts,
           f.properties ->> 'fixed_charges_to_datetime' AS ends, f.properties ->> 'timestamp' AS at
    FROM json_to_recordset(CAST(:lines AS json))
         AS line(n integer, invoice_id uuid, subscription_id uuid, predecessor_id uuid, at timestamptz)
    JOIN fees f ON f.subscription_id IN (line.subscription_id, line.predecessor_id)
               AND f.fee_type = 'fixed_charge' AND f.pay_in_advance
    JOIN invoices i ON i.id = f.invoice_id AND i.id <> line.invoice_id AND i.status NOT IN ('voided', 'deleted')
    WHERE (f.units > 0 OR f.amount_cents > 0)
      AND (f.properties ->> 'fixed_charges_to_datetime')::timestamptz >= line.at
    ORDER BY line.n, f.created_at, f.id
    """
)
# Fees of events of a recurring metric are left out: its renewal stands for the period. So are those of progressive
# invoices: the period's own invoice has all of its usage.
_SPENT = sa.text(
    """
    SELECT line.n, coalesce(sum(f.amount_cents), 0) AS cents
    FROM json_to_recordset(CAST(:lines AS json))
         AS line(n integer, invoice_id uuid, subscription_id uuid, first timestamptz, last timestamptz)
    JOIN fees f ON f.subscription_id = line.subscription_id AND f.fee_type IN ('subscription', 'charge', 'fixed_charge')
               AND f.invoice_id IS DISTINCT FROM line.invoice_id
    LEFT JOIN invoices i ON i.id = f.invoice_id
    WHERE (i.id IS NULL OR (i.status NOT IN ('voided', 'deleted') AND i.invoice_type <> 'progressive_billing'))
      AND (f.properties ->> CASE f.fee_type WHEN 'charge' THEN 'charges_from_datetime'
                                            WHEN 'fixed_charge' THEN 'fixed_charges_from_datetime'
                                            ELSE 'from_datetime' END)::timestamptz BETWEEN line.first AND line.last
      AND NOT (f.pay_in_advance AND f.charge_id IS NOT NULL AND EXISTS (
          SELECT FROM charges c JOIN billable_metrics m ON m.id = c.billable_metric_id
          WHERE c.id = f.charge_id AND m.recurring))
    GROUP BY line.n
    """
)


async def load_history(
    session: AsyncSession, facts: Facts, planned: Sequence[tuple[Target, Sequence[BilledLine]]]
) -> History:
    """The past of all lines, in three statements at most."""
    with_units = {
        line.subscription.id for _, lines in planned for line in lines if facts.fixed_charges_of(line.subscription)
    }
    paid_lines, spent_lines = [], []
    for target, lines in planned:
        for line in lines:
            asked = {"n": line.number, "invoice_id": target.invoice_id, "subscription_id": line.subscription.id}
            if any(each.pay_in_advance for each in facts.fixed_charges_of(line.subscription)):
                paid_lines.append(asked | {"predecessor_id": line.subscription.predecessor_id, "at": line.at})
            if line.bills_periods and facts.commitment_of(line.subscription) is not None:
                window = reconciled_window(line)
                spent_lines.append(asked | {"first": window.from_datetime, "last": window.to_datetime})
    units: dict[tuple[UUID, UUID], list[UnitsEvent]] = defaultdict(list)
    if with_units:
        for row in await session.execute(_UNITS, {"ids": sorted(with_units)}):
            units[row.subscription_id, row.fixed_charge_id].append(UnitsEvent(row.timestamp, row.units))
    paid: dict[int, list[PaidFixedFee]] = defaultdict(list)
    for row in await _lines(session, _PAID, paid_lines):
        n, *values, starts, ends, at = row
        instants = (datetime.fromisoformat(text) for text in (starts, ends, at))
        paid[n].append(PaidFixedFee(*values, *instants))
    spent = {row.n: int(row.cents) for row in await _lines(session, _SPENT, spent_lines)}
    return History(units, paid, spent)


async def _lines(session: AsyncSession, statement: sa.TextClause, lines: Sequence[Any]) -> Sequence[sa.Row[Any]]:
    if not lines:
        return ()
    return (await session.execute(statement, {"lines": exact_json.dump_text(lines)})).all()
