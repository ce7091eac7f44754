"""What one customer has left to lower its invoices with, while a run computes one after the other: pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

from domain.credits.coupon_life import AppliedTerms
from domain.credits.spend_notes import OpenNote
from domain.invoicing.calculation.state import Calculation, Coupon, CouponLimit, Credit, CreditKind, CreditNote

__all__ = ["Purse", "used_coupons"]


class Purse:
    """Offers an invoice what is left, and takes from it what the invoice took.

    coupons: the active ones, the first applied first. notes: the credit notes with a balance, the oldest first. A
    further kind of deduction is offered in `offer` and taken in `spend`.
    """

    def __init__(self, coupons: Iterable[AppliedTerms] = (), notes: Iterable[OpenNote] = ()) -> None:
        self.coupons = {each.id: each for each in coupons}
        self._left = dict(self.coupons)
        self._notes = {each.id: each for each in notes}

    def offer(self, invoice: Calculation) -> Calculation:
        """The invoice with all that it may take."""
        return replace(
            invoice,
            coupons=tuple(_coupon(each) for each in self._left.values() if not each.ended),
            credit_notes=tuple(
                CreditNote(each.id, each.balance_cents)
                for each in self._notes.values()
                if each.balance_cents > 0 and each.currency == invoice.currency
            ),
        )

    def spend(self, credits: Sequence[Credit]) -> None:
        """Takes what the invoice took, so that the next one finds less."""
        self._left |= used_coupons(self._left, credits)
        for credit in credits:
            if credit.kind is CreditKind.CREDIT_NOTE:
                assert isinstance(credit.source_id, UUID), "a credit note is named by its id"
                note = self._notes[credit.source_id]
                self._notes[note.id] = replace(note, balance_cents=note.balance_cents - credit.amount_cents)


def used_coupons(coupons: dict[UUID, AppliedTerms], credits: Iterable[Credit]) -> dict[UUID, AppliedTerms]:
    """What the credits of one invoice after the other make of the coupons they use, by id."""
    used: dict[UUID, AppliedTerms] = {}
    for credit in credits:
        if credit.kind is CreditKind.COUPON:
            assert isinstance(credit.source_id, UUID), "an applied coupon is named by its id"
            terms = used.get(credit.source_id) or coupons[credit.source_id]
            used[terms.id] = terms.after(credit.amount_cents)
    return used


def _coupon(terms: AppliedTerms) -> Coupon:
    limit = CouponLimit.NONE
    if terms.limited_to_metrics:
        limit = CouponLimit.METRICS
    elif terms.limited_to_plans:
        limit = CouponLimit.PLANS
    return Coupon(
        terms.id,
        available_cents=terms.amount_cents,
        rate=terms.rate,
        currency=terms.currency,
        limit=limit,
        target_ids=terms.target_ids,
    )
