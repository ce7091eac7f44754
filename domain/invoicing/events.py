"""What happens to invoices."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.kernel.events import DomainEvent

__all__ = [
    "FeesCreated", "InvoiceDocumentGenerated", "InvoicesDeleted", "InvoicesDrafted", "InvoicesFinalized",
    "InvoicesVoided", "OneOffInvoicesCreated",
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
class InvoicesDeleted(DomainEvent):
    """Drafts were taken away. Webhook invoice.deleted for each."""

    invoice_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class InvoicesVoided(DomainEvent):
    """Invoices were taken back. Webhook invoice.voided for each."""

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
