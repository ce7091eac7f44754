"""What is still due on an invoice, and what a payment makes of it. Source: handbook, credits 6.1 and 6.2. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

__all__ = ["PAYMENT_STATUSES", "PaymentState"]

PAYMENT_STATUSES: Final = ("pending", "succeeded", "failed")


@dataclass(frozen=True, slots=True)
class PaymentState:
    """One invoice: its total, what was paid and what credit notes on it settled, in cents of its currency."""

    total: int
    paid: int = 0
    offset: int = 0
    status: str = "pending"
    overdue: bool = False

    @property
    def due(self) -> int:
        """What may still be paid; never below zero."""
        return max(self.total - self.paid - self.offset, 0)

    def after(self, *, paid: int = 0, offset: int = 0) -> PaymentState:
        """With so much more paid or settled. What is due no longer has succeeded and is not overdue; as long as
        something is due, status and overdue mark stay as they are."""
        assert min(paid, offset) >= 0, "money that came in is not negative"
        moved = replace(self, paid=self.paid + paid, offset=self.offset + offset)
        return moved.marked("succeeded") if moved.due == 0 else moved

    def marked(self, status: str) -> PaymentState:
        """With this status, whatever was paid: the client's word. Succeeded is not overdue."""
        assert status in PAYMENT_STATUSES, status
        return replace(self, status=status, overdue=self.overdue and status != "succeeded")
