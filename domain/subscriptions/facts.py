"""From rows of `queries` to the plain values that the date rules take, and what clients are shown of the dates."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from domain.kernel import clock
from domain.subscriptions.calendar import ONE_DAY, BillingTime, Interval, period_of
from domain.subscriptions.instants import local_date, start_of_day
from domain.subscriptions.plan_change import is_upgrade
from domain.subscriptions.terms import SubscriptionTerms, Successor
from domain.subscriptions.windows import windows

__all__ = ["current_period", "downgrade_plan_date", "next_starts_at", "period_end_date", "successor_of", "terms_of"]


def successor_of(row: sa.Row[Any]) -> Successor:
    """In which direction the plan changes (or changed) after this row."""
    if row.next_subscription_id is None:
        return Successor.NONE
    upgraded = is_upgrade((row.amount_cents, row.interval), (row.next_amount_cents, row.next_interval))
    return Successor.UPGRADE if upgraded else Successor.DOWNGRADE


def terms_of(row: sa.Row[Any]) -> SubscriptionTerms:
    """The terms of a row of `queries.rows_by_ids`; a pending row counts as started at its subscription_at."""
    return SubscriptionTerms(
        interval=Interval(row.interval),
        billing_time=BillingTime(row.billing_time),
        pay_in_advance=row.pay_in_advance,
        zone=ZoneInfo(row.timezone),
        subscription_at=row.subscription_at,
        started_at=row.started_at or row.subscription_at,
        terminated_at=row.terminated_at if row.status == "terminated" else None,
        successor=successor_of(row),
        bill_charges_monthly=bool(row.bill_charges_monthly),
        bill_fixed_charges_monthly=bool(row.bill_fixed_charges_monthly),
    )


def current_period(row: sa.Row[Any]) -> tuple[datetime | None, datetime | None]:
    """The usage window of the period that contains now (or the start, for a row that starts later)."""
    terms = terms_of(row)
    computed = windows(terms, max(clock.now(), terms.started_at), current_usage=True)
    return computed.charges_from_datetime, computed.charges_to_datetime


def downgrade_plan_date(row: sa.Row[Any]) -> date | None:
    """The day a planned downgrade takes effect, or took effect."""
    if successor_of(row) != Successor.DOWNGRADE:
        return None
    zone = ZoneInfo(row.timezone)
    if row.next_status == "pending":
        end = current_period(row)[1]
        return local_date(end, zone) + ONE_DAY if end else None
    return local_date(row.next_started_at, zone) if row.next_started_at else None


def next_starts_at(row: sa.Row[Any]) -> datetime | None:
    """When the successor starts: the start of its day while it is planned, the instant once it is active."""
    if row.next_subscription_id is None or row.next_started_at is not None:
        return row.next_started_at  # type: ignore[no-any-return]
    day = downgrade_plan_date(row)
    return start_of_day(day, ZoneInfo(row.timezone)) if day else None


def period_end_date(row: sa.Row[Any]) -> date:
    """The last local day of the plan's period that contains now (or the start, for a row that starts later)."""
    terms = terms_of(row)
    day = local_date(max(clock.now(), terms.started_at), terms.zone)
    return period_of(terms.schedule, day).end
