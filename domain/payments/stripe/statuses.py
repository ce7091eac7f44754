"""Stripe's words and ours. Source: handbook, credits 10.2, 10.4 and 10.8. Pure."""

from __future__ import annotations

from typing import Final

__all__ = ["from_stripe", "payment_status", "refund_reason", "refund_status", "to_stripe"]

PROCESSING: Final = frozenset({"processing", "requires_capture", "requires_action", "requires_confirmation"})
FAILED: Final = frozenset({"canceled", "requires_payment_method"})

# Stripe counts hundredths of these, which are whole units here (Stripe, "Zero-decimal currencies", special cases).
HUNDREDTHS: Final = frozenset({"HUF", "ISK", "UGX"})

_REASONS: Final = {
    "duplicated_charge": "duplicate",
    "product_unsatisfactory": "requested_by_customer",
    "order_change": "requested_by_customer",
    "order_cancellation": "requested_by_customer",
    "fraudulent_charge": "fraudulent",
}


def payment_status(status: str) -> str:
    """What a payment intent's status means for what is paid. A status that is not known yet leaves it pending."""
    if status == "succeeded":
        return "succeeded"
    if status in PROCESSING:
        return "processing"
    return "failed" if status in FAILED else "pending"


def refund_status(status: str | None) -> str:
    """What a refund's status means for the credit note."""
    if status == "succeeded":
        return "succeeded"
    return "failed" if status in ("failed", "canceled") else "pending"


def refund_reason(reason: str) -> str | None:
    """Stripe's reason for a credit note's, None where it has none."""
    return _REASONS.get(reason)


def to_stripe(cents: int, currency: str) -> int:
    """An amount in the currency's smallest unit as it is here, in the one that Stripe counts."""
    return cents * 100 if currency.upper() in HUNDREDTHS else cents


def from_stripe(amount: int, currency: str) -> int:
    """The reverse; a part of a unit, which cannot be owed here, is left out."""
    return amount // 100 if currency.upper() in HUNDREDTHS else amount
