"""Local days as instants, and instants as local days: the only place where time zones are reckoned with.

A local day runs from its first instant to one microsecond before the first instant of the next day, so days tile time
without gap or overlap in every zone: also where clocks skip midnight, pass it twice, or skip a whole date.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from domain.subscriptions.calendar import ONE_DAY

_MICROSECOND: Final = timedelta(microseconds=1)
_SECOND: Final = timedelta(seconds=1)
_CACHED_DAYS: Final = 65_536


@lru_cache(maxsize=_CACHED_DAYS)
def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of the local date, in UTC. A date that the zone skipped starts with the next one."""
    midnight = datetime.combine(day, time.min, zone)
    instant = midnight.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return instant
    # Midnight was skipped. Read with the offset after the gap it lies before the change, with the one before it after.
    before, after = midnight.replace(fold=1).astimezone(UTC), instant
    while after - before > _MICROSECOND:
        middle = before + (after - before) / 2
        if middle.astimezone(zone).date() < day:
            before = middle
        else:
            after = middle
    return after


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The last microsecond of the local date, in UTC."""
    return start_of_day(day + ONE_DAY, zone) - _MICROSECOND


def local_date(instant: datetime, zone: ZoneInfo) -> date:
    return instant.astimezone(zone).date()


def rounded_to_second(instant: datetime) -> datetime:
    """Half a second and more rounds up."""
    return (instant + timedelta(milliseconds=500)).replace(microsecond=0)


def days_between(start: datetime, end: datetime, zone: ZoneInfo) -> int:
    """Every local day touched from `start` to `end`, both instants included (handbook, section 2.4).

    The wall clocks' difference in days, rounded up, so daylight saving neither adds nor removes a day. An end at local
    midnight counts the day it begins. 0 when the end is not after the start.
    """
    local_start, local_end = start.astimezone(zone).replace(tzinfo=None), end.astimezone(zone).replace(tzinfo=None)
    if local_end.time() == time.min:
        local_end += _SECOND
    return max(-((local_start - local_end) // ONE_DAY), 0)
