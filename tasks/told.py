"""What is told of an event: the webhook that an organization gets, and the line of its activity log."""

from __future__ import annotations

from collections.abc import Mapping

from domain.catalog.events import (
    BillableMetricCreated,
    BillableMetricDeleted,
    BillableMetricUpdated,
    FeatureCreated,
    FeatureDeleted,
    FeatureUpdated,
    PlanCreated,
    PlanDeletionRequested,
    PlanEntitlementsChanged,
    PlanUpdated,
)
from domain.credits.coupon_events import (
    AppliedCouponsEnded,
    CouponsApplied,
    CouponsCreated,
    CouponsDeleted,
    CouponsUpdated,
)
from domain.credits.note_events import CreditNoteDocumentGenerated, CreditNotesIssued
from domain.credits.wallets.events import (
    WalletBalancesChanged,
    WalletOngoingBalancesChanged,
    WalletsCreated,
    WalletsDepleted,
    WalletsTerminated,
    WalletsUpdated,
    WalletTransactionsCreated,
    WalletTransactionsUpdated,
)
from domain.customers.events import CustomerCreated, CustomerDeleted, CustomerUpdated
from domain.identity.events import BillingEntitiesCreated, BillingEntitiesUpdated
from domain.insight.activity_types import LOGGED
from domain.invoicing.events import (
    CreditInvoicesCreated,
    FeesCreated,
    InvoiceDisputesLost,
    InvoiceDocumentGenerated,
    InvoicePaymentStatusUpdated,
    InvoicesDeleted,
    InvoicesDrafted,
    InvoicesFinalized,
    InvoicesOverdue,
    InvoicesReadyToFinalize,
    InvoicesRegenerated,
    InvoicesVoided,
    OneOffInvoicesCreated,
    UsageThresholdsReached,
)
from domain.kernel.events import DomainEvent
from domain.metering.events import AlertsTriggered
from domain.payments.events import (
    CreditNoteRefundsFailed,
    DunningCampaignsFinished,
    InvoicePaymentsNotTaken,
    PaymentNeedsAction,
    PaymentReceiptsCreated,
    PaymentReceiptsGenerated,
    PaymentRequestPaymentsFailed,
    PaymentRequestsCreated,
    PaymentRequestsSettled,
    PaymentsConfirmed,
    PaymentsSucceeded,
    ProviderCustomersLinked,
    TopUpPaymentsNotTaken,
)
from domain.subscriptions.events import (
    SubscriptionCanceled,
    SubscriptionGivenUp,
    SubscriptionIncomplete,
    SubscriptionStarted,
    SubscriptionTerminated,
    SubscriptionTerminationAlert,
    SubscriptionTrialEnded,
    SubscriptionUpdated,
)

__all__ = ["ACTIVITY_OF", "WEBHOOK_OF"]

