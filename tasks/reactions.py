"""What follows from what happened: the table of events and the jobs they ask for.

The functions run inside the command's transaction, once per command and event type, with all its events of that type.
A job's arguments hold at most `CHUNK` ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from domain.billing.events import BillingDue, GatedInvoicesClosed, GatedInvoicesSettled, PaidFeesDue
from domain.catalog.events import (
    BillableMetricDeleted,
    CustomerTaxesChanged,
    FixedChargeUnitsChanged,
    MetricFieldChanged,
    PlanAmountChanged,
    PlanComponentsChanged,
    PlanDeletionRequested,
    PlanPricesChanged,
    PlanUpdated,
    TaxChanged,
    UsageThresholdsChanged,
)
from domain.credits.note_documents import DOCUMENTS as NOTE_DOCUMENTS
from domain.credits.note_events import CreditNoteDocumentGenerated, CreditNotesIssued
from domain.credits.wallets.events import (
    TopUpsRequested,
    WalletAlertsSet,
    WalletBalancesChanged,
    WalletsCreated,
    WalletsTerminated,
    WalletsUpdated,
)
from domain.customers.events import CustomerDeleted, CustomerDetailsChanged, CustomerInvoiceTermsChanged
from domain.identity.events import BillingTermsChanged
from domain.insight.exports.events import DataExportsExpired, DataExportsRequested
from domain.insight.log_activities import log_activities
from domain.invoicing.events import (
    CreditInvoicesCreated,
    CreditInvoicesOpened,
    InvoiceDocumentGenerated,
    InvoicePaymentsRefused,
    InvoicePaymentStatusUpdated,
    InvoicesFinalized,
    InvoicesVoided,
    OneOffInvoicesCreated,
    OverdueInvoicesPaid,
)
from domain.kernel.events import DomainEvent
from domain.kernel.jobs import JobRequest
from domain.kernel.unit_of_work import UnitOfWork
from domain.messaging.announce import MOST_IDS
from domain.messaging.emails.recipients import wanted_mails
from domain.messaging.queries import has_endpoints
from domain.metering.activities import LOOK
from domain.metering.events import LookAsked
from domain.metering.fill_values import FILL_VALUES
from domain.payments.events import (
    InboundWebhooksStored,
    InvoicePaymentsAsked,
    PaymentProvidersChanged,
    PaymentProvidersRemoved,
    PaymentReceiptsCreated,
    PaymentReceiptsGenerated,
    PaymentRequestPaymentsFailed,
    PaymentRequestsCreated,
    PaymentsSucceeded,
    ProviderCustomersLinked,
    ProviderCustomersWanted,
)
from infrastructure.settings import settings
from tasks.billing import BILL
from tasks.catalog import CASCADE
from tasks.emails import MAIL
from tasks.exports import REMOVE, SPLIT
from tasks.invoicing import DOCUMENTS, DOCUMENTS_AT_A_TIME
from tasks.messaging import SEND
from tasks.payment_reactions import (
    call_off,
    create_at_providers,
    expire_pages,
    learn_methods,
    process_inbound,
    receipts,
    refund_notes,
    resolve_gates,
    settle_purchases,
    take_asked,
    take_invoices,
    take_requests,
    tell_providers,
    update_at_providers,
)
from tasks.providers import REGISTER, UNREGISTER
from tasks.reacting import Reaction, chunks, ids_of
from tasks.told import ACTIVITY_OF, WEBHOOK_OF

__all__ = ["JOBS_OF", "requests"]


async def bill(work: UnitOfWork, events: Sequence[BillingDue]) -> Iterable[JobRequest]:
    """All bills that one command asks for, in chunks."""
    wanted = [
        {"subscription_ids": event.subscription_ids, "at": event.at, "reason": event.reason,
         "skip_charges": event.skip_charges}
        for event in events
    ]  # fmt: skip
    return [JobRequest(BILL, {"requests": some}) for some in chunks(wanted)]


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
        ids = ids_of([event for event in events if event.at_once is at_once], "fixed_charge_ids")
        jobs += [
            JobRequest("billing.change_units", {"fixed_charge_ids": some, "at_once": at_once}) for some in chunks(ids)
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
    parts = chunks(ids_of(events, "invoice_ids"), DOCUMENTS_AT_A_TIME)
    return [JobRequest(DOCUMENTS, {"invoice_ids": some}) for some in parts]


async def note_documents(work: UnitOfWork, events: Sequence[CreditNotesIssued]) -> Iterable[JobRequest]:
    """The PDFs of credit notes, as those of invoices."""
    if settings().disable_pdf_generation:
        return []
    parts = chunks(ids_of(events, "credit_note_ids"), DOCUMENTS_AT_A_TIME)
    return [JobRequest(NOTE_DOCUMENTS, {"credit_note_ids": some}) for some in parts]


def mails(kind: str, field: str, *, with_documents: bool = True, failed: bool = False) -> Reaction:
    """A mail about each object that one is wanted for. with_documents: the event says that the documents are there,
    which counts where the installation makes them; otherwise the event counts where it makes none. failed: a payment
    was refused."""

    async def react(work: UnitOfWork, events: Sequence[DomainEvent]) -> Iterable[JobRequest]:
        if with_documents == settings().disable_pdf_generation and kind != "payment_request":
            return []
        wanted = await wanted_mails(work, kind, ids_of(events, field), failed=failed)
        return [
            JobRequest(MAIL, {"kind": kind, "id": str(each), "key": f"{kind}-{each}"}, unique_key=f"{kind}-{each}")
            for each in wanted
        ]

    return react


def job_with(actor: str, field: str) -> Reaction:
    """One job for the ids that the events carry in `field`, under the same name."""

    async def react(work: UnitOfWork, events: Sequence[DomainEvent]) -> Iterable[JobRequest]:
        return [JobRequest(actor, {field: some}) for some in chunks(ids_of(events, field))]

    return react


async def refresh_all_drafts(work: UnitOfWork, events: Sequence[TaxChanged]) -> Iterable[JobRequest]:
    """A tax may apply, or have applied, to any draft."""
    return [JobRequest("billing.refresh_drafts", {"plan_ids": None})]


async def move_dates_of_customers(
    work: UnitOfWork, events: Sequence[CustomerInvoiceTermsChanged]
) -> Iterable[JobRequest]:
    ids = list(dict.fromkeys(event.customer_id for event in events))
    return [JobRequest("billing.move_draft_dates", {"customer_ids": some}) for some in chunks(ids)]


# What a command's events make Tarn do.
JOBS_OF: Mapping[type[DomainEvent], Sequence[Reaction]] = {
    BillingDue: (bill,),
    PaidFeesDue: (regroup,),
    FixedChargeUnitsChanged: (change_units,),
    MetricFieldChanged: (fill_values,),
    CreditNotesIssued: (
        note_documents,
        refund_notes,
        expire_pages,
        mails("credit_note", "credit_note_ids", with_documents=False),
    ),
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
    DataExportsRequested: (job_with(SPLIT, "export_ids"),),
    DataExportsExpired: (job_with(REMOVE, "export_ids"),),
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
                for ids in chunks(ids_of(by_type[kind], field), MOST_IDS)
            ]
    return found


async def _log(
    work: UnitOfWork, by_type: Mapping[type[DomainEvent], Sequence[DomainEvent]]
) -> Iterable[JobRequest]:  # fmt: skip
    """One line of the activity log for each object that something happened to."""
    if work.tenant is None:
        return []
    happened = {
        ACTIVITY_OF[kind][0]: ids_of(some, ACTIVITY_OF[kind][1])
        for kind, some in by_type.items()
        if kind in ACTIVITY_OF
    }
    return await log_activities(work, happened)
