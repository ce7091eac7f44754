"""What was set by hand for the lines of drafts that are built again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.billing.adjustments import Adjustment
from domain.billing.lines import BilledLine
from domain.billing.requests import Target
from domain.invoicing.models import AdjustedFee
from domain.kernel.rows import table

__all__ = ["load_adjustments"]

_adjusted = table(AdjustedFee).c


async def load_adjustments(
    session: AsyncSession, planned: Sequence[tuple[Target, Sequence[BilledLine]]]
) -> dict[int, list[Adjustment]]:
    """What was set for the lines of drafts that are built again, by line number; one statement, none for new ones."""
    numbers = {
        (target.invoice_id, line.subscription.id): line.number
        for target, lines in planned
        if target.exists
        for line in lines
    }
    found: dict[int, list[Adjustment]] = {}
    if not numbers:
        return found
    invoices = sorted({invoice_id for invoice_id, _ in numbers})
    query = sa.select(*_adjusted).where(_adjusted.invoice_id.in_(invoices)).order_by(_adjusted.id)
    for row in await session.execute(query):
        number = numbers.get((row.invoice_id, row.subscription_id))
        if number is not None:
            found.setdefault(number, []).append(_adjustment(row))
    return found


def _adjustment(row: Any) -> Adjustment:
    return Adjustment(
        fee_type=row.fee_type,
        units=row.units,
        unit_amount=row.unit_amount,
        invoice_display_name=row.invoice_display_name,
        charge_id=row.charge_id,
        charge_filter_id=row.charge_filter_id,
        fixed_charge_id=row.fixed_charge_id,
        grouped_by=row.grouped_by,
        id=row.id,
    )
