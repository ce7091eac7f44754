"""Which usage thresholds a subscription has passed, and how far it is from the next: pure.

Amounts are cents of lifetime usage. Source: handbook, metering 16 and 18.2; subscriptions 8.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

__all__ = ["Completion", "Threshold", "completions", "passed", "passed_amount"]


@dataclass(frozen=True, slots=True)
class Threshold:
    """amount_cents: of lifetime usage; of usage since the last time, beyond the largest fixed one, when recurring."""

    id: Hashable
    amount_cents: int
    recurring: bool = False


@dataclass(frozen=True, slots=True)
class Completion:
    """How much of the way to an amount was used: 1 when it is reached."""

    amount_cents: int
    ratio: Fraction
    reached_at: datetime | None


def passed(thresholds: Sequence[Threshold], *, invoiced_cents: int, current_cents: int) -> list[Threshold]:
    """The thresholds that `current_cents` more pass, the fixed ones by amount, then the recurring one, once.

    invoiced_cents: all that was billed of the chain, historical usage and progressive invoices of the running period
    included. current_cents: what was used beyond them; below zero nothing is passed.
    """
    if current_cents < 0:
        return []
    total = invoiced_cents + current_cents
    fixed = sorted((each for each in thresholds if not each.recurring), key=lambda each: each.amount_cents)
    recurring = next((each for each in thresholds if each.recurring), None)
    largest = fixed[-1].amount_cents if fixed else 0
    found: list[Threshold] = []
    if invoiced_cents < largest:
        found = [each for each in fixed if invoiced_cents < each.amount_cents <= total]
        if recurring is not None and total - largest >= recurring.amount_cents:
            found.append(recurring)
    elif recurring is not None and current_cents + invoiced_cents % recurring.amount_cents >= recurring.amount_cents:
        found.append(recurring)
    return found


def passed_amount(threshold: Threshold, lifetime_cents: int) -> int:
    """The amount of lifetime usage that was passed: of a recurring threshold its last full step."""
    if not threshold.recurring:
        return threshold.amount_cents
    return lifetime_cents - lifetime_cents % threshold.amount_cents


def completions(
    thresholds: Sequence[Threshold],
    *,
    lifetime_cents: int,
    now: datetime,
    reached: Mapping[int, datetime] | None = None,
    most: int = 100,
) -> list[Completion]:
    """The way through the thresholds, by amount. reached: when an amount was billed; what was not is reached `now`.

    Of a recurring threshold passed more than `most` times only the last ones are listed.
    """
    reached = reached or {}
    fixed = sorted({each.amount_cents for each in thresholds if not each.recurring})
    step = next((each.amount_cents for each in thresholds if each.recurring), None)
    done = [amount for amount in fixed if amount <= lifetime_cents]
    last = done[-1] if done else 0
    found = [Completion(amount, Fraction(1), reached.get(amount, now)) for amount in done]
    open_ = fixed[len(done) :]
    for place, amount in enumerate(open_):
        ratio = Fraction(lifetime_cents - last, amount - last) if place == 0 else Fraction(0)
        found.append(Completion(amount, ratio, None))
    if step is None:
        return found
    if open_:
        found.append(Completion(fixed[-1] + step, Fraction(0), None))
        return found
    times, rest = divmod(lifetime_cents - last, step)
    for time in range(max(times - most, 0) + 1, times + 1):
        amount = last + time * step
        found.append(Completion(amount, Fraction(1), reached.get(amount, now)))
    found.append(Completion(last + (times + 1) * step, Fraction(rest, step), None))
    return found
