"""Whether an invoice carries a base fee at all. Pure. Source: subscriptions handbook, section 4.2."""

from __future__ import annotations

from datetime import UTC, date, datetime

from domain.billing.facts import Past, SubscriptionFacts
from domain.subscriptions.calendar import SPLIT_INTERVALS, is_opening_month, period_of
from domain.subscriptions.instants import local_date
from domain.subscriptions.trial import in_trial, trial_ends_at

__all__ = ["is_base_fee_due", "opens_period", "trial_end"]


def is_base_fee_due(
    subscription: SubscriptionFacts, past: Past, at: datetime, *, issuing_date: date, invoice_created_at: datetime
) -> bool:
    """All rules must hold; `issuing_date`: the local one of the invoice."""
    terms = subscription.terms
    last = past.last_base_fee_at
    if terms.pay_in_advance and last is not None and local_date(last, terms.zone) == issuing_date:
        return False
    if not opens_period(subscription, past, at):
        return False
    if _still_in_trial(subscription, at):
        return False
    if subscription.status in ("active", "incomplete"):
        return True
    if terms.terminated_at is None:
        return False
    return not terms.pay_in_advance or terms.terminated_at > invoice_created_at


def trial_end(subscription: SubscriptionFacts) -> datetime | None:
    """The instant the trial ends or ended; None for a plan without one."""
    start = subscription.first_started_at or subscription.terms.subscription_at
    return trial_ends_at(start, subscription.trial_period)


def opens_period(subscription: SubscriptionFacts, past: Past, at: datetime) -> bool:
    """Yearly and semiannual plans may be billed monthly for their usage: what comes once a period comes now."""
    terms = subscription.terms
    if terms.interval not in SPLIT_INTERVALS:
        return True
    today = local_date(at, terms.zone)
    opening = is_opening_month(terms.schedule, today)
    if not terms.pay_in_advance:
        return opening or subscription.status == "terminated"
    if terms.started_at.astimezone(UTC).date() < subscription.created_at.astimezone(UTC).date():
        first = period_of(terms.schedule, local_date(terms.started_at, terms.zone))
        return opening and today not in first
    return opening or past.last_base_fee_at is None


def _still_in_trial(subscription: SubscriptionFacts, at: datetime) -> bool:
    """In trial, unless it ends on the local day of the bill."""
    start = subscription.first_started_at or subscription.terms.subscription_at
    if not in_trial(start, subscription.trial_period, subscription.trial_ended_at, at):
        return False
    end, zone = trial_end(subscription), subscription.terms.zone
    return end is not None and local_date(end, zone) != local_date(at, zone)
