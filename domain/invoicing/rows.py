"""The rows of an invoice before they are written: plain mappings from column to value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["InvoiceRows"]

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class InvoiceRows:
    """One invoice with all that stands on it. The number is not among them: it is taken last."""

    invoice: Values
    subscriptions: Sequence[Values]
    fees: Sequence[Values]
    fee_taxes: Sequence[Values]
    taxes: Sequence[Values]
    pricing_units: Sequence[Values] = field(default_factory=list)
