"""Reading what wallets, their rules and their movements share. Source: handbook, credits 4.3, 4.4 and 5.4."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.credits.wallets.amounts import of_credits
from domain.customers.payment_reference import CUSTOMERS_WAY, PaymentReference, reference_of
from domain.kernel.money import ZERO
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Reader, storable

__all__ = [
    "MOST_OF_TRANSACTION", "MOST_OF_WALLET", "PaymentTerms", "Worth", "method_of", "payment_methods", "read_credits",
    "read_name", "read_payment_terms", "read_priority", "read_transaction_metadata", "terms_of",
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
    """How an invoice of credits is to be paid, and the purchase order number that it shows."""

    method: PaymentReference = CUSTOMERS_WAY
    purchase_order_number: str | None = None

    def columns(self) -> dict[str, Any]:
        return {**self.method.columns(), "purchase_order_number": self.purchase_order_number}


def terms_of(row: Any) -> PaymentTerms:
    """The terms of a stored wallet or rule."""
    return PaymentTerms(method_of(row), row.purchase_order_number)


def method_of(row: Any) -> PaymentReference:
    """The payment method of a stored wallet or rule."""
    return PaymentReference(row.payment_method_type, row.payment_method_id)


_METHODS: Final = sa.text("SELECT id FROM payment_methods WHERE customer_id = :customer_id AND deleted_at IS NULL")


async def payment_methods(work: UnitOfWork, customer_id: UUID) -> frozenset[UUID]:
    """The methods of payment that are kept for a customer."""
    return frozenset(await work.session.scalars(_METHODS, {"customer_id": customer_id}))


def read_payment_terms(read: Reader, methods: Collection[UUID], known: PaymentTerms | None = None) -> PaymentTerms:
    """`payment_method` and `purchase_order_number`; what is absent stays as known.

    methods: those of the customer, one of which may be named.
    """
    found = known or PaymentTerms()
    method: PaymentReference | None = found.method
    if "payment_method" in read:
        method = reference_of(read.params["payment_method"], methods)
        if method is None:
            read.add("payment_method", "invalid_payment_method")
    number = read.text("purchase_order_number") if "purchase_order_number" in read else found.purchase_order_number
    return PaymentTerms(method or found.method, number)
