"""What each type of webhook tells: the object, and its content as REST shows it. Source: handbook, platform 10.4."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.catalog.entitlements.payloads import feature_payloads
from domain.catalog.payloads import billable_metric_payloads
from domain.catalog.plan_payloads import plan_payloads, threshold_payload
from domain.credits.note_payloads import note_payloads
from domain.credits.wallets.payloads import transaction_payloads, wallet_payloads
from domain.customers.payloads import customer_payloads
from domain.invoicing.applied_thresholds import applied_threshold_payload, applied_thresholds_by_ids
from domain.invoicing.fee_queries import fee_rows
from domain.invoicing.payloads import fee_payloads, invoice_details, invoice_payloads
from domain.kernel.unit_of_work import UnitOfWork
from domain.messaging.send import send_webhooks
from domain.metering.alert_payloads import triggered_alert_payloads
from domain.payments.failure_payloads import (
    payment_failure_payloads,
    refund_failure_payloads,
    request_failure_payloads,
    top_up_failure_payloads,
)
from domain.payments.payloads import (
    finished_campaign_payloads,
    payment_payloads,
    payment_receipt_payloads,
    payment_request_payloads,
)
from domain.payments.queries import payment_rows, request_rows
from domain.payments.receipt_queries import receipt_rows
from domain.subscriptions.entitlements.payloads import subscription_entitlement_payloads
from domain.subscriptions.payloads import payload as subscription_payload
from domain.subscriptions.queries import rows_by_ids
from domain.subscriptions.thresholds import applicable_thresholds

__all__ = ["ANNOUNCEMENTS", "MOST_IDS", "Announcement", "announce"]

# Objects of one job: their payloads are held in memory, and an invoice's has all its fees.
MOST_IDS = 200

Payload = Mapping[str, Any]
Load = Callable[[UnitOfWork, Sequence[UUID]], Awaitable[Mapping[UUID, Payload]]]


@dataclass(frozen=True, slots=True)
class Announcement:
    """object_type: the key that the content stands under. load: the contents by id, in a fixed number of statements."""

    object_type: str
    load: Load


async def _metrics(work: UnitOfWork, ids: Sequence[UUID]) -> Mapping[UUID, Payload]:
    return await billable_metric_payloads(work.session, ids)


async def _customers(work: UnitOfWork, ids: Sequence[UUID]) -> Mapping[UUID, Payload]:
    return await customer_payloads(work.session, ids)


async def _plans(work: UnitOfWork, ids: Sequence[UUID]) -> Mapping[UUID, Payload]:
    return await plan_payloads(work.session, ids)


async def _deleted_plans(work: UnitOfWork, ids: Sequence[UUID]) -> Mapping[UUID, Payload]:
    return _without("entitlements", await _plans(work, ids))


async def _ended_subscriptions(work: UnitOfWork, ids: Sequence[UUID]) -> Mapping[UUID, Payload]:
    rows = await rows_by_ids(work.session, ids)
    plans = await plan_payloads(work.session, {row.plan_id for row in rows})
    customers = await customer_payloads(work.session, {row.customer_id for row in rows})
    return {
        row.id: {**subscription_payload(row), "plan": plans[row.plan_id], "customer": customers[row.customer_id]}
        for row in rows
    }


async def _subscriptions(work: UnitOfWork, ids: Sequence[UUID]) -> Mapping[UUID, Payload]:
    contents = await _ended_subscriptions(work, ids)
    plan_ids = {each: content["plan"]["lago_id"] for each, content in contents.items()}
    entitlements = await subscription_entitlement_payloads(work.session, plan_ids)
    return {each: {**content, "entitlements": entitlements[each]} for each, content in contents.items()}


async def _features(work: UnitOfWork, ids: Sequence[UUID]) -> Mapping[UUID, Payload]:
    return await feature_payloads(work.session, ids)


async def _invoices(work: UnitOfWork, ids: Sequence[UUID]) -> Mapping[UUID, Payload]:
    return _without("error_details", await invoice_details(work, ids))


async def _fees(work: UnitOfWork, ids: Sequence[UUID]) -> Mapping[UUID, Payload]:
    rows = await fee_rows(work.session, ids)
    return {each["lago_id"]: each for each in await fee_payloads(work, list(rows.values()))}


async def _wallets(work: UnitOfWork, ids: Sequence[UUID]) -> Mapping[UUID, Payload]:
    return await wallet_payloads(work.session, ids)


async def _wallet_transactions(work: UnitOfWork, ids: Sequence[UUID]) -> Mapping[UUID, Payload]:
    return await transaction_payloads(work.session, ids)


async def _paid_invoices(work: UnitOfWork, ids: Sequence[UUID]) -> Mapping[UUID, Payload]:
    """With customer and fees."""
    contents = await invoice_details(work, ids)
    left_out = {"subscriptions", "billing_periods", "credits", "error_details", "applied_taxes"}
    return {
        each: {name: value for name, value in content.items() if name not in left_out}
        for each, content in contents.items()
    }


async def _overdue_invoices(work: UnitOfWork, ids: Sequence[UUID]) -> Mapping[UUID, Payload]:
    """With customer, fees and taxes."""
    contents = await invoice_details(work, ids)
    left_out = {"subscriptions", "billing_periods", "credits", "error_details"}
    return {
        each: {name: value for name, value in content.items() if name not in left_out}
        for each, content in contents.items()
    }


async def _disputes(work: UnitOfWork, ids: Sequence[UUID]) -> Mapping[UUID, Payload]:
    return {each: {"invoice": content} for each, content in (await invoice_payloads(work, ids)).items()}


async def _payment_requests(work: UnitOfWork, ids: Sequence[UUID]) -> Mapping[UUID, Payload]:
    rows = await request_rows(work.session, ids)
    return {each["lago_id"]: each for each in await payment_request_payloads(work, list(rows.values()))}


async def _payments(work: UnitOfWork, ids: Sequence[UUID]) -> Mapping[UUID, Payload]:
    rows = await payment_rows(work.session, ids)
    return {each["lago_id"]: each for each in await payment_payloads(work, list(rows.values()))}


async def _confirmed(work: UnitOfWork, ids: Sequence[UUID]) -> Mapping[UUID, Payload]:
    """With what was paid with."""
    rows = await payment_rows(work.session, ids)
    contents = await payment_payloads(work, list(rows.values()))
    return {each["lago_id"]: {**each, "payment_method": rows[each["lago_id"]].method} for each in contents}


async def _receipts(work: UnitOfWork, ids: Sequence[UUID]) -> Mapping[UUID, Payload]:
    rows = await receipt_rows(work.session, ids)
    return {each["lago_id"]: each for each in await payment_receipt_payloads(work, list(rows.values()))}


def _without(key: str, contents: Mapping[UUID, Payload]) -> Mapping[UUID, Payload]:
    return {each: {name: value for name, value in content.items() if name != key} for each, content in contents.items()}


async def _thresholds_reached(work: UnitOfWork, ids: Sequence[UUID]) -> Mapping[UUID, Payload]:
    applied = await applied_thresholds_by_ids(work.session, ids)
    subscriptions = await _ended_subscriptions(work, list({row.subscription_id for row in applied.values()}))
    applicable = await applicable_thresholds(work.session, subscriptions)
    return {
        key: {
            **subscriptions[row.subscription_id],
            "applicable_usage_thresholds": [
                threshold_payload(one, short=True) for one in applicable.get(row.subscription_id, ())
            ],
            "usage_threshold": applied_threshold_payload(row)["usage_threshold"],
        }
        for key, row in applied.items()
    }


ANNOUNCEMENTS: Mapping[str, Announcement] = {
    "alert.triggered": Announcement("triggered_alert", triggered_alert_payloads),
    "billable_metric.created": Announcement("billable_metric", _metrics),
    "billable_metric.updated": Announcement("billable_metric", _metrics),
    "billable_metric.deleted": Announcement("billable_metric", _metrics),
    "credit_note.created": Announcement("credit_note", note_payloads),
    "credit_note.generated": Announcement("credit_note", note_payloads),
    "credit_note.provider_refund_failure": Announcement(
        "credit_note_payment_provider_refund_error", refund_failure_payloads
    ),
    "customer.created": Announcement("customer", _customers),
    "customer.updated": Announcement("customer", _customers),
    "customer.payment_provider_created": Announcement("customer", _customers),
    "feature.created": Announcement("feature", _features),
    "feature.deleted": Announcement("feature", _features),
    "feature.updated": Announcement("feature", _features),
    "fee.created": Announcement("fee", _fees),
    "invoice.created": Announcement("invoice", _invoices),
    "invoice.drafted": Announcement("invoice", invoice_details),
    "invoice.ready_to_finalize": Announcement("invoice", invoice_details),
    "invoice.voided": Announcement("invoice", _invoices),
    "invoice.deleted": Announcement("invoice", _invoices),
    "invoice.one_off_created": Announcement("invoice", _invoices),
    "invoice.generated": Announcement("invoice", invoice_payloads),
    "invoice.payment_dispute_lost": Announcement("payment_dispute_lost", _disputes),
    "invoice.payment_failure": Announcement("payment_provider_invoice_payment_error", payment_failure_payloads),
    "invoice.payment_overdue": Announcement("invoice", _overdue_invoices),
    "invoice.payment_status_updated": Announcement("invoice", _paid_invoices),
    "dunning_campaign.finished": Announcement("dunning_campaign", finished_campaign_payloads),
    "payment.requires_action": Announcement("payment", _payments),
    "payment.succeeded": Announcement("payment", _confirmed),
    "payment_receipt.created": Announcement("payment_receipt", _receipts),
    "payment_receipt.generated": Announcement("payment_receipt", _receipts),
    "payment_request.created": Announcement("payment_request", _payment_requests),
    "payment_request.payment_failure": Announcement(
        "payment_provider_payment_request_payment_error", request_failure_payloads
    ),
    "payment_request.payment_status_updated": Announcement("payment_request", _payment_requests),
    "plan.created": Announcement("plan", _plans),
    "plan.updated": Announcement("plan", _plans),
    "plan.deleted": Announcement("plan", _deleted_plans),
    "subscription.started": Announcement("subscription", _subscriptions),
    "subscription.incomplete": Announcement("subscription", _ended_subscriptions),
    "subscription.canceled": Announcement("subscription", _ended_subscriptions),
    "subscription.updated": Announcement("subscription", _subscriptions),
    "subscription.terminated": Announcement("subscription", _ended_subscriptions),
    "subscription.usage_threshold_reached": Announcement("subscription", _thresholds_reached),
    "subscription.termination_alert": Announcement("subscription", _ended_subscriptions),
    "subscription.trial_ended": Announcement("subscription", _ended_subscriptions),
    "invoice.paid_credit_added": Announcement("invoice", _invoices),
    "wallet.created": Announcement("wallet", _wallets),
    "wallet.updated": Announcement("wallet", _wallets),
    "wallet.terminated": Announcement("wallet", _wallets),
    "wallet.depleted_ongoing_balance": Announcement("wallet", _wallets),
    "wallet_transaction.created": Announcement("wallet_transaction", _wallet_transactions),
    "wallet_transaction.payment_failure": Announcement(
        "payment_provider_wallet_transaction_payment_error", top_up_failure_payloads
    ),
    "wallet_transaction.updated": Announcement("wallet_transaction", _wallet_transactions),
}


async def announce(work: UnitOfWork, webhook_type: str, ids: Sequence[UUID]) -> list[UUID]:
    """Writes the webhooks of one type for these objects, in their order; returns the webhooks' ids.

    Objects that are gone are passed over. Raises KeyError for a type that is not in ANNOUNCEMENTS.
    """
    assert len(ids) <= MOST_IDS, "a job has at most so many objects"
    announcement = ANNOUNCEMENTS[webhook_type]
    contents = await announcement.load(work, ids)
    told = [each for each in ids if each in contents]
    objects = [contents[each] for each in told]
    return await send_webhooks(work, webhook_type, announcement.object_type, objects, told)
