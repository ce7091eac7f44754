"""What of a base fee paid in advance was not used when its subscription ended. Pure. Source: handbook, credits 3.7.

Days are UTC dates of the ends of the customer's local days, as the reference counts them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from domain.credits.note_amounts import Split
from domain.kernel.money import ZERO, round_cents
from domain.subscriptions.calendar import period_length, period_of
from domain.subscriptions.instants import end_of_day, local_date
from domain.subscriptions.terms import SubscriptionTerms

__all__ = ["Ending", "refunded_part", "split_by_mode", "unused_amount", "used_amount"]


@dataclass(frozen=True, slots=True)
class Ending:
    """A subscription paid in advance at its end.

    plan_amount_cents: what the fee was reckoned from. trial_end: the instant, None without a trial. upgraded: the day
    of the upgrade belongs to the new plan.
    """

    terms: SubscriptionTerms
    terminated_at: datetime
    plan_amount_cents: int
    fee_amount_cents: int
    trial_end: datetime | None = None
    upgraded: bool = False

    @property
    def _day(self) -> date:
        return local_date(self.terminated_at, self.terms.zone)

    @property
    def _last_day(self) -> date:
        """The UTC date of the end of the period's last local day."""
        return self._utc_date(period_of(self.terms.schedule, self._day).end)

    @property
    def _day_price(self) -> Decimal:
        return Decimal(self.plan_amount_cents) / period_length(self.terms.schedule, self._day)

    def _utc_date(self, day: date) -> date:
        return end_of_day(day, self.terms.zone).astimezone(UTC).date()

    @property
    def unused_days(self) -> int:
        last = self._last_day
        billed_to = self._utc_date(self._day)
        if self.upgraded:
            billed_to -= timedelta(days=1)
        trial_end = self.trial_end.astimezone(UTC).date() if self.trial_end else None
        if trial_end is not None and trial_end >= billed_to:
            billed_to = last if trial_end > last else trial_end - timedelta(days=1)
        return max((last - billed_to).days, 0)

    @property
    def used_days(self) -> int:
        period = period_of(self.terms.schedule, self._day)
        start = max(period.start, local_date(self.terms.started_at, self.terms.zone))
        if self.trial_end is not None:
            start = max(start, local_date(self.trial_end, self.terms.zone))
        end = min(self._utc_date(self._day), self._last_day)
        return max((end - start).days + 1, 0)


def unused_amount(ending: Ending) -> Decimal:
    """The days after the end, in cents, before coupons and taxes; at most the fee. Not rounded."""
    return min(ending._day_price * ending.unused_days, Decimal(ending.fee_amount_cents))


def used_amount(ending: Ending) -> Decimal:
    """The days up to the end, in cents, before coupons and taxes; at most the fee. Not rounded."""
    return min(ending._day_price * ending.used_days, Decimal(ending.fee_amount_cents))


def refunded_part(total_cents: int, used_gross: Decimal, fee_gross: Decimal, invoice_gross: int, paid: int) -> int:
    """What was paid for the fee beyond what was used of it, in cents; at most the note's total.

    used_gross, fee_gross: after coupons, with taxes. The fee's part of a payment is its part of the invoice.
    """
    if invoice_gross <= 0 or paid <= 0:
        return 0
    beyond = fee_gross / invoice_gross * paid - round_cents(used_gross)
    return round_cents(min(max(beyond, ZERO), Decimal(total_cents)))


def split_by_mode(mode: str, total_cents: int, refunded: int, due_cents: int) -> Split:
    """mode: credit, refund or offset. What offsetting finds no debt for is credited for later."""
    if mode == "refund":
        return Split(credit=total_cents - refunded, refund=refunded)
    if mode == "offset":
        offset = min(total_cents - refunded, max(due_cents, 0))
        return Split(credit=total_cents - refunded - offset, refund=refunded, offset=offset)
    return Split(credit=total_cents)
