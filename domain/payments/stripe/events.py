"""What Stripe's events say. Source: handbook, credits 10.4. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from domain.kernel.ids import parse_id
from domain.payments.providers.gateway import (
    DisputeLost,
    MethodGone,
    MethodKept,
    PaymentMoved,
    ProviderEvent,
    Refunded,
    RefundMoved,
)
from domain.payments.stripe.charges import charged
from domain.payments.stripe.statuses import refund_status

__all__ = ["provider_event"]

Thing = Mapping[str, Any]
PAYABLES: Final = ("Invoice", "PaymentRequest")


def provider_event(event: Thing) -> ProviderEvent | None:
    """What a verified event says; None for types that are not listened to and for what is not Tarn's."""
    data = event.get("data")
    thing = data.get("object") if isinstance(data, Mapping) else None
    read = _READ.get(str(event.get("type")))
    return read(thing) if read is not None and isinstance(thing, Mapping) else None


def _payment(intent: Thing) -> ProviderEvent | None:
    metadata = intent.get("metadata")
    said: Thing = metadata if isinstance(metadata, Mapping) else {}
    if not isinstance(intent.get("id"), str):
        return None
    payable = str(said.get("lago_payable_type"))
    once = said.get("payment_type") == "one-time" and payable in PAYABLES
    # Pages made before there were payables name their invoice.
    payable_id = parse_id(said.get("lago_payable_id") or said.get("lago_invoice_id")) if once else None
    return PaymentMoved(
        provider_payment_id=intent["id"],
        charged=charged(intent),
        payment_id=parse_id(said.get("lago_payment_id")),
        payable_type=payable if once else None,
        payable_id=payable_id,
    )


def _set_up(intent: Thing) -> ProviderEvent | None:
    customer, method = intent.get("customer"), intent.get("payment_method")
    if not isinstance(customer, str) or not isinstance(method, str):
        return None
    return MethodKept(customer, method, prefer=True)


def _customer(customer: Thing) -> ProviderEvent | None:
    settings = customer.get("invoice_settings")
    named = settings.get("default_payment_method") if isinstance(settings, Mapping) else None
    method = named or customer.get("default_source")
    if not isinstance(customer.get("id"), str) or not isinstance(method, str):
        return None
    return MethodKept(customer["id"], method)


def _detached(method: Thing) -> ProviderEvent | None:
    return MethodGone(method["id"]) if isinstance(method.get("id"), str) else None


def _refund(refund: Thing) -> ProviderEvent | None:
    if not isinstance(refund.get("id"), str):
        return None
    status = str(refund.get("status"))
    reason = refund.get("failure_reason")
    return RefundMoved(
        Refunded(status, refund_status(status), refund["id"], str(reason) if reason else None,
                 str(reason) if reason else None)
    )  # fmt: skip


def _dispute(dispute: Thing) -> ProviderEvent | None:
    intent = dispute.get("payment_intent")
    return DisputeLost(intent) if dispute.get("status") == "lost" and isinstance(intent, str) else None


_READ: Final[Mapping[str, Callable[[Thing], ProviderEvent | None]]] = {
    "setup_intent.succeeded": _set_up,
    "payment_intent.succeeded": _payment,
    "payment_intent.payment_failed": _payment,
    "payment_intent.canceled": _payment,
    "payment_method.detached": _detached,
    "charge.refund.updated": _refund,
    "customer.updated": _customer,
    "charge.dispute.closed": _dispute,
}