# What an organization is told, if it has endpoints: the type of webhook, and where the event carries the ids.
WEBHOOK_OF: Mapping[type[DomainEvent], tuple[str, str]] = {
    BillableMetricCreated: ("billable_metric.created", "metric_ids"),
    BillableMetricUpdated: ("billable_metric.updated", "metric_ids"),
    BillableMetricDeleted: ("billable_metric.deleted", "metric_ids"),
    FeatureCreated: ("feature.created", "feature_ids"),
    FeatureUpdated: ("feature.updated", "feature_ids"),
    FeatureDeleted: ("feature.deleted", "feature_ids"),
    PlanCreated: ("plan.created", "plan_ids"),
    PlanUpdated: ("plan.updated", "plan_ids"),
    PlanEntitlementsChanged: ("plan.updated", "plan_ids"),
    PlanDeletionRequested: ("plan.deleted", "plan_ids"),
    CreditNotesIssued: ("credit_note.created", "credit_note_ids"),
    CreditNoteDocumentGenerated: ("credit_note.generated", "credit_note_ids"),
    CustomerCreated: ("customer.created", "customer_ids"),
    CustomerUpdated: ("customer.updated", "customer_ids"),
    SubscriptionStarted: ("subscription.started", "subscription_ids"),
    SubscriptionIncomplete: ("subscription.incomplete", "subscription_ids"),
    SubscriptionGivenUp: ("subscription.canceled", "subscription_ids"),
    SubscriptionUpdated: ("subscription.updated", "subscription_ids"),
    SubscriptionTerminated: ("subscription.terminated", "subscription_ids"),
    SubscriptionCanceled: ("subscription.terminated", "subscription_ids"),
    SubscriptionTerminationAlert: ("subscription.termination_alert", "subscription_ids"),
    SubscriptionTrialEnded: ("subscription.trial_ended", "subscription_ids"),
    InvoicesDrafted: ("invoice.drafted", "invoice_ids"),
    InvoicesReadyToFinalize: ("invoice.ready_to_finalize", "invoice_ids"),
    InvoicesFinalized: ("invoice.created", "invoice_ids"),
    InvoicesVoided: ("invoice.voided", "invoice_ids"),
    InvoicesDeleted: ("invoice.deleted", "invoice_ids"),
    InvoiceDocumentGenerated: ("invoice.generated", "invoice_ids"),
    OneOffInvoicesCreated: ("invoice.one_off_created", "invoice_ids"),
    InvoicePaymentStatusUpdated: ("invoice.payment_status_updated", "invoice_ids"),
    InvoicePaymentsNotTaken: ("invoice.payment_failure", "invoice_ids"),
    TopUpPaymentsNotTaken: ("wallet_transaction.payment_failure", "transaction_ids"),
    PaymentsConfirmed: ("payment.succeeded", "payment_ids"),
    CreditNoteRefundsFailed: ("credit_note.provider_refund_failure", "credit_note_ids"),
    PaymentNeedsAction: ("payment.requires_action", "payment_ids"),
    ProviderCustomersLinked: ("customer.payment_provider_created", "customer_ids"),
    PaymentRequestPaymentsFailed: ("payment_request.payment_failure", "request_ids"),
    PaymentRequestsSettled: ("payment_request.payment_status_updated", "request_ids"),
    InvoicesOverdue: ("invoice.payment_overdue", "invoice_ids"),
    InvoiceDisputesLost: ("invoice.payment_dispute_lost", "invoice_ids"),
    PaymentReceiptsCreated: ("payment_receipt.created", "receipt_ids"),
    PaymentReceiptsGenerated: ("payment_receipt.generated", "receipt_ids"),
    PaymentRequestsCreated: ("payment_request.created", "request_ids"),
    DunningCampaignsFinished: ("dunning_campaign.finished", "customer_ids"),
    FeesCreated: ("fee.created", "fee_ids"),
    UsageThresholdsReached: ("subscription.usage_threshold_reached", "applied_threshold_ids"),
    AlertsTriggered: ("alert.triggered", "triggered_alert_ids"),
    CreditInvoicesCreated: ("invoice.paid_credit_added", "invoice_ids"),
    WalletsCreated: ("wallet.created", "wallet_ids"),
    WalletsUpdated: ("wallet.updated", "wallet_ids"),
    WalletBalancesChanged: ("wallet.updated", "wallet_ids"),
    WalletOngoingBalancesChanged: ("wallet.updated", "wallet_ids"),
    WalletsTerminated: ("wallet.terminated", "wallet_ids"),
    WalletsDepleted: ("wallet.depleted_ongoing_balance", "wallet_ids"),
    WalletTransactionsCreated: ("wallet_transaction.created", "transaction_ids"),
    WalletTransactionsUpdated: ("wallet_transaction.updated", "transaction_ids"),
}

# Balances change with every use, which is no act upon the wallet.
_NOT_LOGGED = (WalletBalancesChanged, WalletOngoingBalancesChanged)
ACTIVITY_OF: Mapping[type[DomainEvent], tuple[str, str]] = {
    kind: (name, field) for kind, (name, field) in WEBHOOK_OF.items() if name in LOGGED and kind not in _NOT_LOGGED
} | {
    AppliedCouponsEnded: ("applied_coupon.deleted", "applied_coupon_ids"),
    BillingEntitiesCreated: ("billing_entities.created", "billing_entity_ids"),
    BillingEntitiesUpdated: ("billing_entities.updated", "billing_entity_ids"),
    CouponsApplied: ("applied_coupon.created", "applied_coupon_ids"),
    CouponsCreated: ("coupon.created", "coupon_ids"),
    CouponsDeleted: ("coupon.deleted", "coupon_ids"),
    CouponsUpdated: ("coupon.updated", "coupon_ids"),
    CreditNoteRefundsFailed: ("credit_note.refund_failure", "credit_note_ids"),
    CustomerDeleted: ("customer.deleted", "customer_ids"),
    InvoicesRegenerated: ("invoice.regenerated", "invoice_ids"),
    PaymentsSucceeded: ("payment.recorded", "payment_ids"),
    SubscriptionCanceled: ("subscription.canceled", "subscription_ids"),
}
"""What the activity log tells: the type of activity, and where the event carries the ids."""
