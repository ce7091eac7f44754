"""What a fee is called: pure, from a row of `fee_queries`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

__all__ = ["Item", "display_name", "item_of"]


@dataclass(frozen=True, slots=True)
class Item:
    """What was sold. type: the class name of the interface."""

    id: UUID | None
    type: str
    code: str
    name: str
    description: str | None


def item_of(row: Any) -> Item:
    """A usage fee sells its metric, any other fee of a subscription its plan."""
    if row.charge_id is not None:
        return Item(row.metric_id, "BillableMetric", row.metric_code, row.metric_name, row.metric_description)
    return Item(row.subscription_id, "Subscription", row.plan_code, row.plan_name, row.plan_description)


def display_name(row: Any) -> str:
    """What the invoice prints: the name given for that, else the usual one."""
    if row.charge_id is not None:
        return str(row.invoice_display_name or row.charge_display_name or row.metric_name)
    return str(row.invoice_display_name or row.subscription_name or row.plan_display_name or row.plan_name)
