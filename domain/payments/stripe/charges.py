"""What a charge says to Stripe, and what Stripe's answer means. Source: handbook, credits 10.2 and 10.4. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from domain.payments.providers.gateway import Charged, ChargeOrder
from domain.payments.stripe.statuses import from_stripe, payment_status, to_stripe

__all__ = ["AUTHENTICATION", "MissingCountry", "charged", "intent_params", "method_details", "refused"]

AUTHENTICATION: Final = "authentication_required"
TOO_SMALL: Final = "amount_too_small"
BANK_TRANSFERS: Final = {
    "usd": "us_bank_transfer",
    "gbp": "gb_bank_transfer",
    "jpy": "jp_bank_transfer",
    "mxn": "mx_bank_transfer",
}
EU_COUNTRIES: Final = frozenset({"BE", "DE", "ES", "FR", "IE", "NL"})
_BALANCE: Final = "customer_balance"


class MissingCountry(Exception):
    """A bank transfer in euros needs a country that neither customer nor billing entity has."""


def intent_params(order: ChargeOrder, method_id: str | None, return_url: str | None) -> dict[str, Any]:
    """The payment intent that takes the money at once.

    The payer is not there and cannot confirm, unless the order says so, the customer lives in India, whose banks ask
    always, or it pays by bank transfer. Raises MissingCountry.
    """
    by_transfer = tuple(order.methods) == (_BALANCE,)
    india = order.country == "IN"
    params: dict[str, Any] = {
        "amount": to_stripe(order.amount_cents, order.currency),
        "currency": order.currency.lower(),
        "customer": order.provider_customer_id,
        "payment_method_types": list(order.methods),
        "confirm": True,
        "off_session": not (order.on_session or india or by_transfer),
        "description": order.description,
        "metadata": {
            "lago_payment_id": str(order.payment_id),
            "lago_payable_id": str(order.payable_id),
            "lago_payable_type": order.payable_type,
            "lago_customer_id": str(order.customer_id),
            "lago_organization_id": str(order.organization_id),
            "lago_billing_entity_id": str(order.billing_entity_id),
            **order.metadata,
        },
    }
    if not (order.on_session or india):
        params["error_on_requires_action"] = True
    if return_url:
        params["return_url"] = return_url
    if by_transfer:
        params["payment_method_data"] = {"type": _BALANCE}
        params["payment_method_options"] = {
            _BALANCE: {"funding_type": "bank_transfer", "bank_transfer": _bank_transfer(order)}
        }
    elif method_id is not None:
        params["payment_method"] = method_id
    return params


def _bank_transfer(order: ChargeOrder) -> dict[str, Any]:
    currency = order.currency.lower()
    if currency != "eur":
        return {"type": BANK_TRANSFERS.get(currency, "eu_bank_transfer")}
    for country in (order.country, order.entity_country):
        if country in EU_COUNTRIES:
            return {"type": "eu_bank_transfer", "eu_bank_transfer": {"country": country}}
    raise MissingCountry


def charged(intent: Mapping[str, Any]) -> Charged:
    """A payment intent as it stands."""
    status = str(intent.get("status") or "")
    error = intent.get("last_payment_error")
    said: Mapping[str, Any] = error if isinstance(error, Mapping) else {}
    code = str(said.get("code") or "") or None
    return Charged(
        status=status,
        payment_status=payment_status(status),
        provider_payment_id=str(intent["id"]),
        method=method_details(intent),
        next_action=intent.get("next_action") if status == "requires_action" else None,
        error_code=code if status != "succeeded" else None,
        error_message=str(said.get("message") or "") or None if status != "succeeded" else None,
        amount_cents=_cents(intent),
    )


def refused(code: str, message: str, intent: Mapping[str, Any] | None) -> Charged:
    """What an error of Stripe means: too small an amount took nothing and may be asked for again."""
    made = str(intent["id"]) if intent and intent.get("id") else None
    too_small = code == TOO_SMALL
    return Charged(
        status="pending" if too_small else "failed",
        payment_status="pending" if too_small else "failed",
        provider_payment_id=made,
        error_code=code,
        error_message=message,
        needs_payer=code == AUTHENTICATION,
    )


def method_details(intent: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What was paid with: type, brand and last4, where Stripe has said it in full."""
    charge = intent.get("latest_charge")
    details = charge.get("payment_method_details") if isinstance(charge, Mapping) else None
    if not isinstance(details, Mapping):
        return None
    kind = str(details.get("type") or "card")
    found = details.get(kind)
    more: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    return {"type": kind, "brand": more.get("brand"), "last4": more.get("last4")}


def _cents(intent: Mapping[str, Any]) -> int | None:
    amount = intent.get("amount_received") or intent.get("amount")
    if not isinstance(amount, int) or isinstance(amount, bool) or amount <= 0:
        return None
    return from_stripe(amount, str(intent.get("currency"))) or None
