"""The rows of an invoice before they are written: plain mappings from column to value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.invoicing.calculation.state import Credit

__all__ = ["InvoiceRows"]

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class InvoiceRows:
    """One invoice with all that stands on it. The number is not among them: it is taken last.

    credits: what lowered it, for the context that owns their sources to write.
    """

    invoice: Values
    subscriptions: Sequence[Values]
    fees: Sequence[Values]
    fee_taxes: Sequence[Values]
    taxes: Sequence[Values]
    pricing_units: Sequence[Values] = field(default_factory=list)
    credits: Sequence[Credit] = ()
    sections: Sequence[Values] = ()
