"""What progressive invoices have billed of the usage that invoices bill now, and may still be credited.

Source: handbook, subscriptions 8 and metering 18.3.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.billing.lines import BilledLine
from domain.billing.requests import Target
from domain.invoicing.calculation.state import ProgressiveInvoice
from infrastructure import exact_json

__all__ = ["UsageLine", "creditable_on", "load_progressive"]

# The latest invoice of the window has all of its usage so far; the ones before were credited on it.
_CREDITABLE: Final = sa.text(
    """
    SELECT line.n, line.subscription_id, i.id,
           i.fees_amount_cents - i.coupons_amount_cents - coalesce(given.cents, 0) - coalesce(noted.cents, 0) AS cents
    FROM json_to_recordset(CAST(:lines AS json))
         AS line(n integer, invoice_id uuid, subscription_id uuid, charges_from timestamptz, at timestamptz)
    CROSS JOIN LATERAL (
        SELECT i.id, i.fees_amount_cents, i.coupons_amount_cents
        FROM invoice_subscriptions x JOIN invoices i ON i.id = x.invoice_id
        WHERE x.subscription_id = line.subscription_id AND x.invoicing_reason = 'progressive_billing'
          AND i.status IN ('finalized', 'failed', 'pending') AND i.id <> line.invoice_id AND x.timestamp <= line.at
          AND x.charges_from_datetime <= line.charges_from AND line.charges_from < x.charges_to_datetime
        ORDER BY x.timestamp DESC, i.id DESC LIMIT 1
    ) i
    LEFT JOIN LATERAL (
        SELECT sum(c.amount_cents) AS cents FROM credits c JOIN invoices j ON j.id = c.invoice_id
        WHERE c.progressive_billing_invoice_id = i.id AND j.id <> line.invoice_id
          AND j.status NOT IN ('voided', 'closed', 'deleted')
    ) given ON true
    LEFT JOIN LATERAL (
        SELECT sum(n.sub_total_excluding_taxes_amount_cents) AS cents FROM credit_notes n
        WHERE n.invoice_id = i.id AND n.status = 'finalized' AND n.voided_at IS NULL
    ) noted ON true
    """
)
_FEES: Final = sa.text(
    """
    SELECT invoice_id, charge_id, charge_filter_id, grouped_by, amount_cents FROM fees
    WHERE invoice_id = ANY(:ids) AND fee_type = 'charge' ORDER BY invoice_id, position
    """
)


@dataclass(frozen=True, slots=True)
class UsageLine:
    """A line that bills usage from `charges_from` on, at the instant `at`; number: to find it again by."""

    number: int
    invoice_id: UUID
    subscription_id: UUID
    charges_from: datetime
    at: datetime


async def load_progressive(
    session: AsyncSession, planned: Sequence[tuple[Target, Sequence[BilledLine]]]
) -> Mapping[int, ProgressiveInvoice]:
    """By line number what is to be credited, where anything is; two statements at most."""
    return await creditable_on(
        session,
        [
            UsageLine(line.number, target.invoice_id, line.subscription.id, line.window.charges_from_datetime, line.at)
            for target, of_target in planned
            if not target.skip_charges
            for line in of_target
            if line.bills_periods and line.has_usage and line.window.charges_from_datetime is not None
        ],
    )


async def creditable_on(session: AsyncSession, wanted: Sequence[UsageLine]) -> Mapping[int, ProgressiveInvoice]:
    """By line number what is to be credited on these lines, where anything is; two statements at most."""
    lines = [
        {
            "n": line.number,
            "invoice_id": line.invoice_id,
            "subscription_id": line.subscription_id,
            "charges_from": line.charges_from,
            "at": line.at,
        }
        for line in wanted
    ]
    if not lines:
        return {}
    rows = (await session.execute(_CREDITABLE, {"lines": exact_json.dump_text(lines)})).all()
    creditable = [row for row in rows if row.cents > 0]
    if not creditable:
        return {}
    fees: dict[UUID, list[sa.Row[Any]]] = defaultdict(list)
    for fee in await session.execute(_FEES, {"ids": [row.id for row in creditable]}):
        fees[fee.invoice_id].append(fee)
    return {
        row.n: ProgressiveInvoice(
            row.id,
            int(row.cents),
            tuple(
                (
                    (row.subscription_id, fee.charge_id),
                    (fee.charge_filter_id, tuple(sorted(fee.grouped_by.items()))),
                    fee.amount_cents,
                )
                for fee in fees[row.id]
            ),
        )
        for row in creditable
    }
