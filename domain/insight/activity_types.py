"""The names of the activity log. Source: handbook, platform 15.2."""

from __future__ import annotations

from typing import Final

__all__ = ["LOGGED", "RESOURCES", "SOURCES", "resource_of"]

SOURCES: Final = ("api", "front", "system")
LOGGED: Final = frozenset(
    {
        "billable_metric.created", "billable_metric.deleted", "billable_metric.updated",
        "credit_note.created", "credit_note.generated",
        "customer.created", "customer.deleted", "customer.updated",
        "invoice.created", "invoice.deleted", "invoice.drafted", "invoice.generated", "invoice.one_off_created",
        "invoice.paid_credit_added", "invoice.payment_failure", "invoice.payment_overdue",
        "invoice.payment_status_updated", "invoice.ready_to_finalize", "invoice.voided",
        "payment_receipt.created", "payment_receipt.generated", "payment_request.created",
        "plan.created", "plan.deleted", "plan.updated",
        "subscription.canceled", "subscription.incomplete", "subscription.started", "subscription.terminated",
        "subscription.updated",
        "wallet.created", "wallet.updated", "wallet_transaction.created", "wallet_transaction.updated",
    }
)  # fmt: skip
"""What Tarn logs."""

RESOURCES: Final = (
    "billable_metric", "credit_note", "customer", "invoice", "payment_receipt", "payment_request", "plan",
    "subscription", "wallet",
)  # fmt: skip


def resource_of(activity_type: str) -> str:
    """The type of the resource that an activity is told of: of its object, or of the wallet for its transactions."""
    name = activity_type.partition(".")[0]
    return "wallet" if name == "wallet_transaction" else name
