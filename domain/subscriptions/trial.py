"""Free trials: from the first start of a subscription's external id, for so many days. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

__all__ = ["in_trial", "trial_ends_at"]


def trial_ends_at(first_start: datetime, trial_days: Decimal | None) -> datetime | None:
    """The instant a trial ends; None for a plan without one. Fractions of a day count to the second."""
    if not trial_days or trial_days <= 0:
        return None
    return first_start + timedelta(seconds=int(trial_days * 86_400))


def in_trial(first_start: datetime, trial_days: Decimal | None, ended_at: datetime | None, at: datetime) -> bool:
    """Whether the base fee is still free at that instant."""
    end = trial_ends_at(first_start, trial_days)
    return end is not None and ended_at is None and first_start <= at < end
