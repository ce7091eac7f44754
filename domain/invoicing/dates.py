"""When an invoice is issued, finalized and due. Pure. Source: subscriptions handbook, section 5.4."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

__all__ = [
    "DateSettings", "InvoiceDates", "advance_dates", "finalization_dates", "invoice_dates", "is_finalization_due",
]  # fmt: skip

CURRENT_PERIOD_END = "current_period_end"
KEEP_ANCHOR = "keep_anchor"


@dataclass(frozen=True, slots=True)
class DateSettings:
    """What the customer, else its billing entity, says. Days for grace period and payment term."""

    zone: ZoneInfo
    grace_period: int = 0
    net_payment_term: int = 0
    anchor: str = "next_period_start"
    adjustment: str = "align_with_finalization_date"


@dataclass(frozen=True, slots=True)
class InvoiceDates:
    issuing_date: date
    expected_finalization_date: date
    payment_due_date: date


def invoice_dates(settings: DateSettings, at: datetime, *, periodic: bool) -> InvoiceDates:
    """The dates of a subscription invoice billed at an instant; the base is the customer's local date of it."""
    base = at.astimezone(settings.zone).date()
    issuing = base + timedelta(days=_adjustment(settings, periodic=periodic))
    return InvoiceDates(
        issuing_date=issuing,
        expected_finalization_date=base + timedelta(days=settings.grace_period),
        payment_due_date=issuing + timedelta(days=settings.net_payment_term),
    )


def advance_dates(settings: DateSettings, at: datetime) -> InvoiceDates:
    """The dates of an invoice without a grace period: for what is paid in advance on its own."""
    base = at.astimezone(settings.zone).date()
    return InvoiceDates(base, base, base + timedelta(days=settings.net_payment_term))


def finalization_dates(
    settings: DateSettings, issuing_date: date, expected: date, now: datetime, *, periodic: bool
) -> InvoiceDates:
    """The dates of a draft that is finalized: today's, unless a periodic one keeps its anchor."""
    if not (periodic and settings.adjustment == KEEP_ANCHOR):
        issuing_date = now.astimezone(settings.zone).date()
    return InvoiceDates(issuing_date, expected, issuing_date + timedelta(days=settings.net_payment_term))


def is_finalization_due(expected_finalization_date: date, now: datetime) -> bool:
    """The finalization job looks at the date in UTC."""
    return expected_finalization_date <= now.astimezone(UTC).date()


def _adjustment(settings: DateSettings, *, periodic: bool) -> int:
    grace = settings.grace_period
    if not periodic:
        return grace
    ends_period = settings.anchor == CURRENT_PERIOD_END
    if settings.adjustment == KEEP_ANCHOR:
        return -1 if ends_period else 0
    return -1 if ends_period and not grace else grace
