"""Whether another plan is an upgrade or a downgrade. Pure. Source: handbook, subscriptions-and-invoices 1.1."""

from __future__ import annotations

__all__ = ["is_upgrade", "yearly_amount"]

TIMES_A_YEAR = {"weekly": 52, "monthly": 12, "quarterly": 4, "semiannual": 2, "yearly": 1}


def yearly_amount(amount_cents: int, interval: str) -> int:
    """The base amount of a plan brought to a year, in cents; only for comparing plans."""
    return amount_cents * TIMES_A_YEAR[interval]


def is_upgrade(old: tuple[int, str], new: tuple[int, str]) -> bool:
    """Whether a plan (amount in cents, interval) is at least as dear by the year; equal amounts are an upgrade."""
    return yearly_amount(*new) >= yearly_amount(*old)
