"""What a run is asked to bill."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from domain.kernel.jobs import JobRequest

__all__ = ["FINISH_WAITING", "REASONS", "BillRequest", "Line", "Target", "finish_request"]

FINISH_WAITING: Final = "billing.finish_waiting"

REASONS = (
    "subscription_starting", "subscription_periodic", "subscription_terminating", "upgrading", "in_advance_charge",
    "progressive_billing",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BillRequest:
    """Subscriptions of one customer that go on one invoice.

    at: the billing instant. reason: one of REASONS; upgrading becomes subscription_terminating for the row that ended
    and subscription_starting for the other; in_advance_charge bills the fixed charges whose units changed at `at`.
    progressive_billing bills the usage of the running period so far. skip_charges: usage is left out. invoice_id: of
    the invoice to be made, None for a new one.
    """

    subscription_ids: tuple[UUID, ...]
    at: datetime
    reason: str
    skip_charges: bool = False
    invoice_id: UUID | None = None

    def __post_init__(self) -> None:
        assert self.subscription_ids, "an invoice bills at least one subscription"
        assert self.reason in REASONS, self.reason


@dataclass(frozen=True, slots=True)
class Line:
    """One subscription on one invoice. reason: of the request. charges_from: of a draft that is built again."""

    subscription_id: UUID
    at: datetime
    reason: str
    charges_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """An invoice to be built: a new one, or a draft that is built again and keeps its id and its time.

    A one-off invoice has no lines.
    """

    invoice_id: UUID
    created_at: datetime
    lines: tuple[Line, ...]
    skip_charges: bool = False
    exists: bool = False

    @property
    def at(self) -> datetime:
        """The billing instant: all lines of an invoice are billed at the same one."""
        return self.lines[0].at

    @property
    def periodic(self) -> bool:
        return self._reason == "subscription_periodic"

    @property
    def in_advance(self) -> bool:
        """Bills what is paid in advance on its own: issued at once, without a grace period."""
        return self._reason == "in_advance_charge"

    @property
    def progressive(self) -> bool:
        """Bills usage before its period ends, because thresholds were passed: issued at once, whatever it comes to."""
        return self._reason == "progressive_billing"

    @property
    def _reason(self) -> str | None:
        return self.lines[0].reason if self.lines else None


def finish_request(customer_id: UUID) -> JobRequest:
    """Of the job that finishes the customer's invoices that wait for its taxes, once these are known."""
    return JobRequest(FINISH_WAITING, {"customer_id": customer_id})
