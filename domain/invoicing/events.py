"""What happens to invoices."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.kernel.events import DomainEvent

__all__ = [
    "CreditInvoicesCreated", "CreditInvoicesOpened", "FeesCreated", "InvoiceDocumentGenerated", "InvoicesDrafted",
    "InvoicesFinalized", "OneOffInvoicesCreated",
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
class CreditInvoicesCreated(DomainEvent):
    """Invoices of prepaid credits got their numbers. Webhook invoice.paid_credit_added, then their documents."""

    invoice_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class CreditInvoicesOpened(DomainEvent):
    """Invoices of prepaid credits wait to be paid before they get a number; until then clients do not see them."""

    invoice_ids: tuple[UUID, ...]
