"""How many units of a fixed charge a window holds: pure. Source: handbook, subscriptions 4.5 and pricing 10.2, 10.3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from domain.kernel.money import ZERO, round_half_up
from domain.subscriptions.instants import local_date

__all__ = ["Units", "UnitsEvent", "units_in"]

WEIGHT_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class UnitsEvent:
    """From `at` on a subscription has so many units."""

    at: datetime
    units: Decimal


@dataclass(frozen=True, slots=True)
class Units:
    """full: the last units known. prorated: weighed by the days they were held; equal to full if not asked for."""

    full: Decimal
    prorated: Decimal


def units_in(
    events: Sequence[UnitsEvent], start: datetime, end: datetime, *, duration: int, zone: ZoneInfo, prorated: bool
) -> Units:
    """The units of a window, both ends included. events: of one fixed charge, in the order they were made.

    What counts are the events of the window and the last one made for a time before it. duration: days of the whole
    period. Prorated, each counts from its local day (or the window's first) to the day before the next one, the last
    one to the window's last day; an event that a later made one precedes in time is void.
    """
    before = [event for event in events if event.at < start][-1:]
    relevant = before + [event for event in events if start <= event.at < end]
    if not relevant:
        return Units(ZERO, ZERO)
    full = relevant[-1].units
    if not prorated:
        return Units(full, full)
    valid = [
        event
        for number, event in enumerate(relevant)
        if not any(later.at < event.at for later in relevant[number + 1 :])
    ]
    first = local_date(start, zone)
    days = [max(local_date(event.at, zone), first) for event in valid]
    days.append(local_date(end, zone) + timedelta(days=1))
    total = ZERO
    for event, day, following in zip(valid, days, days[1:], strict=False):
        weighed = event.units * Decimal((following - day).days) / duration
        total += max(round_half_up(weighed, WEIGHT_DECIMALS), ZERO)
    return Units(full, total)
