"""What is left of an applied coupon, and when it ends: pure (handbook, credits 1.4)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from uuid import UUID

__all__ = ["AppliedTerms"]


@dataclass(frozen=True, slots=True)
class AppliedTerms:
    """An active applied coupon. Exactly one of amount_cents (fixed) and rate (percent) is set.

    amount_cents: what it takes at most: of one used once, what earlier invoices have left. invoices_left: of a
    recurring one. limited_to_metrics, limited_to_plans with target_ids: what it lowers. uses: invoices since it was
    read.
    """

    id: UUID
    frequency: str
    amount_cents: int | None = None
    currency: str | None = None
    rate: Decimal | None = None
    invoices_left: int | None = None
    limited_to_metrics: bool = False
    limited_to_plans: bool = False
    target_ids: frozenset[UUID] = field(default_factory=frozenset)
    uses: int = 0
    ended: bool = False

    def after(self, amount_cents: int) -> AppliedTerms:
        """The coupon after an invoice took this amount of it, 0 included."""
        used = replace(self, uses=self.uses + 1)
        if self.frequency == "recurring":
            left = max((self.invoices_left or 0) - 1, 0)
            return replace(used, invoices_left=left, ended=left == 0)
        if self.frequency == "once":
            if self.amount_cents is None:
                return replace(used, ended=True)
            return replace(used, amount_cents=self.amount_cents - amount_cents, ended=amount_cents >= self.amount_cents)
        return used
