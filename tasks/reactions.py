"""What follows from what happened: the table of events and the jobs they ask for.

The functions run inside the command's transaction, once per command and event type, with all its events of that type.
A job's arguments hold at most `CHUNK` ids.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from domain.billing.events import BillingDue, GatedInvoicesClosed, GatedInvoicesSettled, PaidFeesDue
from domain.catalog.events import (
    BillableMetricCreated,
    BillableMetricDeleted,
    BillableMetricUpdated,
    CustomerTaxesChanged,
    FixedChargeUnitsChanged,
    MetricFieldChanged,
    PlanAmountChanged,
    PlanComponentsChanged,
    PlanCreated,
    PlanDeletionRequested,
    PlanPricesChanged,
    PlanUpdated,
    TaxChanged,
    UsageThresholdsChanged,
)
from domain.credits.coupon_events import (
    AppliedCouponsEnded,
    CouponsApplied,
    CouponsCreated,
    CouponsDeleted,
    CouponsUpdated,
)
from domain.credits.note_documents import DOCUMENTS as NOTE_DOCUMENTS
from domain.credits.note_events import CreditNoteDocumentGenerated, CreditNotesIssued
from domain.credits.wallets.events import (
    TopUpsRequested,
    WalletAlertsSet,
    WalletBalancesChanged,
    WalletOngoingBalancesChanged,
    WalletsCreated,
    WalletsDepleted,
    WalletsTerminated,
    WalletsUpdated,
    WalletTransactionsCreated,
    WalletTransactionsUpdated,
)
from domain.customers.events import (
    CustomerCreated,
    CustomerDeleted,
    CustomerDetailsChanged,
    CustomerInvoiceTermsChanged,
    CustomerUpdated,
)
from domain.identity.events import BillingEntitiesCreated, BillingEntitiesUpdated, BillingTermsChanged
from domain.insight.activity_types import LOGGED
from domain.insight.log_activities import log_activities
from domain.invoicing.events import (
    CreditInvoicesCreated,
    CreditInvoicesOpened,
    FeesCreated,
    InvoiceDisputesLost,
    InvoiceDocumentGenerated,
    InvoicePaymentsRefused,
    InvoicePaymentStatusUpdated,
    InvoicesDeleted,
    InvoicesDrafted,
    InvoicesFinalized,
    InvoicesOverdue,
    InvoicesReadyToFinalize,
    InvoicesRegenerated,
    InvoicesVoided,
    OneOffInvoicesCreated,
    OverdueInvoicesPaid,
    UsageThresholdsReached,
)
from domain.invoicing.queries import invoices_of_status, invoices_of_type
from domain.kernel.events import DomainEvent
from domain.kernel.jobs import JobRequest
from domain.kernel.unit_of_work import UnitOfWork
from domain.messaging.announce import MOST_IDS
from domain.messaging.emails.recipients import wanted_mails
from domain.messaging.queries import has_endpoints
from domain.metering.activities import LOOK
from domain.metering.events import AlertsTriggered, LookAsked
from domain.metering.fill_values import FILL_VALUES
from domain.payments.asked import automatic_top_ups, invoices_to_take, requests_to_take
from domain.payments.events import (
    CreditNoteRefundsFailed,
    DunningCampaignsFinished,
    InboundWebhooksStored,
    InvoicePaymentsAsked,
    InvoicePaymentsNotTaken,
    PaymentNeedsAction,
    PaymentProvidersChanged,
    PaymentProvidersRemoved,
    PaymentReceiptsCreated,
    PaymentReceiptsGenerated,
    PaymentRequestPaymentsFailed,
    PaymentRequestsCreated,
    PaymentRequestsSettled,
    PaymentsConfirmed,
    PaymentsSucceeded,
    ProviderCustomersLinked,
    ProviderCustomersWanted,
    TopUpPaymentsNotTaken,
)
from domain.payments.links import pages_are_used, pages_to_expire
from domain.payments.payables import INVOICE, REQUEST
from domain.payments.providers.payer import connected_customers
from domain.payments.refunds import notes_to_refund
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
from infrastructure.settings import settings
from tasks.billing import BILL
from tasks.catalog import CASCADE
from tasks.emails import MAIL
from tasks.gated import CALL_OFF
from tasks.invoicing import DOCUMENTS, DOCUMENTS_AT_A_TIME
from tasks.messaging import SEND
from tasks.payments import EXPIRE_PAGES, INBOUND, RECEIPTS, RECEIPTS_AT_A_TIME, REFUND, TAKE
from tasks.providers import CREATE_CUSTOMER, LEARN_METHOD, REGISTER, UNREGISTER, UPDATE_CUSTOMER

__all__ = ["JOBS_OF", "WEBHOOK_OF", "requests"]

CHUNK = 500
Item = TypeVar("Item")
Reaction = Callable[[UnitOfWork, Sequence[Any]], Awaitable[Iterable[JobRequest]]]


async def bill(work: UnitOfWork, events: Sequence[BillingDue]) -> Iterable[JobRequest]:
    """All bills that one command asks for, in chunks."""
    wanted = [
        {"subscription_ids": event.subscription_ids, "at": event.at, "reason": event.reason,
         "skip_charges": event.skip_charges}
        for event in events
    ]  # fmt: skip
    return [JobRequest(BILL, {"requests": some}) for some in _chunks(wanted)]


async def regroup(work: UnitOfWork, events: Sequence[PaidFeesDue]) -> Iterable[JobRequest]:
    return [
        JobRequest("billing.regroup_paid_fees", {"subscription_id": event.subscription_id, "at": event.at})
        for event in events
    ]


async def fill_values(work: UnitOfWork, events: Sequence[MetricFieldChanged]) -> Iterable[JobRequest]:
    return [JobRequest(FILL_VALUES, {"metric_id": event.metric_id}) for event in events]


async def change_units(work: UnitOfWork, events: Sequence[FixedChargeUnitsChanged]) -> Iterable[JobRequest]:
    """The fixed charges of one command together, so that a subscription gets one invoice for them."""
    jobs = []
    for at_once in (True, False):
        ids = _ids([event for event in events if event.at_once is at_once], "fixed_charge_ids")
        jobs += [
            JobRequest("billing.change_units", {"fixed_charge_ids": some, "at_once": at_once}) for some in _chunks(ids)
        ]
    return jobs


async def look_at_usage(work: UnitOfWork, events: Sequence[LookAsked]) -> Iterable[JobRequest]:
    """One look is enough for all that was noted, and one waits at a time."""
    return [JobRequest(LOOK, unique_key="look")]


async def cascade(work: UnitOfWork, events: Sequence[PlanPricesChanged]) -> Iterable[JobRequest]:
    return [
        JobRequest(CASCADE, {"plan_id": event.plan_id, "before": event.before, "at_once": event.at_once})
        for event in events
    ]


async def documents(
    work: UnitOfWork, events: Sequence[InvoicesFinalized | OneOffInvoicesCreated | CreditInvoicesCreated]
) -> Iterable[JobRequest]:
    """The PDFs, a few at a time, unless the installation makes none."""
    if settings().disable_pdf_generation:
        return []
    parts = _chunks(_ids(events, "invoice_ids"), DOCUMENTS_AT_A_TIME)
    return [JobRequest(DOCUMENTS, {"invoice_ids": some}) for some in parts]


async def note_documents(work: UnitOfWork, events: Sequence[CreditNotesIssued]) -> Iterable[JobRequest]:
    """The PDFs of credit notes, as those of invoices."""
    if settings().disable_pdf_generation:
        return []
    parts = _chunks(_ids(events, "credit_note_ids"), DOCUMENTS_AT_A_TIME)
    return [JobRequest(NOTE_DOCUMENTS, {"credit_note_ids": some}) for some in parts]


async def settle_purchases(
    work: UnitOfWork, events: Sequence[InvoicePaymentStatusUpdated | InvoicePaymentsRefused]
) -> Iterable[JobRequest]:
    """Purchases of credits follow the payment of their invoices."""
    ids = await invoices_of_type(work.session, _ids(events, "invoice_ids"), "credit")
    return [JobRequest("wallets.follow_payments", {"invoice_ids": some}) for some in _chunks(ids)]


async def resolve_gates(
    work: UnitOfWork, events: Sequence[InvoicePaymentStatusUpdated | InvoicePaymentsRefused]
) -> Iterable[JobRequest]:
    """Subscriptions that wait for a payment are told of it; one that came too late is given back."""
    ids = _ids(events, "invoice_ids")
    waiting = await invoices_of_status(work.session, ids, "open")
    late = await invoices_of_status(work.session, ids, "closed")
    jobs = [JobRequest("billing.resolve_payments", {"invoice_ids": some}) for some in _chunks(waiting)]
    return jobs + [JobRequest(CALL_OFF, {"invoice_id": each}) for each in late]


async def call_off(work: UnitOfWork, events: Sequence[GatedInvoicesClosed]) -> Iterable[JobRequest]:
    return [JobRequest(CALL_OFF, {"invoice_id": each}) for each in _ids(events, "invoice_ids")]


async def take_invoices(
    work: UnitOfWork,
    events: Sequence[InvoicesFinalized | OneOffInvoicesCreated | CreditInvoicesCreated | CreditInvoicesOpened],
) -> Iterable[JobRequest]:
    """The first payment of new invoices, each by a job of its own, where a provider can be asked. It waits where payers
    are sent to pages, but for top-ups that nobody asked for."""
    ids = await invoices_to_take(work.session, _ids(events, "invoice_ids"), issued=True)
    if not ids or not await pages_are_used(work):
        return [_taken(INVOICE, each, first=True) for each in ids]
    automatic = set(await automatic_top_ups(work.session, ids))
    pause = timedelta(seconds=settings().checkout_payment_delay_seconds)
    return [
        replace(_taken(INVOICE, each, first=True), delay=timedelta(0) if each in automatic else pause) for each in ids
    ]


async def expire_pages(
    work: UnitOfWork, events: Sequence[InvoicePaymentStatusUpdated | InvoicesVoided | PaymentsSucceeded]
) -> Iterable[JobRequest]:
    """Pages where an invoice can still be paid that was paid otherwise, in part or in full, or taken back."""
    paid = [event for event in events if isinstance(event, PaymentsSucceeded)]
    others = [event for event in events if not isinstance(event, PaymentsSucceeded)]
    ids = await pages_to_expire(work, invoice_ids=_ids(others, "invoice_ids"), payment_ids=_ids(paid, "payment_ids"))
    return [JobRequest(EXPIRE_PAGES, {"invoice_id": each}, unique_key=str(each)) for each in ids]


async def refund_notes(work: UnitOfWork, events: Sequence[CreditNotesIssued]) -> Iterable[JobRequest]:
    ids = await notes_to_refund(work, _ids(events, "credit_note_ids"))
    return [JobRequest(REFUND, {"credit_note_id": each}, unique_key=str(each)) for each in ids]


async def process_inbound(work: UnitOfWork, events: Sequence[InboundWebhooksStored]) -> Iterable[JobRequest]:
    ids = _ids(events, "inbound_ids")
    return [JobRequest(INBOUND, {"inbound_id": each}, unique_key=str(each)) for each in ids]


async def take_asked(work: UnitOfWork, events: Sequence[InvoicePaymentsAsked]) -> Iterable[JobRequest]:
    """One more payment of invoices, as the client wants it."""
    return [
        _taken(INVOICE, each, method_type=event.method_type, method_id=event.method_id)
        for event in events
        for each in event.invoice_ids
    ]


async def take_requests(work: UnitOfWork, events: Sequence[PaymentRequestsCreated]) -> Iterable[JobRequest]:
    wanted = set(await requests_to_take(work.session, _ids(events, "request_ids")))
    return [
        _taken(REQUEST, each, method_type=event.method_type, method_id=event.method_id)
        for event in events
        for each in event.request_ids
        if each in wanted
    ]


def _taken(payable_type: str, payable_id: UUID, **more: object) -> JobRequest:
    """One job at a time waits for a payable, and one for its first payment."""
    arguments = {"payable_type": payable_type, "payable_id": payable_id, **more}
    return JobRequest(TAKE, arguments, unique_key=f"{'first' if more.get('first') else 'asked'}-{payable_id}")


async def create_at_providers(work: UnitOfWork, events: Sequence[ProviderCustomersWanted]) -> Iterable[JobRequest]:
    ids = _ids(events, "provider_customer_ids")
    return [JobRequest(CREATE_CUSTOMER, {"provider_customer_id": each}, unique_key=str(each)) for each in ids]


async def learn_methods(work: UnitOfWork, events: Sequence[ProviderCustomersLinked]) -> Iterable[JobRequest]:
    ids = _ids([event for event in events if event.learn], "provider_customer_ids")
    return [JobRequest(LEARN_METHOD, {"provider_customer_id": each}) for each in ids]


async def update_at_providers(work: UnitOfWork, events: Sequence[CustomerDetailsChanged]) -> Iterable[JobRequest]:
    ids = await connected_customers(work, _ids(events, "customer_ids"))
    return [JobRequest(UPDATE_CUSTOMER, {"provider_customer_id": each}) for each in ids]


def tell_providers(actor: str) -> Reaction:
    """One job for each connection."""

    async def react(work: UnitOfWork, events: Sequence[DomainEvent]) -> Iterable[JobRequest]:
        return [JobRequest(actor, {"provider_id": each}) for each in _ids(events, "provider_ids")]

    return react


async def receipts(work: UnitOfWork, events: Sequence[PaymentReceiptsCreated]) -> Iterable[JobRequest]:
    """Their PDFs, a few at a time, unless the installation makes none."""
    if settings().disable_pdf_generation:
        return []
    parts = _chunks(_ids(events, "receipt_ids"), RECEIPTS_AT_A_TIME)
    return [JobRequest(RECEIPTS, {"receipt_ids": some}) for some in parts]


def mails(kind: str, field: str, *, with_documents: bool = True, failed: bool = False) -> Reaction:
    """A mail about each object that one is wanted for. with_documents: the event says that the documents are there,
    which counts where the installation makes them; otherwise the event counts where it makes none. failed: a payment
    was refused."""

    async def react(work: UnitOfWork, events: Sequence[DomainEvent]) -> Iterable[JobRequest]:
        if with_documents == settings().disable_pdf_generation and kind != "payment_request":
            return []
        wanted = await wanted_mails(work, kind, _ids(events, field), failed=failed)
        return [
            JobRequest(MAIL, {"kind": kind, "id": str(each), "key": f"{kind}-{each}"}, unique_key=f"{kind}-{each}")
            for each in wanted
        ]

    return react


def job_with(actor: str, field: str) -> Reaction:
    """One job for the ids that the events carry in `field`, under the same name."""

    async def react(work: UnitOfWork, events: Sequence[DomainEvent]) -> Iterable[JobRequest]:
        return [JobRequest(actor, {field: some}) for some in _chunks(_ids(events, field))]

    return react


async def refresh_all_drafts(work: UnitOfWork, events: Sequence[TaxChanged]) -> Iterable[JobRequest]:
    """A tax may apply, or have applied, to any draft."""
    return [JobRequest("billing.refresh_drafts", {"plan_ids": None})]


async def move_dates_of_customers(
    work: UnitOfWork, events: Sequence[CustomerInvoiceTermsChanged]
) -> Iterable[JobRequest]:
    ids = list(dict.fromkeys(event.customer_id for event in events))
    return [JobRequest("billing.move_draft_dates", {"customer_ids": some}) for some in _chunks(ids)]


# What a command's events make Tarn do.
JOBS_OF: Mapping[type[DomainEvent], Sequence[Reaction]] = {
    BillingDue: (bill,),
    PaidFeesDue: (regroup,),
    FixedChargeUnitsChanged: (change_units,),
    MetricFieldChanged: (fill_values,),
    CreditNotesIssued: (note_documents, refund_notes, mails("credit_note", "credit_note_ids", with_documents=False)),
    CreditNoteDocumentGenerated: (mails("credit_note", "credit_note_ids"),),
    InvoicesFinalized: (
        documents,
        take_invoices,
        mails("invoice", "invoice_ids", with_documents=False),
    ),
    OneOffInvoicesCreated: (
        documents,
        take_invoices,
        mails("invoice", "invoice_ids", with_documents=False),
    ),
    PlanUpdated: (job_with("billing.refresh_drafts", "plan_ids"),),
    PlanAmountChanged: (job_with("billing.follow_amounts", "plan_ids"),),
    BillableMetricDeleted: (job_with("billing.refresh_drafts", "plan_ids"),),
    PlanComponentsChanged: (job_with("billing.refresh_drafts", "plan_ids"),),
    TaxChanged: (refresh_all_drafts,),
    CustomerTaxesChanged: (job_with("billing.refresh_drafts", "customer_ids"),),
    CustomerInvoiceTermsChanged: (move_dates_of_customers,),
    BillingTermsChanged: (job_with("billing.move_draft_dates", "billing_entity_ids"),),
    PlanPricesChanged: (cascade,),
    LookAsked: (look_at_usage,),
    UsageThresholdsChanged: (job_with("metering.note_plans", "plan_ids"),),
    CreditInvoicesCreated: (documents, take_invoices),
    CreditInvoicesOpened: (take_invoices,),
    InvoicePaymentStatusUpdated: (settle_purchases, expire_pages, resolve_gates),
    InvoicesVoided: (expire_pages,),
    InboundWebhooksStored: (process_inbound,),
    InvoicePaymentsRefused: (settle_purchases, resolve_gates),
    GatedInvoicesSettled: (job_with("billing.resolve_payments", "invoice_ids"),),
    GatedInvoicesClosed: (call_off,),
    InvoicePaymentsAsked: (take_asked,),
    ProviderCustomersWanted: (create_at_providers,),
    ProviderCustomersLinked: (learn_methods,),
    CustomerDetailsChanged: (update_at_providers,),
    PaymentProvidersChanged: (tell_providers(REGISTER),),
    PaymentProvidersRemoved: (tell_providers(UNREGISTER),),
    TopUpsRequested: (job_with("wallets.invoice_top_ups", "transaction_ids"),),
    WalletsCreated: (job_with("wallets.refresh_changed", "wallet_ids"),),
    WalletsUpdated: (job_with("wallets.refresh_changed", "wallet_ids"),),
    WalletsTerminated: (job_with("wallets.refresh_changed", "wallet_ids"),),
    WalletBalancesChanged: (job_with("wallets.refresh_changed", "wallet_ids"),),
    WalletAlertsSet: (job_with("wallets.refresh_changed", "wallet_ids"),),
    PlanDeletionRequested: (job_with("billing.end_subscriptions_of_plans", "plan_ids"),),
    PaymentsSucceeded: (job_with("payments.make_receipts", "payment_ids"), expire_pages),
    PaymentReceiptsCreated: (receipts, mails("payment_receipt", "receipt_ids", with_documents=False)),
    PaymentReceiptsGenerated: (mails("payment_receipt", "receipt_ids"),),
    PaymentRequestsCreated: (take_requests, mails("payment_request", "request_ids")),
    PaymentRequestPaymentsFailed: (mails("payment_request", "request_ids", failed=True),),
    InvoiceDocumentGenerated: (mails("invoice", "invoice_ids"),),
    OverdueInvoicesPaid: (job_with("payments.begin_anew", "invoice_ids"),),
    CustomerDeleted: (job_with("billing.end_subscriptions_of_customers", "customer_ids"),),
}

# What an organization is told, if it has endpoints: the type of webhook, and where the event carries the ids.
WEBHOOK_OF: Mapping[type[DomainEvent], tuple[str, str]] = {
    BillableMetricCreated: ("billable_metric.created", "metric_ids"),
    BillableMetricUpdated: ("billable_metric.updated", "metric_ids"),
    BillableMetricDeleted: ("billable_metric.deleted", "metric_ids"),
    PlanCreated: ("plan.created", "plan_ids"),
    PlanUpdated: ("plan.updated", "plan_ids"),
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


async def requests(work: UnitOfWork, events: Sequence[DomainEvent]) -> Sequence[JobRequest]:
    """The jobs that follow from the events of one command."""
    by_type: dict[type[DomainEvent], list[DomainEvent]] = {}
    for event in events:
        by_type.setdefault(type(event), []).append(event)
    found: list[JobRequest] = []
    for kind, some in by_type.items():
        for react in JOBS_OF.get(kind, ()):
            found += await react(work, some)
    found += await _log(work, by_type)
    told = [kind for kind in by_type if kind in WEBHOOK_OF]
    if told and work.tenant is not None and await has_endpoints(work.session):
        for kind in told:
            webhook_type, field = WEBHOOK_OF[kind]
            found += [
                JobRequest(SEND, {"webhook_type": webhook_type, "ids": ids})
                for ids in _chunks(_ids(by_type[kind], field), MOST_IDS)
            ]
    return found


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


async def _log(
    work: UnitOfWork, by_type: Mapping[type[DomainEvent], Sequence[DomainEvent]]
) -> Iterable[JobRequest]:  # fmt: skip
    """One line of the activity log for each object that something happened to."""
    if work.tenant is None:
        return []
    happened = {
        ACTIVITY_OF[kind][0]: _ids(some, ACTIVITY_OF[kind][1]) for kind, some in by_type.items() if kind in ACTIVITY_OF
    }
    return await log_activities(work, happened)


def _ids(events: Sequence[DomainEvent], field: str) -> list[UUID]:
    """The ids of all events, each once, in order."""
    return list(dict.fromkeys(each for event in events for each in getattr(event, field)))


def _chunks(items: Sequence[Item], size: int = CHUNK) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
