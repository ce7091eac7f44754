"""The span of time that a reader of a log asks for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from domain.kernel.validation import Reader

__all__ = ["read_span"]


def read_span(read: Reader) -> tuple[datetime | None, datetime | None]:
    """From `from_date` or `from_datetime` to `to_date` or `to_datetime`, the narrower where both are there: the first
    instant that counts, and the first that does not any more. Days are of UTC, both included, as is an instant."""
    first, last = read.day("from_date"), read.day("to_date")
    from_datetime, to_datetime = read.instant("from_datetime"), read.instant("to_datetime")
    since = _begin(first) if first else None
    until = _begin(last) + timedelta(days=1) if last is not None and last < date.max else None
    if from_datetime is not None:
        since = max(since or from_datetime, from_datetime)
    if to_datetime is not None:
        following = to_datetime + timedelta(microseconds=1) if to_datetime.year < 9999 else to_datetime
        until = min(until or following, following)
    return since, until


def _begin(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
