"""A Stripe of our own: an HTTP server on a real socket that speaks the part of Stripe's interface that is used.

It keeps what it is told, takes the same idempotency key once, and behaves by what it is charged with: the method
`pm_ok` pays, `pm_declined` is declined, `pm_3ds` must be confirmed by its payer, `pm_slow` stays in processing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

__all__ = ["StripeServer", "signed", "stripe_server"]

Json = dict[str, Any]
SMALLEST = 50


class Refused(Exception):
    """An error as Stripe writes it."""

    def __init__(self, status: int, **error: object) -> None:
        self.status, self.error = status, error


class StripeServer(ThreadingHTTPServer):
    """What it knows, and what it was asked: `writes` are the calls that were carried out, by path."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, Json] = {}
        self.answers: dict[str, tuple[str, int, Json]] = {}
        self.writes: list[tuple[str, Json]] = []
        # What happens to the next calls instead of an answer: a status, or "drop"
        # after the work was done; "pass" answers as ever; a function is called when the work was done.
        self.faults: list[int | str | Callable[[], None]] = []
        self.lock = threading.Lock()
        self.counter = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def new(self, prefix: str, **content: Any) -> Json:
        self.counter += 1
        found = {"id": f"{prefix}_{self.counter}", **content}
        self.objects[found["id"]] = found
        return found

    def has_method(self, method: str, customer: str, kind: str = "card", **card: object) -> None:
        """The customer has this method."""
        details = {"brand": "visa", "last4": "4242", "exp_month": 4, "exp_year": 2031, **card}
        self.objects[method] = {"id": method, "type": kind, "customer": customer, kind: details}

    def of(self, prefix: str) -> list[Json]:
        """All objects of one kind, in the order in which they were made."""
        return [found for key, found in self.objects.items() if key.startswith(prefix)]

    def written(self, path: str) -> list[Json]:
        """What was written to a path."""
        return [params for where, params in self.writes if re.fullmatch(path, where)]


def signed(kind: str, content: Mapping[str, Any], secret: str, *, age: int = 0, event_id: str = "evt_1",
           livemode: bool = True) -> tuple[bytes, dict[str, str]]:  # fmt: skip
    """An event and the headers that Stripe would send it with."""
    event = {"id": event_id, "type": kind, "livemode": livemode, "data": {"object": dict(content)}}
    body = json.dumps(event).encode()
    at = int(time.time()) - age
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return body, {"stripe-signature": f"t={at},v1={digest}"}


