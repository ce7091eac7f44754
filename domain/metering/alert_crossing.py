"""Which thresholds of an alert a figure has crossed since the last look: pure. Source: handbook, metering 19.3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from domain.kernel.money import ONE, ZERO

__all__ = ["MOST_STEPS", "AlertThreshold", "crossed"]

MOST_STEPS = 100
"""Of steps crossed at once so many are told, the last ones."""


@dataclass(frozen=True, slots=True)
class AlertThreshold:
    """recurring: a step beyond the last of the others, in the alert's direction."""

    value: Decimal
    code: str | None = None
    recurring: bool = False


def crossed(
    thresholds: Sequence[AlertThreshold], previous: Decimal, current: Decimal, *, decreasing: bool = False
) -> list[AlertThreshold]:
    """The thresholds between the figure of the last look and the current one, in the order they were crossed.

    A threshold is crossed when the figure reaches it. Each crossed step of a recurring threshold stands for itself,
    with the value that was crossed and the recurring threshold's code.
    """
    if decreasing:
        # Downwards is upwards of the negated figures; steps are positive either way.
        mirrored = [_with_value(each, each.value if each.recurring else -each.value) for each in thresholds]
        return [_with_value(each, -each.value) for each in crossed(mirrored, -previous, -current)]
    if current <= previous:
        return []
    fixed = sorted((each for each in thresholds if not each.recurring), key=lambda each: each.value)
    if fixed and current < fixed[0].value:
        return []
    found = [each for each in fixed if previous < each.value <= current]
    step = next((each for each in thresholds if each.recurring), None)
    if step is not None and step.value > 0:
        base = fixed[-1].value if fixed else ZERO
        first = max(((previous - base) / step.value).to_integral_value(ROUND_CEILING), ONE)
        if base + first * step.value <= previous:
            # The last look was exactly on a step, which was told then.
            first += 1
        last = ((current - base) / step.value).to_integral_value(ROUND_FLOOR)
        first = max(first, last - MOST_STEPS + 1)
        while first <= last:
            found.append(AlertThreshold(base + first * step.value, step.code, recurring=True))
            first += 1
    return found


def _with_value(threshold: AlertThreshold, value: Decimal) -> AlertThreshold:
    return AlertThreshold(value, threshold.code, threshold.recurring)
