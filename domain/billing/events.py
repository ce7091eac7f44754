"""What is due to be billed because of something that just happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.kernel.events import DomainEvent

__all__ = ["BillingDue", "GatedInvoicesClosed", "GatedInvoicesSettled", "PaidFeesDue"]


@dataclass(frozen=True, slots=True)
class BillingDue(DomainEvent):
    """These subscriptions are to be billed together, now, in a job of their own.

    reason: subscription_starting, subscription_terminating or upgrading (the terminated row and its successor).
    skip_charges: usage is left out, as on the first invoice of a plan paid in advance.
    Followed by the job "billing.bill_subscriptions" with {"subscription_ids", "at", "reason", "skip_charges"}.
    """

    subscription_ids: tuple[UUID, ...]
    at: datetime
    reason: str
    skip_charges: bool = False


@dataclass(frozen=True, slots=True)
class PaidFeesDue(DomainEvent):
    """A subscription ended without a bill of its own; what was paid in advance is put on an invoice all the same."""

    subscription_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class GatedInvoicesSettled(DomainEvent):
    """The first invoices of subscriptions that wait for their payment leave nothing to pay."""

    invoice_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class GatedInvoicesClosed(DomainEvent):
    """Such invoices are not to be paid any more; payments under way are called off."""

    invoice_ids: tuple[UUID, ...]
