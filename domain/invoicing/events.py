"""What happens to invoices."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.kernel.events import DomainEvent

__all__ = ["InvoiceDocumentGenerated", "InvoicesDrafted", "InvoicesFinalized"]


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
