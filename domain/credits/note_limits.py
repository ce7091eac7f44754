"""What may be asked of a credit note: pure checks of its parts. Source: handbook, credits 3.2 and 3.3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from domain.credits.note_amounts import Creditable, CreditableFee, NoteAmounts, Split, split_total
from domain.kernel.money import ZERO, round_cents

__all__ = ["TOLERANCE", "Available", "Billed", "Earlier", "available", "settled_split", "wrong_parts"]

TOLERANCE = 1
"""Cents by which an amount asked for may differ from what its items come to."""

UNPAID = "cannot_refund_unpaid_invoice"
TOO_MUCH = "higher_than_remaining_invoice_amount"


@dataclass(frozen=True, slots=True)
class Earlier:
    """What the finalized notes of an invoice come to, in cents."""

    credit: int = 0
    refund: int = 0
    offset: int = 0

    @property
    def total(self) -> int:
        return self.credit + self.refund + self.offset


@dataclass(frozen=True, slots=True)
class Billed:
    """What is owed and paid of an invoice, in cents. is_credit: sells prepaid credits. is_voided: nothing is owed."""

    total_cents: int
    paid_cents: int
    succeeded: bool
    is_credit: bool = False
    is_draft: bool = False
    is_voided: bool = False
    earlier: Earlier = Earlier()

    @property
    def due_cents(self) -> int:
        if self.is_voided:
            return 0
        return max(self.total_cents - self.paid_cents - self.earlier.offset, 0)

    @property
    def refundable_cents(self) -> int:
        """What was paid and not paid back."""
        return max(self.paid_cents - self.earlier.refund, 0)

    @property
    def paid_without_success(self) -> bool:
        """Paid in full while the payment has not succeeded: the money is not there yet."""
        return not self.succeeded and self.paid_cents == self.total_cents


@dataclass(frozen=True, slots=True)
class Available:
    """What an invoice shows as creditable, refundable and offsettable, in cents.

    left: what notes have not taken back yet, also of an invoice for prepaid credits, which can only be refunded.
    """

    creditable: int = 0
    refundable: int = 0
    offsettable: int = 0
    left: int = 0


def wrong_parts(invoice: Creditable, billed: Billed, found: NoteAmounts, asked: Split) -> dict[str, list[str]]:
    """Every part that can't be given, each with its codes."""
    errors: dict[str, list[str]] = {}

    def wrong(field: str, code: str) -> None:
        codes = errors.setdefault(field, [])
        if code not in codes:
            codes.append(code)

    earlier, most = billed.earlier, _gross(invoice.fees)
    if asked.refund > 0 and (billed.paid_without_success or billed.paid_cents <= 0):
        wrong("refund_amount_cents", UNPAID)
    if min(abs(asked.total - each) for each in (round_cents(found.gross), found.total_cents)) > TOLERANCE:
        wrong("base", "does_not_match_item_amounts")
    if asked.refund > billed.refundable_cents:
        wrong("refund_amount_cents", TOO_MUCH)
    if asked.credit > 0 and billed.is_credit:
        wrong("credit_amount_cents", "cannot_credit_invoice")
    open_cents = most - earlier.credit - earlier.offset
    if asked.credit > open_cents + TOLERANCE:
        wrong("credit_amount_cents", TOO_MUCH)
    if asked.offset > 0 and billed.is_credit:
        if billed.paid_cents > 0:
            wrong("offset_amount_cents", "cannot_apply_to_paid_invoice")
        if asked.offset != billed.total_cents:
            wrong("offset_amount_cents", "not_equal_to_total_amount")
    if asked.offset > min(billed.due_cents, open_cents):
        wrong("offset_amount_cents", TOO_MUCH)
    if asked.total > most - earlier.total + TOLERANCE:
        wrong("base", TOO_MUCH)
    if asked.total <= 0:
        wrong("base", "total_amount_must_be_positive")
    return errors


def settled_split(billed: Billed, asked: Split, total_cents: int) -> Split:
    """What was asked for, made to sum to the note's total; the cent of rounding never refunds more than was paid nor
    offsets more than is due, it is credited then."""
    split = split_total(asked, total_cents)
    if billed.is_credit:
        return split
    refund = min(split.refund, billed.refundable_cents)
    offset = min(split.offset, billed.due_cents)
    return Split(split.credit + split.refund - refund + split.offset - offset, refund, offset)


def available(invoice: Creditable, billed: Billed, coupons_cents: int, fees_amount_cents: int) -> Available:
    """What the invoice shows; spread pro rata, so a note itself may come to a cent more or less.

    coupons_cents: coupons and progressive credits of the whole invoice.
    """
    left = sum(fee.left for fee in invoice.fees)
    if billed.is_draft:
        return Available()
    if billed.is_credit:
        offset = billed.total_cents if billed.due_cents == billed.total_cents else 0
        refund = 0 if billed.paid_without_success else min(left, billed.refundable_cents)
        return Available(0, refund, offset, left)
    if left == 0 or fees_amount_cents == 0:
        return Available()
    adjustment = Decimal(coupons_cents) * left / fees_amount_cents
    vat = ZERO
    for fee in invoice.fees:
        vat += (fee.left - adjustment * fee.left / left) * fee.taxes_rate / 100
    creditable = round_cents(left - adjustment + round_cents(vat))
    refundable = 0 if billed.paid_without_success else min(billed.refundable_cents, creditable)
    return Available(creditable, max(refundable, 0), max(min(billed.due_cents, creditable), 0), creditable)


def _gross(fees: Sequence[CreditableFee]) -> int:
    """The fees with their taxes, before coupons."""
    taxes = sum(((fee.amount_cents * fee.taxes_rate).scaleb(-2) for fee in fees), ZERO)
    return sum(fee.amount_cents for fee in fees) + round_cents(taxes)