@contextmanager
def stripe_server() -> Iterator[StripeServer]:
    """Runs one until the block ends."""
    server = StripeServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def _nested(text: str) -> Json:
    """Form fields such as `line_items[0][price_data][currency]` as the object that they mean."""
    found: Json = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        steps = re.findall(r"[^\[\]]+", name)
        place: Json = found
        for step in steps[:-1]:
            place = place.setdefault(step, {})
        place[steps[-1]] = value
    return found


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StripeServer

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def _answer(self, method: str) -> None:
        length = int(self.headers.get("content-length") or 0)
        text = self.rfile.read(length).decode()
        parts = urlsplit(self.path)
        params = _nested(text if method == "POST" else parts.query)
        with self.server.lock:
            fault = self.server.faults.pop(0) if self.server.faults else None
            if isinstance(fault, int):
                self._send(fault, {"error": {"type": "api_error", "code": "fault", "message": "told to fail"}})
                return
            status, content = self._once(method, parts.path, params, text)
        if callable(fault):
            fault()
        if fault == "drop":
            self.close_connection = True
            self.connection.close()
            return
        self._send(status, content)

    def _once(self, method: str, path: str, params: Json, text: str) -> tuple[int, Json]:
        key = self.headers.get("idempotency-key") if method == "POST" else None
        asked = f"{path}?{text}"
        if key and key in self.server.answers:
            before, status, content = self.server.answers[key]
            if before != asked:
                return 400, {"error": {"type": "idempotency_error", "message": "the key was used before"}}
            return status, content
        try:
            if (self.headers.get("authorization") or "") != "Bearer sk_test_good":
                raise Refused(401, type="invalid_request_error", message="Invalid API Key provided")
            status, content = 200, self._handle(method, path, params)
            if method != "GET":
                self.server.writes.append((path, params))
        except Refused as refused:
            status, content = refused.status, {"error": refused.error}
        if key and status != 401:
            self.server.answers[key] = (asked, status, content)
        return status, content

    def _handle(self, method: str, path: str, params: Json) -> Json:
        words = path.removeprefix("/v1/").split("/")
        known = self.server.objects
        match (method, *words):
            case ("POST", "customers"):
                return self.server.new("cus", **params)
            case ("POST", "customers", name):
                self._known(name).update(params)
                return self._known(name)
            case ("GET", "customers", name):
                return self._known(name)
            case ("GET", "customers", name, "payment_methods"):
                found = [each for key, each in known.items() if key.startswith("pm_") and each["customer"] == name]
                return {"data": found}
            case ("GET", "payment_methods", name):
                return self._known(name)
            case ("POST", "checkout", "sessions"):
                session = self.server.new("cs", status="open", **params)
                session["url"] = f"https://checkout.stripe.test/{session['id']}"
                return session
            case ("POST", "checkout", "sessions", name, "expire"):
                session = self._known(name)
                if session["status"] != "open":
                    raise Refused(400, type="invalid_request_error", message="not open")
                session["status"] = "expired"
                return session
            case ("POST", "payment_intents"):
                return self._charge(params)
            case ("GET", "payment_intents"):
                return {"data": [each for each in self.server.of("pi") if each["customer"] == params["customer"]]}
            case ("POST", "payment_intents", name, "cancel"):
                intent = self._known(name)
                if intent["status"] == "succeeded":
                    raise Refused(400, type="invalid_request_error", code="payment_intent_unexpected_state")
                intent["status"] = "canceled"
                return intent
            case ("POST", "refunds"):
                intent = self._known(params["payment_intent"])
                if intent.get("disputed"):
                    raise Refused(400, type="invalid_request_error", code="charge_disputed", message="disputed")
                return self.server.new("re", status=intent.get("refunds", "succeeded"), **params)
            case ("POST", "webhook_endpoints"):
                if "unreachable" in params["url"]:
                    raise Refused(400, type="invalid_request_error", code="url_invalid", message="Invalid URL")
                return self.server.new("we", secret="whsec_of_the_test", **params)
            case ("DELETE", "webhook_endpoints", name):
                return known.pop(name, None) or self._known(name)
        raise Refused(404, type="invalid_request_error", code="unknown", message=f"{method} {path}")

    def _known(self, name: str) -> Json:
        if name not in self.server.objects:
            raise Refused(404, type="invalid_request_error", code="resource_missing", message=f"No such: {name}")
        return self.server.objects[name]

    def _charge(self, params: Json) -> Json:
        amount, method = int(params["amount"]), params.get("payment_method", "")
        if amount < SMALLEST:
            raise Refused(400, type="invalid_request_error", code="amount_too_small", message="Amount too small")
        self._known(params["customer"])
        intent = self.server.new("pi", **params | {"amount": amount, "status": "succeeded"})
        if method.startswith("pm_declined"):
            intent["status"] = "requires_payment_method"
            raise Refused(402, type="card_error", code="card_declined", decline_code="insufficient_funds",
                          message="Your card was declined.", payment_intent=intent)  # fmt: skip
        if method.startswith("pm_3ds"):
            if params.get("error_on_requires_action") == "true":
                intent["status"] = "requires_payment_method"
                raise Refused(402, type="card_error", code="authentication_required", message="Authenticate.",
                              payment_intent=intent)  # fmt: skip
            intent["status"] = "requires_action"
            intent["next_action"] = {"type": "redirect_to_url", "redirect_to_url": {"url": "https://bank.test"}}
        elif method.startswith("pm_slow"):
            intent["status"] = "processing"
        else:
            intent["amount_received"] = amount
            intent["latest_charge"] = {
                "payment_method_details": {"type": "card", "card": {"brand": "visa", "last4": "4242"}}
            }
        return intent

    def _send(self, status: int, content: Json) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
