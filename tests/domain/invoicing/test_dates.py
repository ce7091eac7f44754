"""When invoices are issued and due. Source of the rows: subscriptions handbook, section 5.4."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from domain.invoicing.dates import DateSettings, finalization_dates, invoice_dates, is_finalization_due

AT = datetime(2024, 3, 1, 0, 10, tzinfo=UTC)
NEXT, END = "next_period_start", "current_period_end"
ALIGN, KEEP = "align_with_finalization_date", "keep_anchor"


@pytest.mark.parametrize(
    ("periodic", "anchor", "adjustment", "grace", "issued"),
    [
        (False, NEXT, ALIGN, 3, date(2024, 3, 4)),
        (False, END, KEEP, 3, date(2024, 3, 4)),
        (True, NEXT, ALIGN, 0, date(2024, 3, 1)),
        (True, NEXT, ALIGN, 3, date(2024, 3, 4)),
        (True, NEXT, KEEP, 3, date(2024, 3, 1)),
        (True, END, KEEP, 3, date(2024, 2, 29)),
        (True, END, ALIGN, 3, date(2024, 3, 4)),
        (True, END, ALIGN, 0, date(2024, 2, 29)),
    ],
)
def test_the_issuing_date_follows_anchor_adjustment_and_grace(
    periodic: bool, anchor: str, adjustment: str, grace: int, issued: date
) -> None:
    settings = DateSettings(ZoneInfo("UTC"), grace, 30, anchor, adjustment)
    dates = invoice_dates(settings, AT, periodic=periodic)
    assert dates.issuing_date == issued
    assert (dates.payment_due_date - issued).days == 30
    assert (dates.expected_finalization_date - date(2024, 3, 1)).days == grace


def test_dates_are_local_to_the_customer() -> None:
    dates = invoice_dates(DateSettings(ZoneInfo("America/New_York")), AT, periodic=True)
    assert dates.issuing_date == date(2024, 2, 29)


def test_finalizing_issues_today_unless_a_periodic_invoice_keeps_its_anchor() -> None:
    now = datetime(2024, 3, 9, 23, 30, tzinfo=UTC)
    zone = ZoneInfo("Europe/Paris")
    first = date(2024, 3, 1)
    aligned = finalization_dates(DateSettings(zone, 3, 5), first, first, now, periodic=True)
    kept = DateSettings(zone, 3, 5, adjustment=KEEP)
    assert (aligned.issuing_date, aligned.payment_due_date) == (date(2024, 3, 10), date(2024, 3, 15))
    assert finalization_dates(kept, first, first, now, periodic=True).issuing_date == first
    assert finalization_dates(kept, first, first, now, periodic=False).issuing_date == date(2024, 3, 10)


def test_a_draft_is_due_by_the_date_in_utc() -> None:
    assert is_finalization_due(date(2024, 3, 1), datetime(2024, 3, 1, 0, 0, tzinfo=UTC))
    assert not is_finalization_due(date(2024, 3, 2), datetime(2024, 3, 1, 23, 59, tzinfo=UTC))
