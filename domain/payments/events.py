"""What happens to payments."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.kernel.events import DomainEvent

__all__ = [
    "DunningCampaignsFinished", "InvoicePaymentsNotTaken", "PaymentReceiptsCreated", "PaymentReceiptsGenerated",
    "PaymentRequestsCreated", "PaymentsSucceeded",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class PaymentsSucceeded(DomainEvent):
    """Money came in. Each payment gets a receipt."""

    payment_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class PaymentReceiptsCreated(DomainEvent):
    """Receipts got their numbers. Webhook payment_receipt.created for each, then their documents."""

    receipt_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class PaymentReceiptsGenerated(DomainEvent):
    """The PDFs of receipts are stored. Webhook payment_receipt.generated for each, then the e-mail."""

    receipt_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class PaymentRequestsCreated(DomainEvent):
    """Customers are asked to pay. Webhook payment_request.created for each, and the e-mail."""

    request_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class DunningCampaignsFinished(DomainEvent):
    """Customers were reminded as often as their campaigns allow, in every currency that they were reminded of.
    Webhook dunning_campaign.finished for each."""

    customer_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class InvoicePaymentsNotTaken(DomainEvent):
    """Payments of invoices were to be taken, and there is no provider to take them. Webhook invoice.payment_failure for
    each."""

    invoice_ids: tuple[UUID, ...]
