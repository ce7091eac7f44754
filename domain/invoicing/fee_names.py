"""What a fee is called: pure, from a row of `fee_queries`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from domain.metering.matching import ALL_VALUES

__all__ = ["COMMITMENT", "Item", "display_name", "fee_window", "filter_name", "item_of"]

COMMITMENT: Final = "Minimum commitment"
PREPAID: Final = "Prepaid credits"


@dataclass(frozen=True, slots=True)
class Item:
    """What was sold. type: the class name of the interface."""

    id: UUID | None
    type: str
    code: str
    name: str
    description: str | None


def item_of(row: Any) -> Item:
    """A usage fee sells its metric, a fixed charge its add-on, prepaid credits the movement that they are; any
    other fee of a subscription sells its plan."""
    if row.charge_id is not None:
        return Item(row.metric_id, "BillableMetric", row.metric_code, row.metric_name, row.metric_description)
    if row.add_on_id is not None:
        return Item(row.add_on_id, "AddOn", row.add_on_code, row.add_on_name, row.add_on_description)
    if row.fee_type == "credit":
        return Item(row.wallet_transaction_id, "WalletTransaction", "credit", "credit", None)
    return Item(row.subscription_id, "Subscription", row.plan_code, row.plan_name, row.plan_description)


def display_name(row: Any) -> str:
    """What the invoice prints: the name given for that, else the usual one."""
    if row.charge_id is not None:
        return str(row.invoice_display_name or row.charge_display_name or row.metric_name)
    if row.add_on_id is not None:
        names = (row.invoice_display_name, row.fixed_charge_display_name, row.add_on_display_name, row.add_on_name)
        return str(next(filter(None, names)))
    if row.fee_type == "credit":
        return str(row.invoice_display_name or PREPAID)
    if row.fee_type == "commitment":
        return str(row.invoice_display_name or COMMITMENT)
    return str(row.invoice_display_name or row.subscription_name or row.plan_display_name or row.plan_name)


def filter_name(row: Any) -> str | None:
    """What a charge filter is called: its own name, else its values; a key whose values all count stands by itself."""
    if row.charge_filter_id is None:
        return None
    if row.filter_display_name:
        return str(row.filter_display_name)
    values = row.filter_values or {}
    return ", ".join(key if ALL_VALUES in values[key] else ", ".join(values[key]) for key in sorted(values))


def fee_window(row: Any) -> tuple[str | None, str | None]:
    """The instants a fee covers, as its properties hold them: each family of fees has windows of its own."""
    family = {"charge": "charges_", "fixed_charge": "fixed_charges_"}.get(row.fee_type, "")
    if "renewed_from_datetime" in row.properties:
        family = "renewed_"
    return row.properties.get(f"{family}from_datetime"), row.properties.get(f"{family}to_datetime")
