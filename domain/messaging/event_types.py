"""The types of webhooks: which names a client may subscribe to, and what each type tells.

Source: handbook, platform 10.4.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["KNOWN", "SENT", "EventType"]


@dataclass(frozen=True, slots=True)
class EventType:
    """A type that Tarn sends: its name with dots, its category, and one sentence for the person who subscribes."""

    name: str
    category: str
    description: str
    deprecated: bool = False

    @property
    def key(self) -> str:
        """The name as GraphQL writes it."""
        return self.name.replace(".", "_")


SENT = (
    EventType("alert.triggered", "ALERTS", "A figure of usage or of a wallet crossed thresholds of an alert."),
    EventType("billable_metric.created", "BILLABLE_METRICS", "A billable metric was created."),
    EventType("billable_metric.updated", "BILLABLE_METRICS", "A billable metric was changed."),
    EventType("billable_metric.deleted", "BILLABLE_METRICS", "A billable metric was deleted."),
    EventType("credit_note.created", "CREDIT_NOTES", "A credit note was issued."),
    EventType("credit_note.generated", "CREDIT_NOTES", "The document of a credit note is ready to be downloaded."),
    EventType(
        "credit_note.provider_refund_failure", "CREDIT_NOTES", "The money of a credit note could not be given back."
    ),
    EventType("customer.created", "CUSTOMERS", "A customer was created."),
    EventType("customer.updated", "CUSTOMERS", "A customer was changed."),
    EventType("customer.payment_provider_created", "CUSTOMERS", "A customer is known to its payment provider."),
    EventType("customer.payment_provider_error", "CUSTOMERS", "A payment provider did not take a customer."),
    EventType("customer.checkout_url_generated", "CUSTOMERS", "A page where a customer leaves a card is ready."),
    EventType("customer.vies_check", "CUSTOMERS", "A customer's VAT number was checked, or could not be checked yet."),
    EventType("events.errors", "EVENT_INGESTION", "Events of the last hour have an unknown code, property or value."),
    EventType("feature.created", "FEATURES", "A feature was created."),
    EventType("feature.updated", "FEATURES", "A feature or one of its privileges was changed."),
    EventType("feature.deleted", "FEATURES", "A feature was deleted."),
    EventType("fee.created", "SUBSCRIPTIONS_AND_FEES", "A fee of a charge paid in advance was created."),
    EventType("invoice.created", "INVOICES", "An invoice was finalized and has its number."),
    EventType("invoice.drafted", "INVOICES", "A draft invoice was created and waits for its grace period to end."),
    EventType("invoice.ready_to_finalize", "INVOICES", "A draft has its taxes and may be finalized."),
    EventType("invoice.one_off_created", "INVOICES", "A one-off invoice was issued."),
    EventType("invoice.generated", "INVOICES", "The document of an invoice is ready to be downloaded."),
    EventType("invoice.paid_credit_added", "INVOICES", "An invoice of prepaid credits was issued."),
    EventType("invoice.voided", "INVOICES", "An invoice was voided."),
    EventType("invoice.deleted", "INVOICES", "A draft invoice was deleted."),
    EventType("invoice.payment_dispute_lost", "INVOICES", "A dispute over the payment of an invoice was lost."),
    EventType("invoice.payment_failure", "INVOICES", "The payment of an invoice could not be taken."),
    EventType("invoice.payment_overdue", "INVOICES", "An invoice was not paid by its due date."),
    EventType("invoice.payment_status_updated", "INVOICES", "The payment status of an invoice changed."),
    EventType("dunning_campaign.finished", "DUNNING_CAMPAIGNS", "A customer was reminded as often as may be."),
    EventType("payment_receipt.created", "PAYMENT_RECEIPTS", "A payment got a receipt."),
    EventType("payment_receipt.generated", "PAYMENT_RECEIPTS", "The document of a receipt is ready to be downloaded."),
    EventType("payment.succeeded", "PAYMENTS", "A payment provider confirmed a payment."),
    EventType("payment.requires_action", "PAYMENTS", "The payer must confirm a payment."),
    EventType("payment_provider.error", "PAYMENTS", "A payment provider did not do what connecting it needs."),
    EventType("payment_request.payment_failure", "PAYMENTS", "The payment of a payment request could not be taken."),
    EventType("payment_request.payment_status_updated", "PAYMENTS", "A payment request was paid."),
    EventType("payment_request.created", "PAYMENTS", "A customer was asked to pay overdue invoices."),
    EventType("plan.created", "PLANS", "A plan was created."),
    EventType("plan.updated", "PLANS", "A plan or what it entitles to was changed."),
    EventType("plan.deleted", "PLANS", "The deletion of a plan was asked for."),
    EventType("subscription.started", "SUBSCRIPTIONS_AND_FEES", "A subscription became active."),
    EventType("subscription.incomplete", "SUBSCRIPTIONS_AND_FEES", "A subscription waits for its first payment."),
    EventType("subscription.canceled", "SUBSCRIPTIONS_AND_FEES", "The first payment failed or did not come in time."),
    EventType("subscription.updated", "SUBSCRIPTIONS_AND_FEES", "A subscription was changed, or a downgrade planned."),
    EventType("subscription.terminated", "SUBSCRIPTIONS_AND_FEES", "A subscription ended."),
    EventType(
        "subscription.usage_threshold_reached", "SUBSCRIPTIONS_AND_FEES", "A usage threshold was passed and billed."
    ),
    EventType("subscription.termination_alert", "SUBSCRIPTIONS_AND_FEES", "A subscription will end in some days."),
    EventType("subscription.trial_ended", "SUBSCRIPTIONS_AND_FEES", "The free trial of a subscription is over."),
    EventType("wallet.created", "WALLETS_AND_CREDITS", "A wallet was created."),
    EventType("wallet.updated", "WALLETS_AND_CREDITS", "A wallet or one of its balances was changed."),
    EventType("wallet.terminated", "WALLETS_AND_CREDITS", "A wallet ended."),
    EventType("wallet.depleted_ongoing_balance", "WALLETS_AND_CREDITS", "The ongoing balance of a wallet is used up."),
    EventType("wallet_transaction.created", "WALLETS_AND_CREDITS", "Credits were ordered, granted, spent or voided."),
    EventType(
        "wallet_transaction.payment_failure", "WALLETS_AND_CREDITS", "The payment of bought credits could not be taken."
    ),
    EventType("wallet_transaction.updated", "WALLETS_AND_CREDITS", "Credits that were ordered were paid, or not."),
)
"""What this server sends."""

# Every name of the interface may be subscribed to, so that a client's configuration is taken as it is; those that are
# not in SENT are simply never sent.
KNOWN = frozenset(
    [
        "alert.triggered",
        "billable_metric.created",
        "billable_metric.deleted",
        "billable_metric.updated",
        "credit_note.created",
        "credit_note.generated",
        "credit_note.provider_refund_failure",
        "customer.accounting_provider_created",
        "customer.accounting_provider_error",
        "customer.checkout_url_generated",
        "customer.created",
        "customer.crm_provider_created",
        "customer.crm_provider_error",
        "customer.payment_provider_created",
        "customer.payment_provider_error",
        "customer.tax_provider_error",
        "customer.updated",
        "customer.vies_check",
        "dunning_campaign.finished",
        "event.error",
        "events.errors",
        "feature.created",
        "feature.deleted",
        "feature.updated",
        "fee.created",
        "fee.tax_provider_error",
        "integration.provider_error",
        "invoice.created",
        "invoice.deleted",
        "invoice.drafted",
        "invoice.generated",
        "invoice.one_off_created",
        "invoice.paid_credit_added",
        "invoice.payment_dispute_lost",
        "invoice.payment_failure",
        "invoice.payment_overdue",
        "invoice.payment_status_updated",
        "invoice.ready_to_finalize",
        "invoice.resynced",
        "invoice.voided",
        "order.created",
        "order.executed",
        "order_form.created",
        "order_form.expired",
        "order_form.signed",
        "order_form.voided",
        "payment_provider.error",
        "payment_receipt.created",
        "payment_receipt.generated",
        "payment_request.created",
        "payment_request.payment_failure",
        "payment_request.payment_status_updated",
        "payment.requires_action",
        "payment.succeeded",
        "plan.created",
        "plan.deleted",
        "plan.updated",
        "quote.approved",
        "quote.created",
        "quote.voided",
        "subscription.canceled",
        "subscription.incomplete",
        "subscription.started",
        "subscription.terminated",
        "subscription.termination_alert",
        "subscription.trial_ended",
        "subscription.updated",
        "subscription.usage_threshold_reached",
        "wallet.created",
        "wallet.depleted_ongoing_balance",
        "wallet.terminated",
        "wallet_transaction.created",
        "wallet_transaction.payment_failure",
        "wallet_transaction.updated",
        "wallet.updated",
    ]
)
