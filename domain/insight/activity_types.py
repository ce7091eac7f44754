"""The names of the activity log. Source: handbook, platform 15.2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["KINDS", "LOGGED", "SOURCES", "TABLES", "kind_of"]

SOURCES: Final = ("api", "front", "system")
LOGGED: Final = frozenset(
    {
        "applied_coupon.created", "applied_coupon.deleted",
        "billable_metric.created", "billable_metric.deleted", "billable_metric.updated",
        "billing_entities.created", "billing_entities.updated",
        "coupon.created", "coupon.deleted", "coupon.updated",
        "credit_note.created", "credit_note.generated", "credit_note.refund_failure",
        "customer.created", "customer.deleted", "customer.updated",
        "email.sent",
        "feature.created", "feature.deleted", "feature.updated",
        "invoice.created", "invoice.deleted", "invoice.drafted", "invoice.generated", "invoice.one_off_created",
        "invoice.paid_credit_added", "invoice.payment_failure", "invoice.payment_overdue",
        "invoice.payment_status_updated", "invoice.ready_to_finalize", "invoice.regenerated", "invoice.voided",
        "payment.recorded",
        "payment_receipt.created", "payment_receipt.generated", "payment_request.created",
        "plan.created", "plan.deleted", "plan.updated",
        "subscription.canceled", "subscription.incomplete", "subscription.started", "subscription.terminated",
        "subscription.updated", "wallet.created", "wallet.updated",
        "wallet_transaction.created", "wallet_transaction.payment_failure", "wallet_transaction.updated",
    }
)  # fmt: skip
"""What Tarn logs."""

TABLES: Final[Mapping[str, str]] = {
    "billable_metric": "billable_metrics",
    "billing_entities": "billing_entities",
    "coupon": "coupons",
    "customer": "customers",
    "feature": "features",
    "invoice": "invoices",
    "plan": "plans",
    "subscription": "subscriptions",
    "wallet": "wallets",
    "wallet_transaction": "wallet_transactions",
}
"""By kind of object whose changes are kept: the table whose columns are named in them."""

KINDS: Final = (
    "applied_coupon", "billable_metric", "billing_entities", "coupon", "credit_note", "customer", "feature", "invoice",
    "payment", "payment_receipt", "payment_request", "plan", "subscription", "wallet", "wallet_transaction",
)  # fmt: skip
"""Of what something is told. What a client sees as the resource may be another: see `activity_sql.py`."""


def kind_of(activity_type: str) -> str:
    """The kind of object that the ids of an activity name; not for mails, which may be of any."""
    kind = activity_type.partition(".")[0]
    assert kind in KINDS, kind
    return kind
