"""Who is reminded when, and when the count begins anew. Source: handbook, credits 11. Pure.

All balances are cents by currency.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

__all__ = ["Campaign", "Reminders", "any_reached", "due_currencies", "finished"]


@dataclass(frozen=True, slots=True)
class Campaign:
    """How often and from which overdue balance on. Without a threshold for a currency nobody is reminded of it."""

    days_between_attempts: int
    max_attempts: int
    thresholds: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Reminders:
    """How often a customer was reminded, by currency, and when last."""

    attempts: Mapping[str, int] = field(default_factory=dict)
    last_at: datetime | None = None

    def after_attempt(self, currencies: Collection[str], now: datetime) -> Reminders:
        """One more for each of these currencies."""
        counted = {currency: self.attempts.get(currency, 0) + 1 for currency in currencies}
        return Reminders({**self.attempts, **counted}, now)

    def after_payment(self, currencies: Collection[str]) -> Reminders:
        """What was reminded of is paid: these currencies begin anew; with none left there was no last time either."""
        left = {currency: count for currency, count in self.attempts.items() if currency not in currencies and count}
        return Reminders(left, self.last_at if left else None)


def due_currencies(campaign: Campaign, reminders: Reminders, overdue: Mapping[str, int], now: datetime) -> list[str]:
    """The currencies a customer is to be reminded of now, in order of their names.

    The days between two attempts must be over, strictly; the balance must reach the threshold of its currency, and
    attempts must be left.
    """
    pause = timedelta(days=campaign.days_between_attempts)
    if reminders.last_at is not None and reminders.last_at + pause >= now:
        return []
    return sorted(
        currency
        for currency, balance in overdue.items()
        if currency in campaign.thresholds
        and balance >= campaign.thresholds[currency]
        and reminders.attempts.get(currency, 0) < campaign.max_attempts
    )


def finished(campaign: Campaign, reminders: Reminders) -> bool:
    """Whether every currency that the customer was reminded of has had all its attempts."""
    return bool(reminders.attempts) and all(count >= campaign.max_attempts for count in reminders.attempts.values())


def any_reached(thresholds: Mapping[str, int], overdue: Mapping[str, int]) -> bool:
    """Whether an overdue balance reaches the threshold of its currency."""
    return any(currency in thresholds and balance >= thresholds[currency] for currency, balance in overdue.items())
