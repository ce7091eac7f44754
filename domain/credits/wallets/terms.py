"""Reading what wallets, their rules and their movements share. Source: handbook, credits 4.3, 4.4 and 5.4."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.credits.wallets.amounts import of_credits
from domain.kernel.ids import parse_id
from domain.kernel.money import ZERO
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Reader, storable

__all__ = [
    "MOST_OF_TRANSACTION", "MOST_OF_WALLET", "PaymentTerms", "Worth", "payment_methods", "read_credits", "read_name",
    "read_payment_terms", "read_priority", "read_transaction_metadata",
]  # fmt: skip

MOST_CREDITS: Final = Decimal(10) ** 25
MOST_CENTS: Final = 10**17
MOST_OF_WALLET: Final = 5
MOST_OF_TRANSACTION: Final = 15
LONGEST_KEY: Final = 20
LONGEST_VALUE: Final = 100
LEAST_PRIORITY: Final = 1
MOST_PRIORITY: Final = 50


@dataclass(frozen=True, slots=True)
class Worth:
    """What a wallet says about the money of its credits. least, most: of a purchase, in cents."""

    rate: Decimal
    currency: str
    least: int | None = None
    most: int | None = None

    def check(self, read: Reader, name: str, credits: Decimal, *, limited: bool) -> None:
        """Notes what is wrong with credits that are to be added: money of nothing, of absurd size, out of bounds."""
        if credits <= 0:
            return
        cents = of_credits(credits, self.rate, self.currency).cents
        if cents > MOST_CENTS:
            read.add(name, f"invalid_{name}")
            read.add(name, "invalid_amount")
        elif cents == 0:
            read.add(name, "amount_rounds_to_zero")
        elif limited and self.least is not None and cents < self.least:
            read.add(name, "amount_below_minimum")
        elif limited and self.most is not None and cents > self.most:
            read.add(name, "amount_above_maximum")


def read_credits(read: Reader, name: str) -> Decimal:
    """A number of credits, sent as a text; 0 when absent. Anything else notes `invalid_<name>` and `invalid_amount`."""
    value = read.params.get(name)
    if value is None:
        return ZERO
    number = decimal_of(value)
    if number is None:
        read.add(name, f"invalid_{name}")
        read.add(name, "invalid_amount")
        return ZERO
    return number


def decimal_of(value: object) -> Decimal | None:
    """A finite number from 0 up to below 10^25 that was sent as text; None for anything else."""
    if not isinstance(value, str) or not 0 < len(value.strip()) <= 100 or not value.isascii():
        return None
    try:
        number = Decimal(value.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and 0 <= number < MOST_CREDITS else None


def read_transaction_metadata(read: Reader, name: str, most: int) -> list[dict[str, str]]:
    """A list of {key, value}; [] when absent. Errors are noted under `metadata`, the first one found."""
    sent: Any = read.params.get(name)
    if sent is None:
        return []
    code = _wrong(sent, most)
    if code is not None:
        read.add("metadata", code)
        return []
    return [{"key": str(each["key"]), "value": str(each["value"])} for each in sent]


def _wrong(sent: Any, most: int) -> str | None:
    if not isinstance(sent, list):
        return "invalid_type"
    if len(sent) > most:
        return "too_many_keys"
    for each in sent:
        if not isinstance(each, Mapping) or set(each) != {"key", "value"}:
            return "invalid_key_value_pair"
        if any(isinstance(part, Mapping | list) for part in each.values()):
            return "nested_structure_not_allowed"
        key, value = each["key"], each["value"]
        if key in (None, "") or value in (None, "") or not storable(str(key)) or not storable(str(value)):
            return "invalid_key_value_pair"
        if len(str(key)) > LONGEST_KEY:
            return "key_too_long"
        if len(str(value)) > LONGEST_VALUE:
            return "value_too_long"
    return None


def read_name(read: Reader, name: str) -> str | None:
    """The name of a movement, which its invoice prints."""
    value = read.params.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not storable(value):
        read.add("name", "invalid_value")
        return None
    if len(value) > 255:
        read.add("name", "too_long")
        return None
    return value


def read_priority(read: Reader, name: str) -> int:
    """A priority from 1, the first, to 50, which is also what it is when absent."""
    if read.params.get(name) is None:
        return MOST_PRIORITY
    one = Reader({name: read.params[name]})
    value = one.integer(name, least=LEAST_PRIORITY, most=MOST_PRIORITY)
    if one.errors or value is None:
        read.add(name, "value_is_invalid")
        return MOST_PRIORITY
    return value


@dataclass(frozen=True, slots=True)
class PaymentTerms:
    """How an invoice of credits is to be paid, and what it shows."""

    payment_method_type: str = "provider"
    payment_method_id: UUID | None = None
    purchase_order_number: str | None = None
    skip_invoice_custom_sections: bool = False

    def columns(self) -> dict[str, Any]:
        return {
            "payment_method_type": self.payment_method_type,
            "payment_method_id": self.payment_method_id,
            "purchase_order_number": self.purchase_order_number,
            "skip_invoice_custom_sections": self.skip_invoice_custom_sections,
        }


_METHODS: Final = sa.text("SELECT id FROM payment_methods WHERE customer_id = :customer_id AND deleted_at IS NULL")


async def payment_methods(work: UnitOfWork, customer_id: UUID) -> frozenset[UUID]:
    """The methods of payment that are kept for a customer."""
    return frozenset(await work.session.scalars(_METHODS, {"customer_id": customer_id}))


def read_payment_terms(read: Reader, methods: Collection[UUID], known: PaymentTerms | None = None) -> PaymentTerms:
    """`payment_method`, `purchase_order_number` and `invoice_custom_section`; what is absent stays as known.

    methods: those of the customer, one of which may be named.
    """
    found = known or PaymentTerms()
    kind, method_id = found.payment_method_type, found.payment_method_id
    if "payment_method" in read:
        sent = read.params["payment_method"] or {}
        kind = sent.get("payment_method_type") or "provider" if isinstance(sent, Mapping) else "unknown"
        named = sent.get("payment_method_id") if isinstance(sent, Mapping) else None
        method_id = parse_id(named)
        if kind not in ("provider", "manual") or (named is not None and method_id not in methods):
            read.add("payment_method", "invalid_payment_method")
            kind, method_id = "provider", None
    number = read.text("purchase_order_number") if "purchase_order_number" in read else found.purchase_order_number
    skip = found.skip_invoice_custom_sections
    if read.params.get("invoice_custom_section") is not None:
        sent = read.params["invoice_custom_section"]
        one = Reader(sent, read.errors)
        skip = bool(one.boolean("skip_invoice_custom_sections", default=skip))
        if any(one.params.get(name) for name in ("invoice_custom_section_codes", "invoice_custom_section_ids")):
            read.add("invoice_custom_section", "unsupported_value")
    return PaymentTerms(kind, method_id, number, skip)
