"""What may be done with invoices, as their pages show it: reads over several contexts, for many at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

__all__ = ["InvoiceState", "LineState", "line_states", "states_of"]


@dataclass(frozen=True, slots=True)
class InvoiceState:
    """regenerated_invoice_id: of the one that stands for it. voidable: final, not paid, without a lost dispute and
    without a credit note that is still good (stricter than what voiding itself asks for). all_charges_have_fees,
    all_fixed_charges_have_fees: nothing is left that a line could be added for."""

    regenerated_invoice_id: UUID | None = None
    voidable: bool = False
    all_charges_have_fees: bool = True
    all_fixed_charges_have_fees: bool = True


@dataclass(frozen=True, slots=True)
class LineState:
    """accepts_charge_fees: the usage of a period is billed, and a charge has no line yet."""

    accepts_charge_fees: bool = False


# Charges that a period bills, with their filters, and no line on the invoice.
_WITHOUT_FEE: Final = """
    FROM invoice_subscriptions x
    JOIN subscriptions s ON s.id = x.subscription_id
    JOIN charges ch ON ch.plan_id = s.plan_id AND ch.deleted_at IS NULL AND ch.invoiceable
    JOIN billable_metrics m ON m.id = ch.billable_metric_id AND (m.recurring OR NOT ch.pay_in_advance)
    CROSS JOIN LATERAL (
        SELECT NULL::uuid AS id UNION ALL
        SELECT fl.id FROM charge_filters fl WHERE fl.charge_id = ch.id AND fl.deleted_at IS NULL
    ) bucket
    WHERE NOT EXISTS (
        SELECT FROM fees f WHERE f.invoice_id = x.invoice_id AND f.subscription_id = s.id AND f.charge_id = ch.id
                             AND f.charge_filter_id IS NOT DISTINCT FROM bucket.id)
"""
_STATES: Final = sa.text(
    f"""
    SELECT i.id, (
               SELECT r.id FROM invoices r WHERE r.voided_invoice_id = i.id AND r.status <> 'deleted'
           ) AS regenerated_invoice_id,
           i.status = 'finalized' AND i.payment_status <> 'succeeded' AND i.total_paid_amount_cents = 0
               AND i.payment_dispute_lost_at IS NULL AND NOT EXISTS (
               SELECT FROM credit_notes n
               WHERE n.invoice_id = i.id AND n.status = 'finalized' AND n.credit_status IS DISTINCT FROM 'voided'
           ) AS voidable,
           NOT EXISTS (SELECT {_WITHOUT_FEE} AND x.invoice_id = i.id) AS charges,
           NOT EXISTS (
               SELECT FROM invoice_subscriptions x
               JOIN subscriptions s ON s.id = x.subscription_id
               JOIN fixed_charges fc ON fc.plan_id = s.plan_id AND fc.deleted_at IS NULL
               WHERE x.invoice_id = i.id AND NOT EXISTS (
                   SELECT FROM fees f
                   WHERE f.invoice_id = i.id AND f.subscription_id = s.id AND f.fixed_charge_id = fc.id)
           ) AS fixed_charges
    FROM invoices i WHERE i.id = ANY(:ids)
    """  # noqa: S608
)
_LINES: Final = sa.text(
    f"""
    SELECT line.id, line.charges_from_datetime < line.charges_to_datetime AND EXISTS (
               SELECT {_WITHOUT_FEE} AND x.id = line.id
           ) AS accepts
    FROM invoice_subscriptions line WHERE line.id = ANY(:ids)
    """  # noqa: S608
)


async def states_of(session: AsyncSession, invoice_ids: Collection[UUID]) -> dict[UUID, InvoiceState]:
    """The state of each invoice; one statement."""
    rows = await session.execute(_STATES, {"ids": list(invoice_ids)})
    return {
        row.id: InvoiceState(row.regenerated_invoice_id, row.voidable, row.charges, row.fixed_charges) for row in rows
    }


async def line_states(session: AsyncSession, line_ids: Collection[UUID]) -> dict[UUID, LineState]:
    """The state of each line of `invoice_subscriptions`; one statement."""
    rows = await session.execute(_LINES, {"ids": list(line_ids)})
    return {row.id: LineState(bool(row.accepts)) for row in rows}
