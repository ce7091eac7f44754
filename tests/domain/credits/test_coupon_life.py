"""What is left of an applied coupon after invoices used it (handbook, credits 1.4, 1.5)."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.purse import Purse
from domain.credits.coupon_life import AppliedTerms
from domain.invoicing.calculation.calculate import calculate
from domain.invoicing.calculation.state import Calculation, FeeLine
from domain.kernel.money import ZERO


def fixed(cents: int, frequency: str = "once", invoices_left: int | None = None) -> AppliedTerms:
    return AppliedTerms(uuid4(), frequency, amount_cents=cents, currency="EUR", invoices_left=invoices_left)


def percentage(rate: str, frequency: str = "once", invoices_left: int | None = None) -> AppliedTerms:
    return AppliedTerms(uuid4(), frequency, rate=Decimal(rate), invoices_left=invoices_left)


def invoices(purse: Purse, *amounts: int) -> list[int]:
    """What each of these invoices, one after the other, gets off."""
    found = []
    for cents in amounts:
        fees = (FeeLine(cents, Decimal(cents)),)
        calculated = calculate(purse.offer(Calculation(fees=fees, currency="EUR")))
        purse.spend(calculated.credits)
        found.append(calculated.coupons_amount_cents)
    return found


@pytest.mark.parametrize(
    ("coupon", "taken"),
    [
        (fixed(5000), [2000, 2000, 1000, 0]),
        (fixed(5000, "recurring", 2), [2000, 2000, 0, 0]),
        (fixed(1500, "forever"), [1500, 1500, 1500, 1500]),
        (percentage("10"), [200, 0, 0, 0]),
        (percentage("10", "recurring", 3), [200, 200, 200, 0]),
        (percentage("10", "forever"), [200, 200, 200, 200]),
    ],
)
def test_a_coupon_lasts_as_long_as_its_frequency_says(coupon: AppliedTerms, taken: list[int]) -> None:
    assert invoices(Purse([coupon]), 2000, 2000, 2000, 2000) == taken


def test_a_third_of_a_percent_is_rounded_half_up() -> None:
    assert invoices(Purse([percentage("33.33")]), 101) == [34]


def test_an_invoice_without_fees_uses_no_coupon() -> None:
    assert invoices(Purse([percentage("10"), fixed(100, "recurring", 1)]), 0, 1000) == [0, 200]


def test_a_coupon_of_nothing_ends_at_its_first_use_and_one_used_up_to_the_cent_as_well() -> None:
    assert fixed(0).after(0).ended
    assert fixed(500).after(500).ended
    assert not fixed(500).after(499).ended
    assert not fixed(500).after(0).ended


coupons = st.lists(
    st.one_of(
        st.builds(fixed, st.integers(0, 10**6), st.sampled_from(["once", "forever"])),
        st.builds(fixed, st.integers(0, 10**6), st.just("recurring"), st.integers(1, 4)),
        st.builds(percentage, st.sampled_from(["0", "0.5", "33.33", "100", "150"]), st.sampled_from(["once"])),
        st.builds(percentage, st.just("12.5"), st.just("recurring"), st.integers(1, 4)),
    ),
    max_size=4,
)


@given(coupons=coupons, amounts=st.lists(st.integers(0, 10**6), min_size=1, max_size=6))
def test_no_coupon_gives_more_than_it_has(coupons: list[AppliedTerms], amounts: list[int]) -> None:
    purse = Purse(coupons)
    taken: dict[object, list[int]] = {coupon.id: [] for coupon in coupons}
    for cents in amounts:
        calculated = calculate(purse.offer(Calculation(fees=(FeeLine(cents, Decimal(cents)),), currency="EUR")))
        purse.spend(calculated.credits)
        assert calculated.coupons_amount_cents == sum(each.amount_cents for each in calculated.credits) <= cents
        assert sum(calculated.shares, ZERO) == calculated.coupons_amount_cents
        for credit in calculated.credits:
            taken[credit.source_id].append(credit.amount_cents)
    for coupon in coupons:
        given_ = taken[coupon.id]
        if coupon.frequency == "recurring":
            assert len(given_) <= (coupon.invoices_left or 0)
        if coupon.frequency == "once" and coupon.amount_cents is not None:
            assert sum(given_) <= coupon.amount_cents
        elif coupon.frequency == "once":
            assert len(given_) <= 1
        elif coupon.amount_cents is not None:
            assert all(each <= coupon.amount_cents for each in given_)
