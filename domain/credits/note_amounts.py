"""What a credit note amounts to: items, coupons, taxes, rounding. Pure. Source: handbook, credits 3.2 and 3.4.

An item takes a part of a fee back, and with it the same part of the coupons and taxes of that fee. The note that takes
all that is left of an invoice absorbs what rounding has given or kept before: the notes of a fully credited invoice
sum to it to the cent, and no sequence of notes ever exceeds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.kernel.money import ZERO, round_cents, round_half_up, truncate

__all__ = [
    "ITEM_DECIMALS", "Creditable", "CreditableFee", "FeeTax", "Item", "NoteAmounts", "NoteTax", "Split", "note_amounts",
    "scaled_items", "split_total", "whole_items",
]  # fmt: skip

ITEM_DECIMALS = 5
RATE_DECIMALS = 5


@dataclass(frozen=True, slots=True)
class FeeTax:
    """A tax as it was put on a fee. rate: percent. id: of the tax; None once that is deleted."""

    code: str
    name: str
    rate: Decimal
    description: str | None = None
    id: Any = None


@dataclass(frozen=True, slots=True)
class CreditableFee:
    """A fee of an invoice. Cents throughout.

    coupons: what coupons and progressive credits took off it. credited: what notes took back of it so far, voided ones
    included. ceiling: what a wallet still has of a top-up, None for other fees.
    """

    id: Any
    amount_cents: int
    coupons: Decimal = ZERO
    taxes: tuple[FeeTax, ...] = ()
    credited: int = 0
    ceiling: int | None = None

    @property
    def left(self) -> int:
        """What notes may still take back of it."""
        left = max(self.amount_cents - self.credited, 0)
        return left if self.ceiling is None else min(left, self.ceiling)

    @property
    def taxes_rate(self) -> Decimal:
        return sum((tax.rate for tax in self.taxes), ZERO)


@dataclass(frozen=True, slots=True)
class Creditable:
    """An invoice as notes see it. Cents throughout.

    sub_total_cents: after coupons, before taxes. noted_*: of all its notes so far, drafts and voided ones included;
    rounded_up: by how much the rounded taxes of these exceed their precise ones.
    """

    fees: tuple[CreditableFee, ...]
    sub_total_cents: int
    taxes_cents: int
    noted_sub_total_cents: int = 0
    noted_taxes_cents: int = 0
    rounded_up: Decimal = ZERO

    @property
    def left_sub_total(self) -> int:
        return max(self.sub_total_cents - self.noted_sub_total_cents, 0)

    @property
    def left_taxes(self) -> int:
        return max(self.taxes_cents - self.noted_taxes_cents, 0)

    @property
    def left(self) -> int:
        """What notes may still take back in all: gross, after coupons."""
        return self.left_sub_total + self.left_taxes


@dataclass(frozen=True, slots=True)
class Item:
    """precise: cents with at most 5 decimals."""

    fee: CreditableFee
    precise: Decimal

    @property
    def amount_cents(self) -> int:
        return round_cents(self.precise)

    @property
    def coupons(self) -> Decimal:
        fee = self.fee
        return fee.coupons * self.precise / fee.amount_cents if fee.amount_cents else ZERO


@dataclass(frozen=True, slots=True)
class NoteTax:
    """A tax line of a note: base and amount are rounded by themselves."""

    tax: FeeTax
    base_cents: int
    amount_cents: int


@dataclass(frozen=True, slots=True)
class NoteAmounts:
    """sub_total_cents: items less coupons, rounded. gross: items less coupons plus taxes, never rounded.

    last: takes all that is left of the invoice.
    """

    items: tuple[Item, ...]
    taxes: tuple[NoteTax, ...]
    precise_coupons: Decimal
    precise_taxes: Decimal
    taxes_rate: Decimal
    sub_total_cents: int
    taxes_cents: int
    gross: Decimal
    last: bool

    @property
    def coupons_cents(self) -> int:
        return round_cents(self.precise_coupons)

    @property
    def total_cents(self) -> int:
        return self.sub_total_cents + self.taxes_cents


@dataclass(frozen=True, slots=True)
class Split:
    """Where a note's total goes: credit for later, money back, or off what is due on the same invoice. Cents."""

    credit: int = 0
    refund: int = 0
    offset: int = 0

    @property
    def total(self) -> int:
        return self.credit + self.refund + self.offset


