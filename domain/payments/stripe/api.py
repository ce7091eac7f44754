"""Calls to Stripe through its own library, answered as plain JSON.

The library is loaded at the first call: it has thousands of classes, which a process that takes no payments does not
need. One HTTP client serves all calls of an event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from weakref import WeakKeyDictionary

from domain.payments.providers.gateway import GatewayBusy, SignatureRefused
from infrastructure import exact_json
from infrastructure.settings import settings

__all__ = ["StripeApi", "StripeRefused", "event_of"]

SECONDS: Final = 30.0
SIGNATURE_AGE: Final = 300
LONGEST_MESSAGE: Final = 1_000

Json = dict[str, Any]

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()


class StripeRefused(Exception):
    """Stripe answered with an error. `kind` is its type: card_error, invalid_request_error, idempotency_error, …

    code, decline_code: Stripe's. status: of HTTP. intent: the payment intent that failed, where there is one.
    """

    def __init__(self, kind: str, code: str, message: str, status: int, intent: Json | None) -> None:
        super().__init__(f"{code}: {message}")
        self.kind, self.code, self.message, self.status, self.intent = kind, code, message, status, intent


class StripeApi:
    """Stripe's interface under one secret key."""

    def __init__(self, secret_key: str) -> None:
        self._secret_key = secret_key

    async def get(self, path: str, **params: Any) -> Json:
        """Reads. Raises as `post`."""
        return await self._call("get", path, params)

    async def post(self, path: str, *, key: str | None = None, **params: Any) -> Json:
        """Writes; with a `key` the same write takes effect once and is answered as the first time.

        Raises StripeRefused, and GatewayBusy for what is worth another try.
        """
        return await self._call("post", path, params | ({"idempotency_key": key} if key else {}))

    async def delete(self, path: str) -> Json:
        """Takes away. Raises as `post`."""
        return await self._call("delete", path, {})

    async def _call(self, method: str, path: str, params: Json) -> Json:
        import stripe

        client = stripe.StripeClient(
            self._secret_key,
            stripe_version=settings().stripe_api_version,
            base_addresses={"api": settings().stripe_url.rstrip("/")},
            http_client=_http_client(),
            max_network_retries=0,
        )
        try:
            answer = await client.raw_request_async(method, path, **params)
        except (stripe.RateLimitError, stripe.APIConnectionError) as error:
            raise GatewayBusy(_text(error.user_message or error)) from error
        except stripe.StripeError as error:
            raise _refusal(error) from error
        found = exact_json.load(answer.body)
        assert isinstance(found, dict), "Stripe answers with objects"
        return found


def event_of(body: bytes, signature: str | None, secret: str | None) -> Json:
    """The event of an inbound webhook that Stripe signed within the last 300 s. Raises SignatureRefused."""
    import stripe

    try:
        stripe.WebhookSignature.verify_header(body, signature, secret, SIGNATURE_AGE)
        event = exact_json.load(body)
    except (stripe.SignatureVerificationError, UnicodeError, exact_json.MalformedJSON) as error:
        raise SignatureRefused(_text(error)) from error
    if not isinstance(event, dict) or not isinstance(event.get("id"), str) or not isinstance(event.get("type"), str):
        raise SignatureRefused("not an event")
    return event


def _http_client() -> Any:
    import stripe

    loop = asyncio.get_running_loop()
    if loop not in _clients:
        _clients[loop] = stripe.HTTPXClient(timeout=SECONDS)
    return _clients[loop]


def _refusal(error: Any) -> Exception:
    """Stripe's own failures are worth another try, what it understood and refused is not."""
    status = error.http_status or 0
    body = error.json_body if isinstance(error.json_body, Mapping) else {}
    error_body = body.get("error")
    said: Mapping[str, Any] = error_body if isinstance(error_body, Mapping) else {}
    code = str(said.get("code") or said.get("type") or "api_error")
    if status >= 500 or status == 409:
        return GatewayBusy(_text(f"{status} {error}"))
    intent = said.get("payment_intent")
    return StripeRefused(
        str(said.get("type") or "api_error"), code, _text(said.get("message") or error), status,
        intent if isinstance(intent, dict) else None,
    )  # fmt: skip


def _text(value: object) -> str:
    return str(value).replace("\x00", "")[:LONGEST_MESSAGE]
