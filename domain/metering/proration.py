"""How units weigh in a window: days held for prorated charges, seconds held for weighted sums. Pure.

Source: handbook, metering 8.6 and 10.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, Context, Decimal
from typing import Final

from domain.metering.usage import Proration, UsageQuestion
from domain.subscriptions.instants import days_between, local_date

__all__ = [
    "PRORATED_DECIMALS", "SECONDS_PER_DAY", "WEIGHTED_DECIMALS", "ceiling", "first_day", "last_day", "weighing_end",
    "window_days", "window_seconds",
]  # fmt: skip

SECONDS_PER_DAY: Final = 86_400
PRORATED_DECIMALS: Final = 5
WEIGHTED_DECIMALS: Final = 20
# Sums of many long values must not be cut before the ceiling.
_WIDE: Final = Context(prec=2_000, Emax=999_999, Emin=-999_999)


def ceiling(numerator: Decimal, divisor: int, decimals: int) -> Decimal:
    """numerator / divisor, rounded up to so many decimals, exactly."""
    unit = Decimal(1).scaleb(-decimals)
    whole, rest = _WIDE.divmod(_WIDE.multiply(numerator, Decimal(10) ** decimals), Decimal(divisor))
    # divmod cuts towards zero: only a positive rest is below the true value.
    return _WIDE.multiply(whole + 1 if rest > 0 else whole, unit).quantize(unit, ROUND_CEILING, _WIDE)


def window_days(question: UsageQuestion, proration: Proration) -> int:
    """The days that carried units weigh: those of the window, one less where an upgrade cut it."""
    return max(days_between(question.from_, question.to, proration.zone) - proration.upgraded, 0)


def first_day(question: UsageQuestion, proration: Proration) -> date:
    return local_date(question.from_, proration.zone)


def last_day(question: UsageQuestion, proration: Proration) -> date:
    return local_date(question.to, proration.zone)


def weighing_end(to: datetime) -> datetime:
    """The window's end for a weighted sum: rounded up to the second, so that full days have all of theirs."""
    return to if not to.microsecond else to.replace(microsecond=0) + timedelta(seconds=1)


def window_seconds(question: UsageQuestion) -> Decimal:
    """Seconds from the start of the window to its end, exact."""
    length = weighing_end(question.to) - question.start
    whole = length.days * SECONDS_PER_DAY + length.seconds
    return Decimal(whole) + Decimal(length.microseconds).scaleb(-6)