def note_amounts(invoice: Creditable, items: Sequence[Item]) -> NoteAmounts:
    """What a note of these items amounts to.

    Sub-total and taxes are each rounded once on the unrounded sum and stay within what the invoice's notes have left
    of them; the note that takes everything takes exactly that.
    """
    coupons = sum((item.coupons for item in items), ZERO)
    net = sum((item.precise for item in items), ZERO) - coupons
    bases: dict[str, Decimal] = {}
    taxes: dict[str, FeeTax] = {}
    for item in items:
        for tax in item.fee.taxes:
            taxes.setdefault(tax.code, tax)
            bases[tax.code] = bases.get(tax.code, ZERO) + item.precise - item.coupons
    amounts = {code: (base * taxes[code].rate).scaleb(-2) for code, base in bases.items()}
    precise_taxes = sum(amounts.values(), ZERO)
    rate = sum((taxes[code].rate * base / net for code, base in bases.items()), ZERO) if net > 0 else ZERO
    last = _takes_all(invoice, items)
    if last:
        precise_taxes -= invoice.rounded_up
    return NoteAmounts(
        items=tuple(items),
        taxes=tuple(
            NoteTax(taxes[code], round_cents(base), round_cents(amounts[code])) for code, base in bases.items()
        ),
        precise_coupons=coupons,
        precise_taxes=precise_taxes,
        taxes_rate=round_half_up(rate, RATE_DECIMALS),
        sub_total_cents=invoice.left_sub_total if last else min(round_cents(net), invoice.left_sub_total),
        taxes_cents=invoice.left_taxes if last else min(round_cents(precise_taxes), invoice.left_taxes),
        gross=net + precise_taxes,
        last=last,
    )


def _takes_all(invoice: Creditable, items: Sequence[Item]) -> bool:
    taken: dict[Any, int] = {}
    for item in items:
        taken[item.fee.id] = taken.get(item.fee.id, 0) + item.amount_cents
    return bool(items) and all(fee.credited + taken.get(fee.id, 0) >= fee.amount_cents for fee in invoice.fees)


def split_total(asked: Split, total_cents: int) -> Split:
    """What was asked for, made to sum to the note's total: the cent by which it may differ goes to the credit, else to
    the refund, else to the offset."""
    cents = total_cents - asked.total
    if asked.credit > 0:
        return Split(max(asked.credit + cents, 0), asked.refund, asked.offset)
    if asked.refund > 0:
        return Split(0, max(asked.refund + cents, 0), asked.offset)
    return Split(0, 0, max(asked.offset + cents, 0))


def whole_items(invoice: Creditable) -> list[Item]:
    """All that is left of every fee."""
    return [Item(fee, Decimal(fee.left)) for fee in invoice.fees if fee.left > 0]


def scaled_items(invoice: Creditable, total_cents: int) -> list[Item]:
    """Every fee in the same part, so that the note comes to `total_cents`, coupons and taxes included; what is left of
    each at most. 5 decimals, cut off."""
    items = whole_items(invoice)
    gross = sum((_gross(item) for item in items), ZERO)
    if total_cents >= invoice.left or gross <= 0:
        return items
    part = min(Decimal(total_cents) / gross, Decimal(1))
    return [Item(item.fee, truncate(item.precise * part, ITEM_DECIMALS)) for item in items]


def _gross(item: Item) -> Decimal:
    net = item.precise - item.coupons
    return net + (net * item.fee.taxes_rate).scaleb(-2)
