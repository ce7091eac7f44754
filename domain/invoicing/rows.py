"""The rows of an invoice before they are written: plain mappings from column to value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.invoicing.calculation.state import Credit

__all__ = ["InvoiceRows", "PayableFee"]

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PayableFee:
    """What of a fee is still to pay after coupons and credit notes, taxes included, in unrounded cents.

    target_wallet_code: the wallet that the fee's events name, if they do.
    """

    fee_type: str
    billable_metric_id: UUID | None
    target_wallet_code: str | None
    cents: Decimal


@dataclass(frozen=True, slots=True)
class InvoiceRows:
    """One invoice with all that stands on it. The number is not among them: it is taken last.

    payable: what prepaid credits can be spent on, of invoices that they are spent on.
    credits: what lowered it, for the context that owns their sources to write.
    """

    invoice: Values
    subscriptions: Sequence[Values]
    fees: Sequence[Values]
    fee_taxes: Sequence[Values]
    taxes: Sequence[Values]
    pricing_units: Sequence[Values] = field(default_factory=list)
    payable: Sequence[PayableFee] = ()
    credits: Sequence[Credit] = ()
    sections: Sequence[Values] = ()
