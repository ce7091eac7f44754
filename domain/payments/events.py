"""What happens to payments."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.kernel.events import DomainEvent

__all__ = [
    "CreditNoteRefundsFailed", "DunningCampaignsFinished", "InboundWebhooksStored", "InvoicePaymentsAsked",
    "InvoicePaymentsNotTaken", "PaymentNeedsAction", "PaymentProvidersChanged", "PaymentProvidersRemoved",
    "PaymentReceiptsCreated", "PaymentReceiptsGenerated", "PaymentRequestPaymentsFailed", "PaymentRequestsCreated",
    "PaymentRequestsSettled", "PaymentsConfirmed", "PaymentsSucceeded", "ProviderCustomersLinked",
    "ProviderCustomersWanted", "TopUpPaymentsNotTaken",
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
    """Customers are asked to pay. Webhook payment_request.created for each, and the e-mail; their providers are asked,
    with the method that the client wants."""

    request_ids: tuple[UUID, ...]
    method_type: str | None = None
    method_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class DunningCampaignsFinished(DomainEvent):
    """Customers were reminded as often as their campaigns allow, in every currency that they were reminded of.
    Webhook dunning_campaign.finished for each."""

    customer_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class InvoicePaymentsNotTaken(DomainEvent):
    """Payments of invoices were to be taken, and the provider refused or there is none. Webhook invoice.payment_failure
    for each."""

    invoice_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class PaymentProvidersChanged(DomainEvent):
    """Connections are new or have another code. Their providers are told where to send events."""

    provider_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class PaymentProvidersRemoved(DomainEvent):
    """Connections were taken away. Their providers are asked to send no more events."""

    provider_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class ProviderCustomersWanted(DomainEvent):
    """Customers are to be made known to their provider."""

    provider_customer_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class ProviderCustomersLinked(DomainEvent):
    """The client said what customers are called at their provider, or the provider did. Webhook
    customer.payment_provider_created for each. learn: what they pay with is to be asked, because they may have paid
    there before."""

    provider_customer_ids: tuple[UUID, ...]
    customer_ids: tuple[UUID, ...]
    learn: bool = True


@dataclass(frozen=True, slots=True)
class InvoicePaymentsAsked(DomainEvent):
    """Payments of invoices are to be taken by the customers' providers.

    at_once: without the wait that lets a hosted link be used first. method_type: "provider", "manual" (nothing is
    taken) or None for the invoices' own; method_id: the payment method that is meant.
    """

    invoice_ids: tuple[UUID, ...]
    at_once: bool = True
    method_type: str | None = None
    method_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class PaymentNeedsAction(DomainEvent):
    """The payer must confirm payments. Webhook payment.requires_action for each."""

    payment_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class PaymentRequestsSettled(DomainEvent):
    """Payment requests were paid. Webhook payment_request.payment_status_updated for each."""

    request_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class PaymentRequestPaymentsFailed(DomainEvent):
    """Payments of requests were refused. Webhook payment_request.payment_failure for each, and the e-mail."""

    request_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class TopUpPaymentsNotTaken(DomainEvent):
    """Payments of bought credits were refused. Webhook wallet_transaction.payment_failure for each."""

    transaction_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class PaymentsConfirmed(DomainEvent):
    """Providers told of payments that have succeeded. Webhook payment.succeeded for each."""

    payment_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class InboundWebhooksStored(DomainEvent):
    """Providers told of something. It is worked through."""

    inbound_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class CreditNoteRefundsFailed(DomainEvent):
    """Money of credit notes could not be given back. Webhook credit_note.provider_refund_failure for each."""

    credit_note_ids: tuple[UUID, ...]
