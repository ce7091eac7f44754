"""Short ways to write subscriptions in the tests of dates."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from domain.subscriptions.calendar import BillingTime, Interval
from domain.subscriptions.terms import SubscriptionTerms

UTC_ZONE = ZoneInfo("UTC")


def instant(text: str) -> datetime:
    """ISO 8601; a date alone is its midnight. UTC unless an offset is given."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def day(text: str) -> date:
    return date.fromisoformat(text)


def subscription(
    interval: str, billing_time: str, started_at: str, *, zone: str = "UTC", **terms: Any
) -> SubscriptionTerms:
    """In arrears unless told otherwise, anchored where it starts unless subscription_at is given."""
    for key in ("subscription_at", "terminated_at"):
        if isinstance(terms.get(key), str):
            terms[key] = instant(terms[key])
    start = instant(started_at)
    return SubscriptionTerms(
        interval=Interval(interval),
        billing_time=BillingTime(billing_time),
        pay_in_advance=terms.pop("pay_in_advance", False),
        zone=ZoneInfo(zone),
        subscription_at=terms.pop("subscription_at", start),
        started_at=start,
        **terms,
    )
