"""Who is reminded when, and when the count begins anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.payments.dunning_rules import Campaign, Reminders, any_reached, due_currencies, finished

JUNE = datetime(2024, 6, 1, 10, 45, tzinfo=UTC)
CAMPAIGN = Campaign(5, 3, {"EUR": 10_000})
CURRENCIES = st.sampled_from(["EUR", "USD", "JPY"])
BALANCES = st.dictionaries(CURRENCIES, st.integers(0, 30_000))


def test_the_handbooks_campaign_of_three_attempts() -> None:
    """Every five days from 1 June 10:45 on, strictly later than five days each time."""
    overdue, state, sent = {"EUR": 12_000}, Reminders(), []
    now = JUNE
    while now < JUNE + timedelta(days=60):
        found = due_currencies(CAMPAIGN, state, overdue, now)
        if found:
            state = state.after_attempt(found, now)
            sent.append(now)
            assert finished(CAMPAIGN, state) is (len(sent) == 3)
        now += timedelta(hours=1)
    assert sent == [JUNE, JUNE + timedelta(days=5, hours=1), JUNE + timedelta(days=10, hours=2)]


def test_each_currency_has_its_threshold_and_its_count() -> None:
    campaign = Campaign(1, 2, {"EUR": 10_000, "USD": 500})
    assert due_currencies(campaign, Reminders(), {"EUR": 9_999, "USD": 500, "GBP": 10**9}, JUNE) == ["USD"]
    state = Reminders().after_attempt(["USD"], JUNE).after_attempt(["EUR", "USD"], JUNE)
    assert state.attempts == {"USD": 2, "EUR": 1}
    assert not finished(campaign, state)
    later = JUNE + timedelta(days=2)
    assert due_currencies(campaign, state, {"EUR": 10_000, "USD": 10_000}, later) == ["EUR"]


def test_a_payment_begins_one_currency_anew_and_the_last_takes_the_date_along() -> None:
    state = Reminders().after_attempt(["EUR", "USD"], JUNE)
    assert state.after_payment(["EUR"]) == Reminders({"USD": 1}, JUNE)
    assert state.after_payment(["GBP"]) == state
    assert state.after_payment(["EUR"]).after_payment(["USD"]) == Reminders()


def test_only_thresholds_of_the_same_currency_are_reached() -> None:
    assert any_reached({"EUR": 10}, {"EUR": 10, "USD": 0})
    assert not any_reached({"EUR": 10}, {"EUR": 9, "USD": 10**9})
    assert not any_reached({}, {"EUR": 10})


@given(
    campaign=st.builds(Campaign, st.integers(1, 10), st.integers(1, 4), BALANCES),
    balances=st.lists(st.tuples(st.integers(1, 200), BALANCES, st.sets(CURRENCIES)), max_size=30),
)
def test_nobody_is_reminded_too_often_or_too_soon(
    campaign: Campaign, balances: list[tuple[int, dict[str, int], set[str]]]
) -> None:
    """Whatever balances come and go: never more than the attempts allowed between two payments, never two within the
    pause, and never of a balance below its threshold."""
    state, now, last = Reminders(), JUNE, None
    for hours, overdue, paid in balances:
        now += timedelta(hours=hours)
        for currency in due_currencies(campaign, state, overdue, now):
            assert overdue[currency] >= campaign.thresholds[currency]
        found = due_currencies(campaign, state, overdue, now)
        if found:
            # A payment of everything clears the date of the last attempt as well.
            assert last is None or now - last > timedelta(days=campaign.days_between_attempts)
            state, last = state.after_attempt(found, now), now
            assert due_currencies(campaign, state, overdue, now) == []
        assert all(1 <= count <= campaign.max_attempts for count in state.attempts.values())
        state = state.after_payment(paid)
        assert not paid & state.attempts.keys()
        last = state.last_at
