"""What Tarn asks of a payment provider, whichever it is. Each adapter answers in these words.

    gateway = gateway_of(connection)
    charged = await gateway.charge(order)

No transaction is open during a call. Every write carries a key made of our own row's id, so that the same write sent
again after a crash takes effect once. Source: handbook, credits 10.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

__all__ = [
    "ChargeOrder", "Charged", "CheckoutOrder", "Connection", "DisputeLost", "Gateway", "GatewayBusy",
    "GatewayRefused", "LinkOrder", "MethodGone", "MethodKept", "Payer", "PaymentMoved", "PaymentPage",
    "ProviderEvent", "RefundMoved", "RefundOrder", "Refunded", "RemoteMethod", "SignatureRefused",
]  # fmt: skip


class GatewayBusy(Exception):
    """The provider could not be reached, was too busy, or failed itself: the same call is worth another try."""


class GatewayRefused(Exception):
    """The provider understood and said no. `code` and `message` are its words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


class SignatureRefused(Exception):
    """An inbound webhook that the provider did not sign, or that cannot be read."""


@dataclass(frozen=True, slots=True)
class Connection:
    """An organization's account at a provider, with its secrets in the clear."""

    id: UUID
    organization_id: UUID
    provider_type: str
    code: str
    name: str
    secrets: Mapping[str, str] = field(repr=False)
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Payer:
    """A customer, as the provider is told of it. `version` changes when the customer does."""

    customer_id: UUID
    external_id: str
    name: str
    email: str | None
    phone: str | None
    address: Mapping[str, str | None]
    version: datetime
    provider_customer_id: str | None = None


@dataclass(frozen=True, slots=True)
class CheckoutOrder:
    """A page where a customer leaves a card or mandate for later payments."""

    customer_id: UUID
    external_id: str
    provider_customer_id: str
    methods: Sequence[str]


@dataclass(frozen=True, slots=True)
class ChargeOrder:
    """Money to be taken now, in cents of the currency (the currency's smallest unit).

    method_id: the provider's name of the card or mandate; None for methods that have none. on_session: the payer may
    be asked to confirm. attempt: counts calls for the same payment that were answered by "nothing was taken".
    """

    payment_id: UUID
    payable_type: str
    payable_id: UUID
    customer_id: UUID
    billing_entity_id: UUID
    organization_id: UUID
    provider_customer_id: str
    external_customer_id: str
    method_id: str | None
    methods: Sequence[str]
    amount_cents: int
    currency: str
    description: str
    metadata: Mapping[str, str]
    country: str | None = None
    entity_country: str | None = None
    on_session: bool = False
    attempt: int = 1

    @property
    def key(self) -> str:
        """Names this write to the provider."""
        return f"payment-{self.payment_id}" + ("" if self.attempt == 1 else f"-{self.attempt}")


@dataclass(frozen=True, slots=True)
class Charged:
    """What became of a charge. `status` is the provider's word; `payment_status` ours: pending (nothing was taken, and
    it may be asked for again), processing, succeeded or failed.

    needs_payer: it failed because the payer must confirm, and another attempt may let him. amount_cents: what the
    provider took, where it says so.
    """

    status: str
    payment_status: str
    provider_payment_id: str | None = None
    method: Mapping[str, Any] | None = None
    next_action: Mapping[str, Any] | None = None
    error_code: str | None = None
    error_message: str | None = None
    needs_payer: bool = False
    amount_cents: int | None = None


@dataclass(frozen=True, slots=True)
class LinkOrder:
    """A page where one payable is paid. `key` names the write."""

    key: str
    payable_type: str
    payable_id: UUID
    customer_id: UUID
    external_customer_id: str
    provider_customer_id: str
    methods: Sequence[str]
    amount_cents: int
    currency: str
    description: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PaymentPage:
    """A hosted page; `session_id` is what it is expired by."""

    url: str
    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """Money to be given back out of a payment, in cents. `refund_id` names the write."""

    refund_id: UUID
    provider_payment_id: str
    amount_cents: int
    currency: str
    reason: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Refunded:
    """`status` is the provider's word; `refund_status` ours: pending, succeeded or failed."""

    status: str
    refund_status: str
    provider_refund_id: str | None = None
    error_code: str | None = None
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteMethod:
    """A card or mandate that the provider keeps."""

    id: str
    type: str = "card"
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PaymentMoved:
    """A payment stands elsewhere than before. payment_id: ours, where we asked for it; `payable_type`, `payable_id`:
    what was paid on a page of ours."""

    provider_payment_id: str
    charged: Charged
    payment_id: UUID | None = None
    payable_type: str | None = None
    payable_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class MethodKept:
    """The provider keeps a method for a customer. prefer: it is to be told that the customer pays with it."""

    provider_customer_id: str
    method_id: str
    prefer: bool = False


@dataclass(frozen=True, slots=True)
class MethodGone:
    """The provider does not keep a method any more."""

    method_id: str


@dataclass(frozen=True, slots=True)
class RefundMoved:
    """A refund stands elsewhere than before."""

    refunded: Refunded


@dataclass(frozen=True, slots=True)
class DisputeLost:
    """The payer's bank took a payment back."""

    provider_payment_id: str


ProviderEvent = PaymentMoved | MethodKept | MethodGone | RefundMoved | DisputeLost


class Gateway(Protocol):
    """An adapter, bound to one connection. Every call raises GatewayBusy and GatewayRefused, `charge` and `refund` the
    latter only where the outcome cannot be told."""

    async def create_customer(self, payer: Payer) -> str:
        """The provider's name of the customer, made now."""

    async def update_customer(self, payer: Payer) -> None:
        """Tells of a customer that changed."""

    async def default_method(self, provider_customer_id: str) -> RemoteMethod | None:
        """What the customer pays with at the provider, else the first method it keeps."""

    async def checkout_page(self, order: CheckoutOrder) -> str:
        """The address of a page where a method is left."""

    async def charge(self, order: ChargeOrder) -> Charged:
        """Takes the money, or says why not."""

    async def cancel_payment(self, provider_payment_id: str) -> bool:
        """Takes a payment back that is not completed; whether that could be done."""

    async def payment_page(self, order: LinkOrder) -> PaymentPage:
        """A page where a payable is paid."""

    async def expire_page(self, session_id: str) -> None:
        """Nothing can be paid on that page any more; one that is gone already is no error."""

    async def refund(self, order: RefundOrder) -> Refunded:
        """Gives money back, or says why not."""

    async def method(self, event: MethodKept) -> RemoteMethod | None:
        """The method that an event is about; None when it is gone by now."""

    def read(self, event: Mapping[str, Any]) -> ProviderEvent | None:
        """What a verified event says; None for what does not concern us."""

    def verify(self, body: bytes, headers: Mapping[str, str]) -> Mapping[str, Any]:
        """The event in an inbound webhook. Raises SignatureRefused."""
