"""A fee before coupons and taxes, as rating leaves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.pricing.fee_amounts import PricingUnitAmounts

__all__ = ["RatedFee", "instant_text"]


@dataclass(frozen=True, slots=True)
class RatedFee:
    """Amounts as the columns of `fees` hold them.

    owner: the charge, fixed charge or commitment, whose own taxes come first. starts: the first instant it covers.
    properties: windows that differ from those of the line it stands on. standalone: a fee without an invoice.
    true_up_of: the fee whose charge this one raises to its minimum. reckoning: what an explanation of the amount needs
    beside units and price: days billed of days in the period, amounts in cents that were compared. adjusted_fee_id:
    of what was set by hand. original_fee_id: of the voided invoice that this fee is billed again for.
    """

    fee_type: str
    amount_cents: int
    precise_amount_cents: Decimal
    units: Decimal
    unit_amount_cents: int
    precise_unit_amount: Decimal
    starts: datetime | None = None
    owner: UUID | None = None
    charge_id: UUID | None = None
    charge_filter_id: UUID | None = None
    fixed_charge_id: UUID | None = None
    add_on_id: UUID | None = None
    commitment_id: UUID | None = None
    billable_metric_id: UUID | None = None
    total_aggregated_units: Decimal | None = None
    events_count: int | None = None
    grouped_by: Mapping[str, Any] = field(default_factory=dict)
    amount_details: Mapping[str, Any] = field(default_factory=dict)
    presentation_breakdowns: Sequence[Mapping[str, Any]] | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    invoice_display_name: str | None = None
    pay_in_advance: bool = False
    pay_in_advance_event_id: UUID | None = None
    pay_in_advance_event_transaction_id: str | None = None
    standalone: bool = False
    true_up_of: RatedFee | None = None
    pricing_unit: PricingUnitAmounts | None = None
    pricing_unit_id: UUID | None = None
    pricing_unit_short_name: str | None = None
    reckoning: Mapping[str, Any] = field(default_factory=dict)
    adjusted_fee_id: UUID | None = None
    original_fee_id: UUID | None = None


def instant_text(instant: datetime | None) -> str | None:
    """As the properties of a fee show instants: UTC with three decimals, cut off."""
    if instant is None:
        return None
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
