"""The pure rules of wallets: credits and money, spending, drawing, ongoing balances, top-ups."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.credits.wallets.allocation import Bucket, Purse, allocate, buckets_of, pays
from domain.credits.wallets.amounts import of_cents, of_credits, of_voided_credits
from domain.credits.wallets.draw import NotEnough, Source, draw
from domain.credits.wallets.ongoing import Running, charge_usage
from domain.credits.wallets.top_up_rules import Rule, fires_on, interval_top_up, threshold_top_up
from domain.kernel.ids import new_id

D = Decimal
START = datetime(2024, 1, 1, tzinfo=UTC)
CENTS = st.integers(0, 10**9)


@pytest.mark.parametrize(
    ("credits", "rate", "currency", "cents", "kept"),
    [
        ("10.123456", "1.5", "EUR", 1519, "10.12667"),
        ("17.9699999999999988", "1", "EUR", 1797, "17.97"),
        ("3", "0.333", "EUR", 100, "3.00300"),
        ("10.5", "1.5", "JPY", 16, "10.66667"),
        ("10.12345", "1.5", "KWD", 15185, "10.12333"),
        ("0.004", "1", "EUR", 0, "0"),
    ],
)
def test_credits_follow_the_rounded_money(credits: str, rate: str, currency: str, cents: int, kept: str) -> None:
    found = of_credits(D(credits), D(rate), currency)
    assert (found.cents, found.credits) == (cents, D(kept))
    assert of_cents(cents, D(rate), currency) == found


def test_voided_credits_stay_as_they_were_given() -> None:
    found = of_voided_credits(D("10.123456"), D("1.5"), "EUR")
    assert (found.cents, found.credits) == (1519, D("10.12345"))


def source(cents: int, priority: int = 50, *, granted: bool = True, day: int = 0) -> Source:
    return Source(new_id(), cents, priority, granted, START + timedelta(days=day))


def test_money_is_drawn_by_priority_then_granted_then_the_oldest() -> None:
    granted, first, second = source(300), source(1000, 10, granted=False), source(200, granted=False)
    drawn = draw([granted, first, second], 1350)
    assert [(each.id, cents) for each, cents in drawn] == [(first.id, 1000), (granted.id, 300), (second.id, 50)]
    assert (first.remaining_cents, granted.remaining_cents, second.remaining_cents) == (0, 0, 150)
    older = source(100, day=1)
    newer = source(100, day=2)
    assert [each.id for each, _ in draw([newer, older], 150)] == [older.id, newer.id]


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 3), st.booleans()), max_size=8), st.integers(0, 5000))
def test_what_is_drawn_left_the_sources_and_nothing_is_drawn_beyond(
    amounts: list[tuple[int, int, bool]], wanted: int
) -> None:
    sources = [source(cents, priority, granted=granted) for cents, priority, granted in amounts]
    before = sum(each.remaining_cents for each in sources)
    if wanted > before:
        with pytest.raises(NotEnough):
            draw(sources, wanted)
        assert sum(each.remaining_cents for each in sources) == before
        return
    drawn = draw(sources, wanted)
    assert sum(cents for _, cents in drawn) == wanted
    assert sum(each.remaining_cents for each in sources) == before - wanted
    assert all(each.remaining_cents >= 0 for each in sources)
    order = [(each.priority, not each.granted) for each, _ in drawn]
    assert all(one <= other for one, other in pairwise(order))


def test_wallets_pay_in_their_order_and_only_what_they_may() -> None:
    fees = [(Bucket("subscription"), D(2400)), (Bucket("charge", "m"), D(1200))]
    charges, anything = Purse("w1", "a", 500, frozenset({"charge"})), Purse("w2", "b", 5000)
    paid = allocate(buckets_of(fees, 3600), 3600, [charges, anything])
    assert [(purse.id, cents) for purse, cents in paid] == [("w1", 500), ("w2", 3100)]
    assert (charges.balance_cents, anything.balance_cents) == (0, 1900)


def test_what_rounding_left_is_added_to_the_largest_kind() -> None:
    fees = [(Bucket("charge", "a"), D("351.315")), (Bucket("charge", "b"), D("351.315"))]
    assert [cents for _, cents in buckets_of(fees, 703)] == [D("351.685"), D("351.315")]
    assert allocate(buckets_of(fees, 703), 703, [Purse("w", "w", 10_000)])[0][1] == 703
    assert [cents for _, cents in buckets_of(fees, 800)] == [D("351.315"), D("351.315")]


def test_a_fee_that_names_a_wallet_is_paid_by_that_one_alone() -> None:
    named = Bucket("charge", "m", "gold")
    assert pays(Purse("w", "gold", 1, frozenset({"subscription"})), named)
    assert not pays(Purse("w", "silver", 1), named)
    assert pays(Purse("w", "x", 1, metric_ids=frozenset({"m"})), Bucket("charge", "m"))
    assert not pays(Purse("w", "x", 1, metric_ids=frozenset({"m"})), Bucket("charge", "n"))


BUCKETS = st.builds(
    Bucket, st.sampled_from(["charge", "subscription"]), st.sampled_from([None, "m", "n"]), st.sampled_from([None, "a"])
)
PURSES = st.lists(
    st.builds(
        Purse,
        st.integers(),
        st.sampled_from(["a", "b"]),
        CENTS,
        st.frozensets(st.sampled_from(["charge", "subscription"])),
        st.frozensets(st.sampled_from(["m", "n"])),
    ),
    max_size=5,
)
FEES = st.lists(st.tuples(BUCKETS, st.decimals(0, 10**6, places=3)), max_size=8)


@given(FEES, PURSES, st.integers(0, 10**7))
def test_wallets_never_pay_more_than_they_hold_or_than_is_owed(
    fees: list[tuple[Bucket, D]], purses: list[Purse], total: int
) -> None:
    held = {id(purse): purse.balance_cents for purse in purses}
    paid = allocate(buckets_of(fees, total), total, purses)
    assert sum(cents for _, cents in paid) <= total
    for purse, cents in paid:
        assert 0 < cents <= held[id(purse)]
        assert purse.balance_cents == held[id(purse)] - cents
        most = sum((amount for bucket, amount in buckets_of(fees, total) if pays(purse, bucket)), D(0))
        assert cents <= most + D("0.5")


def test_usage_fills_the_wallets_in_their_order_and_the_last_one_goes_below_zero() -> None:
    nets = [(Bucket("charge", "m"), D(1800)), (Bucket("subscription"), D(600))]
    first, second = Purse("a", "a", 1000, frozenset({"charge"})), Purse("b", "b", 500)
    assert charge_usage(nets, [Running(first), Running(second)]) == [1000, 1400]
    assert charge_usage(nets, [Running(first, topped_up=True), Running(second)]) == [1800, 600]


def test_what_was_billed_already_lowers_what_is_charged() -> None:
    nets = [(Bucket("charge", "m"), D(1000)), (Bucket("charge", "m"), D(-400)), (Bucket("charge", "n"), D(-100))]
    assert charge_usage(nets, [Running(Purse("a", "a", 5000))]) == [500]


@given(FEES, PURSES)
def test_no_more_is_charged_than_was_used(nets: list[tuple[Bucket, D]], purses: list[Purse]) -> None:
    charged = charge_usage(nets, [Running(purse) for purse in purses])
    assert all(cents >= 0 for cents in charged)
    assert sum(charged) <= sum((cents for _, cents in nets), D(0)) + D("0.5") * len(charged)


@pytest.mark.parametrize(
    ("ongoing", "granted", "most", "paid"),
    [
        ("10", "0", None, "20"), ("5", "0", None, "20"), ("-5", "0", None, "20"), ("-10", "0", None, "40"),
        ("-35", "0", None, "60"), ("-35", "0", "50", "50"), ("-35", "30", None, "20"), ("10.00001", "0", None, "0"),
    ],
)  # fmt: skip
def test_a_threshold_rule_buys_until_the_balance_is_above_the_threshold(
    ongoing: str, granted: str, most: str | None, paid: str
) -> None:
    rule = Rule("fixed", D(20), D(granted), D(10), most=D(most) if most else None)
    assert threshold_top_up(rule, D(ongoing), D(0)).paid == D(paid)


def test_what_is_on_its_way_is_not_bought_again() -> None:
    rule = Rule("fixed", paid=D(20), threshold=D(10))
    assert not threshold_top_up(rule, D(5), D(20))
    assert threshold_top_up(rule, D(-20), D(20)).paid == 20


def test_a_target_rule_fills_up_and_may_give_instead_of_sell() -> None:
    rule = Rule("target", threshold=D(10), target=D(100))
    assert threshold_top_up(rule, D(4), D(0)).paid == 96
    assert threshold_top_up(Rule("target", threshold=D(10), target=D(100), least=D(120)), D(4), D(0)).paid == 120
    given_away = threshold_top_up(Rule("target", threshold=D(10), target=D(100), grants_target=True), D(4), D(0))
    assert (given_away.paid, given_away.granted) == (D(0), D(96))
    assert not interval_top_up(rule, D(100))


@given(st.decimals(-1000, 1000, places=2), st.decimals("0.01", 100, places=2), st.decimals(0, 100, places=2))
def test_after_an_unlimited_fixed_top_up_the_rule_does_not_fire_again(ongoing: D, paid: D, threshold: D) -> None:
    rule = Rule("fixed", paid=paid, threshold=threshold)
    bought = threshold_top_up(rule, ongoing, D(0))
    if ongoing > threshold:
        assert not bought
    elif threshold - ongoing >= paid:
        assert not threshold_top_up(rule, ongoing, bought.paid)
        assert bought.paid - paid <= threshold - ongoing
    else:
        assert bought.paid == paid


@pytest.mark.parametrize(
    ("interval", "anchor", "days"),
    [
        ("weekly", "2024-01-31", ["2024-02-07", "2024-02-14"]),
        ("monthly", "2024-01-31", ["2024-02-29", "2024-03-31", "2024-04-30", "2023-02-28"]),
        ("quarterly", "2024-01-30", ["2024-04-30", "2024-07-30", "2024-10-30", "2024-01-30"]),
        ("semiannual", "2024-02-29", ["2024-08-29", "2025-02-28"]),
        ("yearly", "2024-02-29", ["2025-02-28", "2028-02-29"]),
    ],
)
def test_an_interval_rule_fires_on_its_anniversaries(interval: str, anchor: str, days: list[str]) -> None:
    for day in days:
        assert fires_on(interval, date.fromisoformat(anchor), date.fromisoformat(day)), day
        assert interval == "weekly" or not fires_on(
            interval, date.fromisoformat(anchor), date.fromisoformat(day) - timedelta(days=3)
        )
