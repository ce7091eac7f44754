"""The base fee: what of the plan's amount is due for a window (subscriptions handbook, sections 2.5 and 4.3).

The first case that matches decides; days are those of calendar and instants, the divisor is always the whole period.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum

from domain.kernel.money import ZERO, round_cents
from domain.subscriptions.calendar import BillingTime, day_in_previous_period, period_length, period_of
from domain.subscriptions.instants import days_between, local_date
from domain.subscriptions.terms import SubscriptionTerms, Successor
from domain.subscriptions.windows import Windows, ends_inside_period


class Reason(StrEnum):
    TERMINATION = "termination"
    AFTER_UPGRADE = "after_upgrade"
    FULL_PERIOD = "full_period"
    FIRST_PERIOD = "first_period"


@dataclass(frozen=True, slots=True)
class History:
    """What the row's past says about its next base fee.

    created_at: of the row. has_predecessor, predecessor_upgraded: the subscription this one replaced, if any, and
    whether by an upgrade. invoices_count: invoices of the row that are not deleted, the one being built included.
    has_earlier_base_fee: a base fee of the row exists from before this invoice. trial_end: the instant, None without
    a trial.
    """

    created_at: datetime
    has_predecessor: bool = False
    predecessor_upgraded: bool = False
    invoices_count: int = 0
    has_earlier_base_fee: bool = False
    trial_end: datetime | None = None


@dataclass(frozen=True, slots=True)
class BaseFee:
    """amount: cents, unrounded (the fee's precise_amount_cents). days: billed, of `length` days of the period."""

    amount: Decimal
    reason: Reason
    days: int
    length: int

    @property
    def amount_cents(self) -> int:
        return round_cents(self.amount)


def base_fee(
    terms: SubscriptionTerms, window: Windows, at: datetime, plan_amount_cents: int, history: History
) -> BaseFee:
    """The fee for the base window of a bill made at `at`. Whether a base fee is due at all is the caller's question.

    A trial that covers the window makes it 0; one that ends inside makes the days count from its end.
    """
    reason = _reason(terms, at, history)
    start, end = window.from_datetime, window.to_datetime
    length = window.duration
    if reason is Reason.TERMINATION:
        length = period_length(terms.schedule, local_date(start, terms.zone))

    trial_end = history.trial_end
    if trial_end is not None and trial_end >= end:
        return BaseFee(ZERO, reason, 0, length)
    trial_inside = trial_end is not None and start < trial_end < end
    if reason is Reason.FULL_PERIOD and not trial_inside:
        return BaseFee(Decimal(plan_amount_cents), reason, length, length)
    if trial_inside and trial_end is not None:
        start = trial_end
        length = period_length(terms.schedule, local_date(start, terms.zone))

    replaced = terms.successor == Successor.UPGRADE or ends_inside_period(terms, at)
    days = billed_days(start, end, terms, upgraded=reason is Reason.TERMINATION and replaced)
    return BaseFee(plan_amount_cents * Decimal(days) / length, reason, days, length)


def billed_days(start: datetime, end: datetime, terms: SubscriptionTerms, *, upgraded: bool = False) -> int:
    """Local days touched; the day of an upgrade belongs to the new plan, so there is one less."""
    days = days_between(start, end, terms.zone)
    return max(days - 1, 0) if upgraded else days


def day_price(plan_amount_cents: int, terms: SubscriptionTerms, day: date) -> Decimal:
    """The plan's amount by day of the whole period that contains the day, unrounded."""
    return Decimal(plan_amount_cents) / period_length(terms.schedule, day)


def _reason(terms: SubscriptionTerms, at: datetime, history: History) -> Reason:
    replaced_at_period_end = terms.successor == Successor.DOWNGRADE and not ends_inside_period(terms, at)
    if terms.is_terminated_at(at) and not terms.pay_in_advance and not replaced_at_period_end:
        return Reason.TERMINATION
    if history.predecessor_upgraded and history.invoices_count <= 1:
        return Reason.AFTER_UPGRADE
    if history.has_earlier_base_fee:
        return Reason.FULL_PERIOD
    anniversary = terms.billing_time == BillingTime.ANNIVERSARY
    if terms.pay_in_advance and anniversary and not history.has_predecessor:
        return Reason.FULL_PERIOD
    backdated = terms.started_at.astimezone(UTC).date() < history.created_at.astimezone(UTC).date()
    if backdated and (terms.pay_in_advance or _started_before_previous_period(terms, at)):
        return Reason.FULL_PERIOD
    return Reason.FIRST_PERIOD


def _started_before_previous_period(terms: SubscriptionTerms, at: datetime) -> bool:
    schedule = terms.schedule
    previous = period_of(schedule, day_in_previous_period(schedule, local_date(at, terms.zone)))
    return local_date(terms.started_at, terms.zone) < previous.start
