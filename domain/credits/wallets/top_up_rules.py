"""When and by how much a rule tops a wallet up: pure. Source: handbook, credits 5.6 and 5.7."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from domain.kernel.money import ZERO

__all__ = ["Rule", "TopUp", "fires_on", "interval_top_up", "threshold_top_up"]

_MONTHS: Final = {"monthly": 1, "quarterly": 3, "semiannual": 6, "yearly": 12}


@dataclass(frozen=True, slots=True)
class Rule:
    """Amounts in credits. least, most: what a purchase may be, None for no bound or when the rule ignores them."""

    method: str
    paid: Decimal = ZERO
    granted: Decimal = ZERO
    threshold: Decimal = ZERO
    target: Decimal = ZERO
    grants_target: bool = False
    least: Decimal | None = None
    most: Decimal | None = None


@dataclass(frozen=True, slots=True)
class TopUp:
    """Credits to be bought and given."""

    paid: Decimal = ZERO
    granted: Decimal = ZERO

    def __bool__(self) -> bool:
        return self.paid > 0 or self.granted > 0


def threshold_top_up(rule: Rule, ongoing: Decimal, pending: Decimal) -> TopUp:
    """What a threshold rule adds now, nothing while the balance with what is on its way is above the threshold.

    ongoing: the ongoing balance; pending: the sum of movements that are not settled. In credits.
    """
    if ongoing > rule.threshold or ongoing + pending > rule.threshold:
        return TopUp()
    if rule.method == "target":
        return _to_target(rule, ongoing)
    if rule.paid <= 0:
        return TopUp(granted=rule.granted)
    gap = rule.threshold - ongoing - rule.granted - pending
    paid = rule.paid
    if gap >= rule.paid:
        paid *= (gap / rule.paid).to_integral_value(ROUND_FLOOR) + 1
        if rule.most is not None:
            paid = min(paid, rule.most)
    return TopUp(paid, rule.granted)


def interval_top_up(rule: Rule, ongoing: Decimal) -> TopUp:
    """What an interval rule adds on its day."""
    return _to_target(rule, ongoing) if rule.method == "target" else TopUp(rule.paid, rule.granted)


def _to_target(rule: Rule, ongoing: Decimal) -> TopUp:
    gap = max(rule.target - ongoing, ZERO)
    if rule.grants_target:
        return TopUp(granted=gap)
    return TopUp(paid=max(gap, rule.least) if gap > 0 and rule.least is not None else gap)


def fires_on(interval: str, anchor: date, today: date) -> bool:
    """Whether a day is an anniversary of the anchor; both local dates. The last day of a month also stands for
    anchors on later days."""
    if interval == "weekly":
        return anchor.weekday() == today.weekday()
    months = _MONTHS[interval]
    if (today.month - anchor.month) % months:
        return False
    last = monthrange(today.year, today.month)[1]
    return today.day == anchor.day or (today.day == last and anchor.day > last)
