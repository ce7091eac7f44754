"""What happens to invoices."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.kernel.events import DomainEvent

__all__ = [
    "CreditInvoicesCreated",
    "CreditInvoicesOpened",
    "FeesCreated",
    "InvoiceDisputesLost",
    "InvoiceDocumentGenerated",
    "InvoicePaymentStatusUpdated",
    "InvoicePaymentsRefused",
    "InvoicesDeleted",
    "InvoicesDrafted",
    "InvoicesFinalized",
    "InvoicesOverdue",
    "InvoicesReadyToFinalize",
    "InvoicesRegenerated",
    "InvoicesVoided",
    "OneOffInvoicesCreated",
    "OverdueInvoicesPaid",
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
class InvoicesDeleted(DomainEvent):
    """Drafts were taken away. Webhook invoice.deleted for each."""

    invoice_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class InvoicesRegenerated(DomainEvent):
    """Invoices took the place of voided ones."""

    invoice_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class InvoicesVoided(DomainEvent):
    """Invoices were taken back. Webhook invoice.voided for each."""

    invoice_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class InvoicesReadyToFinalize(DomainEvent):
    """New drafts have their taxes and may be finalized early. Webhook invoice.ready_to_finalize for each."""

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


@dataclass(frozen=True, slots=True)
class CreditInvoicesCreated(DomainEvent):
    """Invoices of prepaid credits got their numbers. Webhook invoice.paid_credit_added, then their documents."""

    invoice_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class InvoicePaymentStatusUpdated(DomainEvent):
    """The payment status of invoices changed: paid in full, or by the client's word. Webhook
    invoice.payment_status_updated for each. Which status it is stands on the invoice."""

    invoice_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class InvoicePaymentsRefused(DomainEvent):
    """A payment provider refused to pay invoices, whose status became failed. The refusal is told by the payment."""

    invoice_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class CreditInvoicesOpened(DomainEvent):
    """Invoices of prepaid credits wait to be paid before they get a number; until then clients do not see them."""

    invoice_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class InvoicesOverdue(DomainEvent):
    """Invoices were not paid by their due date. Webhook invoice.payment_overdue for each."""

    invoice_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class OverdueInvoicesPaid(DomainEvent):
    """Invoices that were overdue are paid."""

    invoice_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class InvoiceDisputesLost(DomainEvent):
    """Disputes over payments were lost. Webhook invoice.payment_dispute_lost for each."""

    invoice_ids: tuple[UUID, ...]
