"""What of a base fee paid in advance is given back at the end: the handbook's cases, and what always holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.credits.note_amounts import Split
from domain.credits.unused_days import Ending, refunded_part, split_by_mode, unused_amount, used_amount
from domain.subscriptions.calendar import BillingTime, Interval
from domain.subscriptions.terms import SubscriptionTerms

ANNIVERSARY: Any = {"billing_time": "anniversary"}
FIRST, LAST = (datetime(year, 1, 1) for year in (2023, 2025))  # noqa: DTZ001


def ending(
    start: str,
    end: str,
    plan_cents: int,
    fee_cents: int,
    *,
    zone: str = "UTC",
    billing_time: str = "calendar",
    interval: str = "monthly",
    upgraded: bool = False,
    trial_end: str | None = None,
) -> Ending:
    started = datetime.fromisoformat(start).replace(tzinfo=UTC)
    return Ending(
        SubscriptionTerms(
            Interval(interval), BillingTime(billing_time), pay_in_advance=True, zone=ZoneInfo(zone),
            subscription_at=started, started_at=started,
        ),
        datetime.fromisoformat(end).replace(tzinfo=UTC),
        plan_cents,
        fee_cents,
        trial_end=datetime.fromisoformat(trial_end).replace(tzinfo=UTC) if trial_end else None,
        upgraded=upgraded,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("case", "days", "cents"),
    [
        (ending("2023-02-08", "2023-02-08", 5_000, 3_750), 20, "3571.42857"),
        (ending("2023-02-08", "2023-02-08", 5_000, 3_929, zone="America/Los_Angeles"), 21, "3750"),
        (ending("2023-02-08", "2023-02-08", 5_000, 5_000, zone="Asia/Tokyo", **ANNIVERSARY), 27, "4821.42857"),
        (ending("2024-03-05", "2024-03-12", 1_000, 871, upgraded=True), 20, "645.16129"),
        (ending("2024-03-12", "2024-03-12", 1_500, 968, upgraded=True), 20, "967.74193"),
        (ending("2024-03-05", "2024-03-12", 1_000, 1_000, upgraded=True, **ANNIVERSARY), 24, "774.19354"),
        (ending("2024-03-05", "2024-03-12T13:00", 1_500, 1_161, upgraded=True, **ANNIVERSARY), 24, "1161"),
        (ending("2024-04-01", "2024-04-15", 10_000, 10_000), 15, "5000"),
        (ending("2024-01-01", "2024-01-01", 2_999, 2_999, interval="weekly"), 6, "2570.57142"),
        # A trial that outlasts the period leaves nothing to give back; one inside gives back from its end on.
        (ending("2024-04-01", "2024-04-10", 3_000, 3_000, trial_end="2024-05-03"), 0, "0"),
        (ending("2024-04-01", "2024-04-10", 3_000, 1_100, trial_end="2024-04-20"), 11, "1100"),
        (ending("2024-04-01", "2024-04-10", 3_000, 3_000, trial_end="2024-04-05"), 20, "2000"),
    ],
)  # fmt: skip
def test_days_after_the_end(case: Ending, days: int, cents: str) -> None:
    assert case.unused_days == days
    assert abs(unused_amount(case) - Decimal(cents)) < Decimal("0.00001")


@pytest.mark.parametrize(
    ("paid", "refund", "offset"),
    [
        (0, Split(6_000), Split(offset=6_000)),
        (9_000, Split(3_000, 3_000), Split(refund=3_000, offset=3_000)),
        (12_000, Split(0, 6_000), Split(refund=6_000)),
    ],
)
def test_what_was_paid_beyond_what_was_used_is_paid_back(paid: int, refund: Split, offset: Split) -> None:
    case = ending("2024-04-01", "2024-04-15", 10_000, 10_000)
    used = used_amount(case) * Decimal("1.2")
    refunded = refunded_part(6_000, used, Decimal(12_000), 12_000, paid)
    assert split_by_mode("credit", 6_000, refunded, 12_000 - paid) == Split(6_000)
    assert split_by_mode("refund", 6_000, refunded, 12_000 - paid) == refund
    assert split_by_mode("offset", 6_000, refunded, 12_000 - paid) == offset


def test_an_offset_without_a_debt_is_credited() -> None:
    assert split_by_mode("offset", 6_000, 1_000, 2_000) == Split(credit=3_000, refund=1_000, offset=2_000)


@given(
    st.datetimes(FIRST, LAST),
    st.integers(0, 400),
    st.sampled_from(["UTC", "America/Los_Angeles", "Asia/Tokyo", "Pacific/Apia", "Pacific/Kiritimati", "Europe/Paris"]),
    st.sampled_from(list(Interval)),
    st.sampled_from(list(BillingTime)),
)
def test_used_and_unused_days_fill_the_period(
    start: datetime, days: int, zone: str, interval: Interval, billing_time: BillingTime
) -> None:
    started = start.replace(tzinfo=UTC)
    terms = SubscriptionTerms(
        interval, billing_time, pay_in_advance=True, zone=ZoneInfo(zone), subscription_at=started, started_at=started
    )
    case = Ending(terms, started + timedelta(days=days), 36_500, 36_500)
    upgrade = Ending(terms, started + timedelta(days=days), 36_500, 36_500, upgraded=True)
    assert case.unused_days >= 0
    assert upgrade.unused_days == case.unused_days + 1
    assert 0 <= unused_amount(case) < 36_500
    assert 0 < used_amount(case) <= 36_500
