"""Stripe, as the port asks for it. Source: handbook, credits 10.4 and 10.8."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from domain.payments.providers.gateway import (
    Charged,
    ChargeOrder,
    CheckoutOrder,
    Connection,
    GatewayRefused,
    LinkOrder,
    MethodKept,
    Payer,
    PaymentPage,
    ProviderEvent,
    Refunded,
    RefundOrder,
    RemoteMethod,
)
from domain.payments.stripe.api import StripeApi, StripeRefused, event_of
from domain.payments.stripe.charges import MissingCountry, charged, intent_params, refused
from domain.payments.stripe.events import provider_event
from domain.payments.stripe.statuses import refund_reason, refund_status, to_stripe
from infrastructure.settings import settings

__all__ = ["EVENTS", "StripeGateway", "remote_method"]

EVENTS: Final = (
    "setup_intent.succeeded",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "payment_method.detached",
    "charge.refund.updated",
    "customer.updated",
    "charge.dispute.closed",
)
FALLBACK_URL: Final = "https://stripe.com"
_EXPAND: Final = ["latest_charge"]
_MOST_LISTED: Final = 100


class StripeGateway:
    """The adapter of one Stripe account."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._api = StripeApi(connection.secrets.get("secret_key", ""))

    async def create_customer(self, payer: Payer) -> str:
        key = f"{payer.customer_id}-{int(payer.version.timestamp())}"
        return str((await self._asked("/v1/customers", key=key, **_customer(payer)))["id"])

    async def update_customer(self, payer: Payer) -> None:
        assert payer.provider_customer_id is not None, "only a customer that Stripe knows is updated"
        await self._asked(f"/v1/customers/{payer.provider_customer_id}", **_customer(payer))

    async def default_method(self, provider_customer_id: str) -> RemoteMethod | None:
        try:
            customer = await self._api.get(f"/v1/customers/{provider_customer_id}")
            preferred = customer.get("invoice_settings") or {}
            named = preferred.get("default_payment_method") or customer.get("default_source")
            if isinstance(named, str):
                return remote_method(await self._api.get(f"/v1/payment_methods/{named}"))
            listed = await self._methods(provider_customer_id, limit=1)
        except StripeRefused as error:
            raise GatewayRefused(error.code, error.message) from error
        return remote_method(listed[0]) if listed else None

    async def checkout_page(self, order: CheckoutOrder) -> str:
        page = await self._asked(
            "/v1/checkout/sessions",
            mode="setup",
            customer=order.provider_customer_id,
            payment_method_types=list(order.methods),
            success_url=self._return_url,
            metadata={"lago_customer_id": str(order.customer_id), "customer_id": order.external_id},
            **self._consent,
        )
        return _url(page)

    async def charge(self, order: ChargeOrder) -> Charged:
        try:
            method_id = await self._usable_method(order)
            params = intent_params(order, method_id, self._return_url)
            intent = await self._api.post("/v1/payment_intents", key=order.key, expand=_EXPAND, **params)
        except MissingCountry:
            return Charged("failed", "failed", error_code="missing_country", error_message="a country is needed")
        except StripeRefused as error:
            if error.kind == "idempotency_error":
                return await self._earlier(order)
            answer = refused(error.code, error.message, error.intent)
            return replace(
                answer, needs_payer=answer.needs_payer and bool(self._connection.settings.get("supports_3ds"))
            )
        return charged(intent)

    async def cancel_payment(self, provider_payment_id: str) -> bool:
        try:
            await self._api.post(f"/v1/payment_intents/{provider_payment_id}/cancel")
        except StripeRefused:
            return False
        return True

    async def payment_page(self, order: LinkOrder) -> PaymentPage:
        metadata = {
            "lago_customer_id": str(order.customer_id),
            "lago_payable_id": str(order.payable_id),
            "lago_payable_type": order.payable_type,
            "payment_type": "one-time",
            **order.metadata,
        }
        page = await self._asked(
            "/v1/checkout/sessions",
            key=order.key,
            mode="payment",
            customer=order.provider_customer_id,
            payment_method_types=list(order.methods),
            line_items=[
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": order.currency.lower(),
                        "unit_amount": to_stripe(order.amount_cents, order.currency),
                        "product_data": {"name": order.description},
                    },
                }
            ],
            success_url=self._return_url,
            payment_intent_data={"description": order.description, "metadata": metadata},
            metadata=metadata,
        )
        return PaymentPage(_url(page), str(page["id"]))

    async def expire_page(self, session_id: str) -> None:
        # One that was paid or has expired says so.
        try:
            await self._api.post(f"/v1/checkout/sessions/{session_id}/expire")
        except StripeRefused as error:
            if error.kind != "invalid_request_error":
                raise GatewayRefused(error.code, error.message) from error

    async def refund(self, order: RefundOrder) -> Refunded:
        reason = refund_reason(order.reason)
        try:
            made = await self._api.post(
                "/v1/refunds",
                key=str(order.refund_id),
                payment_intent=order.provider_payment_id,
                amount=to_stripe(order.amount_cents, order.currency),
                metadata=dict(order.metadata),
                **({"reason": reason} if reason else {}),
            )
        except StripeRefused as error:
            return Refunded("failed", "failed", error_code=error.code, error_message=error.message)
        return Refunded(str(made["status"]), refund_status(made["status"]), str(made["id"]))

    def verify(self, body: bytes, headers: Mapping[str, str]) -> Mapping[str, Any]:
        return event_of(body, headers.get("stripe-signature"), self._connection.secrets.get("webhook_secret"))

    async def method(self, event: MethodKept) -> RemoteMethod | None:
        try:
            found = await self._api.get(f"/v1/payment_methods/{event.method_id}")
            if found.get("customer") != event.provider_customer_id:
                return None
            if event.prefer:
                path = f"/v1/customers/{event.provider_customer_id}"
                await self._api.post(path, invoice_settings={"default_payment_method": event.method_id})
        except StripeRefused as error:
            if error.status == 404:
                return None
            raise GatewayRefused(error.code, error.message) from error
        return remote_method(found)

    def read(self, event: Mapping[str, Any]) -> ProviderEvent | None:
        return provider_event(event)

    async def register_endpoint(self, url: str, key: str) -> tuple[str, str]:
        """Has Stripe send its events to `url`; the endpoint's id and the secret that its events are signed with."""
        made = await self._asked(
            "/v1/webhook_endpoints",
            key=key,
            url=url,
            enabled_events=list(EVENTS),
            api_version=settings().stripe_api_version,
        )
        return str(made["id"]), str(made["secret"])

    async def remove_endpoint(self, endpoint_id: str) -> None:
        """Stripe sends no more events there."""
        try:
            await self._api.delete(f"/v1/webhook_endpoints/{endpoint_id}")
        except StripeRefused as error:
            if error.status != 404:
                raise GatewayRefused(error.code, error.message) from error

    @property
    def _return_url(self) -> str:
        return str(self._connection.settings.get("success_redirect_url") or FALLBACK_URL)

    @property
    def _consent(self) -> dict[str, Any]:
        if not self._connection.settings.get("require_terms_of_service_consent"):
            return {}
        return {"consent_collection": {"terms_of_service": "required"}}

    async def _asked(self, path: str, *, key: str | None = None, **params: Any) -> dict[str, Any]:
        try:
            return await self._api.post(path, key=key, **params)
        except StripeRefused as error:
            raise GatewayRefused(error.code, error.message) from error

    async def _methods(self, provider_customer_id: str, limit: int) -> list[dict[str, Any]]:
        found = await self._api.get(f"/v1/customers/{provider_customer_id}/payment_methods", limit=limit)
        return [each for each in found.get("data") or () if isinstance(each, dict)]

    async def _usable_method(self, order: ChargeOrder) -> str | None:
        """The chosen method if the customer still has it, else its first one."""
        if order.method_id is None:
            return None
        try:
            method = await self._api.get(f"/v1/payment_methods/{order.method_id}")
        except StripeRefused as error:
            if error.status != 404:
                raise
            method = {}
        if method.get("customer") == order.provider_customer_id:
            return order.method_id
        listed = await self._methods(order.provider_customer_id, limit=1)
        return str(listed[0]["id"]) if listed else order.method_id

    async def _earlier(self, order: ChargeOrder) -> Charged:
        """What became of a charge that was sent before in other words, as when the method was taken away meanwhile:
        it is looked for among the customer's, so that nothing is taken twice. Not found, it may be asked for again."""
        listed = await self._api.get(
            "/v1/payment_intents",
            customer=order.provider_customer_id,
            limit=_MOST_LISTED,
            expand=["data.latest_charge"],
        )
        for intent in listed.get("data") or ():
            if (intent.get("metadata") or {}).get("lago_payment_id") == str(order.payment_id):
                return charged(intent)
        return Charged(
            "pending", "pending", error_code="idempotency_error", error_message="sent before, in other words"
        )


def remote_method(method: Mapping[str, Any]) -> RemoteMethod:
    """A payment method as Stripe describes it."""
    kind = str(method.get("type") or "card")
    found = method.get(kind)
    more: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    return RemoteMethod(
        id=str(method["id"]),
        type=kind,
        details={
            "type": kind,
            "brand": more.get("brand"),
            "last4": more.get("last4"),
            "expiration_month": more.get("exp_month"),
            "expiration_year": more.get("exp_year"),
        },
    )


def _customer(payer: Payer) -> dict[str, Any]:
    """A customer as Stripe is told of it; what is not known is left out."""
    address = {name: value for name, value in payer.address.items() if value}
    told: dict[str, Any] = {
        "name": payer.name,
        "email": (payer.email or "").split(",")[0].strip(),
        "phone": payer.phone,
        "address": address,
        "metadata": {"lago_customer_id": str(payer.customer_id), "customer_id": payer.external_id},
    }
    return {name: value for name, value in told.items() if value}


def _url(page: Mapping[str, Any]) -> str:
    url = page.get("url")
    if not isinstance(url, str) or not url:
        raise GatewayRefused("no_url", "no address came back")
    return url
