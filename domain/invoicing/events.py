"""What happens to invoices."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.kernel.events import DomainEvent

__all__ = [
    "FeesCreated", "InvoiceDocumentGenerated", "InvoicesDrafted", "InvoicesFinalized", "OneOffInvoicesCreated",
    "UsageThresholdsReached",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class FeesCreated(DomainEvent):
    """Fees were made that the integrator is told one by one: of events paid in advance, and those without an invoice.
    Webhook fee.created for each."""

    fee_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class InvoicesDrafted(DomainEvent):
    """New drafts wait for the end of their grace period. Webhook invoice.drafted for each."""

    invoice_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class InvoicesFinalized(DomainEvent):
    """Invoices got their numbers. Webhook invoice.created for each, then their documents."""

    invoice_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class InvoiceDocumentGenerated(DomainEvent):
    """The PDFs of invoices are stored. Webhook invoice.generated for each."""

    invoice_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class OneOffInvoicesCreated(DomainEvent):
    """One-off invoices were made, with their numbers. Webhook invoice.one_off_created, then their documents."""

    invoice_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class UsageThresholdsReached(DomainEvent):
    """Usage thresholds were billed. Webhook subscription.usage_threshold_reached for each applied threshold."""

    applied_threshold_ids: tuple[UUID, ...]
