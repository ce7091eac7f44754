"""Which payment method a client asks for on something that will be billed. Pure. Source: handbook, credits 9."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from domain.kernel.ids import parse_id

__all__ = ["CUSTOMERS_WAY", "PaymentReference", "reference_of"]


@dataclass(frozen=True, slots=True)
class PaymentReference:
    """kind: provider, by itself through the customer's default method or the one that is named; manual, by hand."""

    kind: str = "provider"
    method_id: UUID | None = None

    def columns(self) -> dict[str, Any]:
        return {"payment_method_type": self.kind, "payment_method_id": self.method_id}


CUSTOMERS_WAY: Final = PaymentReference()


def reference_of(sent: object, methods: Collection[UUID]) -> PaymentReference | None:
    """What `payment_method` {payment_method_type, payment_method_id} asks for; None when it can't be.

    Taken are: nothing, which is the customer's way; `provider` without id or with that of one of the customer's
    `methods`; `manual` without the id of one.
    """
    if sent is None or sent == {}:
        return CUSTOMERS_WAY
    if not isinstance(sent, Mapping):
        return None
    kind, named = sent.get("payment_method_type"), sent.get("payment_method_id")
    method_id = parse_id(named)
    known = method_id is not None and method_id in methods
    if kind == "manual" and not known:
        return PaymentReference("manual")
    if kind in (None, "provider") and (named is None or known):
        return PaymentReference("provider", method_id)
    return None
