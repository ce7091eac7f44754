"""Invoice calculation: worked examples of the handbooks (subscriptions 5.6 and 8, credits 1.5 and 3.4), properties."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.invoicing.calculation.calculate import DRAFT, FINALIZED, ONE_OFF, calculate
from domain.invoicing.calculation.coupons import credit_of
from domain.invoicing.calculation.state import (
    Calculation,
    Coupon,
    CouponLimit,
    CreditKind,
    CreditNote,
    FeeLine,
    ProgressiveInvoice,
    Tax,
)
from domain.invoicing.calculation.taxes import tax_fee
from domain.kernel.money import ZERO

VAT20 = Tax("vat20", Decimal(20))
VAT55 = Tax("vat5.5", Decimal("5.5"))
VAT10 = Tax("vat10", Decimal(10))


def fee(cents: int, *taxes: Tax, **keys: Any) -> FeeLine:
    return FeeLine(amount_cents=cents, precise_amount_cents=Decimal(cents), taxes=taxes, **keys)


def invoice(*fees: FeeLine, **inputs: Any) -> Calculation:
    return Calculation(fees=fees, currency="EUR", **inputs)


def fixed(id: str, cents: int, limit: CouponLimit = CouponLimit.NONE, *targets: str) -> Coupon:
    return Coupon(id, available_cents=cents, currency="EUR", limit=limit, target_ids=frozenset(targets))


TEN_PERCENT_ON_M = Coupon("A", rate=Decimal(10), limit=CouponLimit.METRICS, target_ids=frozenset({"M"}))
WORKED = invoice(
    fee(10000, VAT20),
    fee(3333, VAT55, billable_metric_id="M"),
    coupons=(fixed("B", 1000), TEN_PERCENT_ON_M),
    credit_notes=(CreditNote("note", 500),),
)


def test_example_of_section_5_6() -> None:
    found = calculate(WORKED)
    assert found.fees_amount_cents == 13333
    assert [(each.source_id, each.amount_cents) for each in found.credits] == [("A", 333), ("B", 1000), ("note", 500)]
    assert found.shares == (Decimal("769.23077"), Decimal("563.76923"))
    assert found.coupons_amount_cents == 1333
    assert found.sub_total_excluding_taxes_amount_cents == 12000
    assert [each.amount_cents for each in found.fee_taxes] == [1846, 152]
    assert [round(line.precise_amount_cents, 5) for line in found.taxes.lines] == [
        Decimal("1846.15385"),
        Decimal("152.30769"),
    ]
    assert (found.taxes_amount_cents, found.taxes.rate) == (1998, Decimal("16.65385"))
    assert found.sub_total_including_taxes_amount_cents == 13998
    assert found.note_shares == (Decimal("395.65542"), Decimal("104.34458"))
    assert found.total_amount_cents == 13498


def test_draft_leaves_coupons_and_credit_notes_alone() -> None:
    found = calculate(WORKED, DRAFT)
    assert (found.coupons_amount_cents, found.credit_notes_amount_cents, found.credits) == (0, 0, ())
    assert found.taxes_amount_cents == 2183
    assert calculate(WORKED, ONE_OFF) == found


def test_coupons_of_three_kinds_over_two_subscriptions() -> None:
    def fees(plan: str) -> list[FeeLine]:
        rows = [(1000, VAT10), (2000, VAT20), (3000, VAT10), (4000, VAT10)]
        return [
            fee(cents, tax, billable_metric_id=f"{plan}{number}", plan_ids=frozenset({plan}))
            for number, (cents, tax) in enumerate(rows, 1)
        ]

    coupons = (
        fixed("K3", 500),
        fixed("K2", 1000, CouponLimit.PLANS, "P2"),
        fixed("K1", 2000, CouponLimit.METRICS, "P11", "P12"),
    )
    found = calculate(invoice(*fees("P1"), *fees("P2"), coupons=coupons))
    assert [str(share) for share in found.shares] == [
        "676.47059",
        "1352.94117",
        "88.23529",
        "117.64706",
        "126.47059",
        "252.94118",
        "379.41176",
        "505.88235",
    ]
    assert [each.amount_cents for each in found.fee_taxes] == [32, 129, 291, 388, 87, 349, 262, 349]
    assert (found.coupons_amount_cents, found.sub_total_excluding_taxes_amount_cents) == (3500, 16500)
    assert (found.taxes_amount_cents, found.total_amount_cents) == (1889, 18389)


def test_one_fee_with_two_taxes() -> None:
    found = tax_fee(fee(1999, VAT20, VAT55))
    assert [line.amount_cents for line in found.lines] == [400, 110]
    assert (found.amount_cents, found.rate, found.precise_amount_cents) == (510, Decimal("25.5"), Decimal("509.745"))


def test_precise_taxes_come_from_the_precise_amount() -> None:
    found = tax_fee(FeeLine(10, Decimal("9.6"), (VAT20,)))
    assert (found.amount_cents, found.precise_amount_cents) == (2, Decimal("1.92"))


def test_taxes_are_not_taken_of_what_coupons_took_off() -> None:
    assert tax_fee(fee(1000, VAT20), share=Decimal(250)).amount_cents == 150


def test_an_invoice_without_taxes_or_without_fees_has_none() -> None:
    assert calculate(invoice(fee(1000))).taxes.lines == ()
    assert calculate(invoice()).total_amount_cents == 0


def test_rate_of_an_invoice_of_nothing_is_by_the_number_of_fees() -> None:
    assert calculate(invoice(fee(0, VAT20), fee(0, VAT10), fee(0), fee(0, VAT10))).taxes.rate == 10


def test_coupons_never_take_more_than_there_is() -> None:
    found = calculate(invoice(fee(2000, VAT20), coupons=(fixed("K", 5000), fixed("L", 100))))
    assert [(each.source_id, each.amount_cents) for each in found.credits] == [("K", 2000)]
    assert (found.total_amount_cents, found.shares) == (0, (Decimal(2000),))


def test_coupon_of_another_currency_or_without_matching_fee_is_passed_over() -> None:
    foreign = replace(fixed("K", 100), currency="USD")
    found = calculate(invoice(fee(2000), coupons=(foreign, fixed("L", 100, CouponLimit.METRICS, "M"))))
    assert found.credits == ()


def test_a_used_up_limited_base_writes_a_credit_of_nothing() -> None:
    coupons = (fixed("K", 1000, CouponLimit.METRICS, "M"), fixed("L", 10, CouponLimit.METRICS, "M"))
    found = calculate(invoice(fee(1000, billable_metric_id="M"), fee(500), coupons=coupons))
    assert [(each.source_id, each.amount_cents) for each in found.credits] == [("K", 1000), ("L", 0)]


def test_percentage_coupon_is_rounded_and_capped() -> None:
    assert credit_of(Coupon("K", rate=Decimal(10)), Decimal(3333)) == 333
    assert credit_of(Coupon("K", rate=Decimal(150)), Decimal(100)) == 100


def test_progressive_invoice_is_credited_up_to_the_fees_of_its_charges() -> None:
    usage = fee(40000, VAT20, charge_id="c", charge_key="c")
    source = ProgressiveInvoice("p", 20000, (("c", "c", 20000),))
    found = calculate(invoice(fee(3100, VAT20), usage, progressive_invoices=(source,)))
    assert (found.fees_amount_cents, found.progressive_billing_credit_amount_cents) == (43100, 20000)
    assert found.sub_total_excluding_taxes_amount_cents == 23100
    assert found.taxes_amount_cents == 4620


def test_progressive_credit_beyond_the_fees_is_left_over() -> None:
    source = ProgressiveInvoice("p", 20000, (("c", "c", 20000),))
    found = calculate(invoice(fee(3100), fee(15000, charge_id="c", charge_key="c"), progressive_invoices=(source,)))
    (credit,) = found.credits
    assert (credit.kind, credit.amount_cents, credit.unused_cents) == (CreditKind.PROGRESSIVE, 15000, 5000)
    assert found.shares == (ZERO, Decimal(15000))


def test_credit_notes_are_spent_in_order_until_nothing_is_left() -> None:
    notes = (CreditNote("one", 700), CreditNote("empty", 0), CreditNote("two", 700), CreditNote("three", 700))
    found = calculate(invoice(fee(1000, VAT10), credit_notes=notes))
    assert [(each.source_id, each.amount_cents) for each in found.credits] == [("one", 700), ("two", 400)]
    assert (found.total_amount_cents, found.note_shares) == (0, (Decimal(1100),))


taxes = st.lists(st.sampled_from([VAT20, VAT55, VAT10, Tax("odd", Decimal("23.333"))]), max_size=3, unique=True)
fees = st.lists(
    st.builds(
        lambda cents, found, metric: fee(cents, *found, billable_metric_id=metric),
        st.integers(0, 10**9),
        taxes,
        st.sampled_from(["M", "N", None]),
    ),
    max_size=8,
)
coupons = st.lists(
    st.one_of(
        st.builds(lambda cents: fixed("fixed", cents), st.integers(1, 10**8)),
        st.just(TEN_PERCENT_ON_M),
        st.builds(lambda cents: fixed("limited", cents, CouponLimit.METRICS, "M", "N"), st.integers(1, 10**6)),
    ),
    max_size=4,
)


@given(fees=fees, coupons=coupons, notes=st.lists(st.integers(0, 10**7), max_size=3))
def test_every_invoice_adds_up(fees: list[FeeLine], coupons: list[Coupon], notes: list[int]) -> None:
    found = calculate(
        invoice(*fees, coupons=tuple(coupons), credit_notes=tuple(CreditNote(*pair) for pair in enumerate(notes)))
    )
    assert found.fees_amount_cents == sum(each.amount_cents for each in fees)
    for line, share, note_share, taxed in zip(
        found.fees, found.shares, found.note_shares, found.fee_taxes, strict=True
    ):
        assert 0 <= share <= line.amount_cents
        assert 0 <= note_share <= line.amount_cents - share + taxed.amount_cents
    # Shares are stored with 5 decimals, so their sum may differ from the credit by as little for each fee and coupon.
    drift = Decimal("0.00001") * (len(fees) * max(len(coupons), 1) + 1)
    assert abs(sum(found.shares, ZERO) - found.coupons_amount_cents) <= drift + len(coupons)
    assert sum(each.amount_cents for each in found.credits) == (
        found.coupons_amount_cents + found.credit_notes_amount_cents
    )
    assert 0 <= found.total_amount_cents <= found.sub_total_including_taxes_amount_cents
    assert found.sub_total_excluding_taxes_amount_cents >= 0


@given(fees=fees)
def test_lines_and_total_of_taxes_differ_by_rounding_only(fees: list[FeeLine]) -> None:
    found = calculate(invoice(*fees), FINALIZED)
    lines = found.taxes.lines
    assert abs(sum(line.amount_cents for line in lines) - found.taxes_amount_cents) <= Decimal(len(lines) + 1) / 2
    unrounded = sum((f.amount_cents * t.rate / 100 for f in fees for t in f.taxes), ZERO)
    assert found.taxes.precise_amount_cents == unrounded
    assert abs(found.taxes_amount_cents - unrounded) <= Decimal("0.5")


@pytest.mark.parametrize("count", [1, 7])
def test_equal_fees_share_a_coupon_equally(count: int) -> None:
    found = calculate(invoice(*[fee(1000)] * count, coupons=(fixed("K", 100 * count),)))
    assert set(found.shares) == {Decimal(100)}
