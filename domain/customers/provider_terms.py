"""What a client says of a customer's payment provider. Source: handbook, credits 10.1 and 10.4. Pure.

REST says it in `billing_configuration`, GraphQL beside the other fields of the customer and in `provider_customer`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from domain.kernel.validation import INVALID, Params, Reader

__all__ = [
    "LONGEST_PROVIDER_ID",
    "PROVIDER_METHODS",
    "PROVIDER_TYPES",
    "SET_UP_NOWHERE",
    "ProviderTerms",
    "read_methods",
    "read_provider_terms",
]  # fmt: skip

PROVIDER_TYPES: Final = ("adyen", "cashfree", "flutterwave", "gocardless", "moneyhash", "stripe")
PROVIDER_METHODS: Final = (
    "bacs_debit", "boleto", "card", "crypto", "customer_balance", "link", "sepa_debit", "us_bank_account",
)  # fmt: skip
# Methods that a customer cannot leave with the provider beforehand.
SET_UP_NOWHERE: Final = ("crypto", "customer_balance")
ALONE: Final = "customer_balance cannot be combined with other payment methods"
LONGEST_PROVIDER_ID: Final = 255


@dataclass(frozen=True, slots=True)
class ProviderTerms:
    """What was said. `named`: whether a provider was; otherwise the customer's own is meant.

    sync: whether the provider is told of the customer. None, and `methods` None, for what was not said.
    """

    named: bool = False
    payment_provider: str | None = None
    payment_provider_code: str | None = None
    provider_customer_id: str | None = None
    sync: bool | None = None
    methods: tuple[str, ...] | None = None

    @property
    def columns(self) -> Mapping[str, str | None]:
        """The columns of the customer."""
        if not self.named:
            return {}
        return {"payment_provider": self.payment_provider, "payment_provider_code": self.payment_provider_code}

    @property
    def binding(self) -> bool:
        """Whether there must be such a provider: more is asked than to keep its name."""
        return self.provider_customer_id is not None or bool(self.sync)


def read_provider_terms(params: Params, read: Reader) -> ProviderTerms:
    """What params say; what is wrong is noted on `read`."""
    configuration = params.get("billing_configuration")
    if isinstance(configuration, Mapping) and not params.keys() & {"payment_provider", "provider_customer"}:
        outer, inner = Reader(configuration, read.errors), Reader(configuration, read.errors)
    else:
        outer, inner = Reader(params, read.errors), Reader(read.json_object("provider_customer"), read.errors)
    named = "payment_provider" in outer
    provider = outer.choice("payment_provider", PROVIDER_TYPES)
    code = outer.text("payment_provider_code")
    given = inner.text("provider_customer_id", longest=LONGEST_PROVIDER_ID)
    syncs = [inner.boolean(name) for name in ("sync_with_provider", "sync")]
    return ProviderTerms(
        named=named,
        payment_provider=provider,
        payment_provider_code=code if provider is not None else None,
        provider_customer_id=given,
        sync=None if syncs == [None, None] else any(syncs),
        methods=read_methods(inner) if provider == "stripe" or inner.params.get("provider_payment_methods") else None,
    )


def read_methods(read: Reader) -> tuple[str, ...] | None:
    """The methods a customer may pay with at Stripe, each once; None when none are named."""
    sent: Sequence[Any] | None = read.texts("provider_payment_methods", most=len(PROVIDER_METHODS) * 2)
    if sent is None:
        return None
    methods = tuple(dict.fromkeys(sent))
    if not methods or not set(methods) <= set(PROVIDER_METHODS) or ("link" in methods and "card" not in methods):
        read.add("provider_payment_methods", INVALID)
    elif "customer_balance" in methods and len(methods) > 1:
        read.add("provider_payment_methods", ALONE)
    return methods
