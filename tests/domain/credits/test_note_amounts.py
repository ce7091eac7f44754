"""What a credit note amounts to: the handbook's examples, and what holds of any sequence of notes."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.credits.note_amounts import (
    Creditable,
    CreditableFee,
    FeeTax,
    Item,
    Split,
    note_amounts,
    scaled_items,
    split_total,
    whole_items,
)
from domain.credits.note_limits import Available, Billed, Earlier, available, settled_split, wrong_parts
from domain.credits.write_notes import after_note
from domain.invoicing.calculation.calculate import FINALIZED, calculate
from domain.invoicing.calculation.state import Calculation, Coupon, FeeLine, Tax

VAT = FeeTax("vat", "VAT", Decimal(20))
QUARTER = FeeTax("quarter", "Quarter", Decimal(25))
LOW = FeeTax("low", "Low", Decimal("5.5"))


def billed(*fees: tuple[int, Decimal, tuple[FeeTax, ...]]) -> Creditable:
    """An invoice of these fees: amount, coupon share, taxes."""
    made = tuple(CreditableFee(number, *fee) for number, fee in enumerate(fees))
    taxes = sum(((fee.amount_cents - fee.coupons) * fee.taxes_rate / 100 for fee in made), Decimal(0))
    net = sum((fee.amount_cents - fee.coupons for fee in made), Decimal(0))
    return Creditable(made, int(net.to_integral_value()), int(taxes.to_integral_value("ROUND_HALF_UP")))


def items(invoice: Creditable, *cents: object) -> list[Item]:
    return [Item(fee, Decimal(str(each))) for fee, each in zip(invoice.fees, cents, strict=True)]


TWO = billed((10_000, Decimal("769.23077"), (VAT,)), (3_333, Decimal("563.76923"), (LOW,)))
SHARED = billed((10_000, Decimal("999.77499"), (VAT,)), (3_333, Decimal("333.22501"), (LOW,)))


@pytest.mark.parametrize(
    ("invoice", "cents", "precise_taxes", "taxes", "coupons", "sub_total"),
    [
        (billed((76_900, Decimal(0), (VAT,))), (72_686,), "14537.2", 14_537, 0, 72_686),
        (billed((39_900, Decimal(25_000), (VAT,))), (26_260,), "1961.27318", 1_961, 16_454, 9_806),
        (TWO, (10_000, 3_333), "1998.46154", 1_998, 1_333, 12_000),
        (TWO, (5_000, 1_000), "968.77380", 969, 554, 5_446),
        (SHARED, (4_000, 1_000), "769.51924", 770, 500, 4_500),
        (billed((16_000, Decimal(0), (QUARTER,))), ("15466.66666",), "3866.66667", 3_867, 0, 15_467),
    ],
)  # fmt: skip
def test_the_examples_of_the_handbook(
    invoice: Creditable, cents: tuple[object, ...], precise_taxes: str, taxes: int, coupons: int, sub_total: int
) -> None:
    found = note_amounts(invoice, items(invoice, *cents))
    assert abs(found.precise_taxes - Decimal(precise_taxes)) < Decimal("0.00001")
    assert (found.taxes_cents, found.coupons_cents, found.sub_total_cents) == (taxes, coupons, sub_total)
    assert found.total_cents == taxes + sub_total


def test_the_rate_of_a_note_is_that_of_its_taxes_by_their_bases() -> None:
    assert note_amounts(SHARED, items(SHARED, 4_000, 1_000)).taxes_rate == Decimal("17.1")


def test_the_last_note_takes_what_rounding_has_left() -> None:
    invoice = billed((76_900, Decimal(0), (VAT,)))
    first = note_amounts(invoice, items(invoice, 72_686))
    second = after_note(invoice, first)
    last = note_amounts(second, items(second, 4_214))
    assert (last.taxes_cents, last.total_cents, last.last) == (843, 5_057, True)
    assert last.precise_taxes == 843
    assert first.total_cents + last.total_cents == 92_280


def test_what_an_invoice_shows_is_spread_pro_rata() -> None:
    shown = available(TWO, Billed(13_998, 13_998, succeeded=True), 1_333, 13_333)
    assert shown == Available(13_965, 13_965, 0, 13_965)
    unpaid = available(TWO, Billed(13_998, 0, succeeded=False), 1_333, 13_333)
    assert unpaid == Available(13_965, 0, 13_965, 13_965)
    assert available(TWO, Billed(13_998, 0, succeeded=False, is_draft=True), 1_333, 13_333) == Available()


@pytest.mark.parametrize(
    ("asked", "errors"),
    [
        (Split(credit=15_998), {}),
        (Split(refund=1_000, credit=14_998), {}),
        (Split(credit=15_990), {"base": ["does_not_match_item_amounts"]}),
        (Split(refund=15_998), {"refund_amount_cents": ["higher_than_remaining_invoice_amount"]}),
        (Split(offset=15_998), {"offset_amount_cents": ["higher_than_remaining_invoice_amount"]}),
        (Split(offset=13_998, refund=2_000), {}),
        (
            Split(),
            {"base": ["does_not_match_item_amounts", "total_amount_must_be_positive"]},
        ),
        (
            Split(credit=50_000),
            {
                "base": ["does_not_match_item_amounts", "higher_than_remaining_invoice_amount"],
                "credit_amount_cents": ["higher_than_remaining_invoice_amount"],
            },
        ),
    ],
)
def test_every_part_that_cannot_be_given_is_named(asked: Split, errors: dict[str, list[str]]) -> None:
    invoice = billed((13_332, Decimal(0), (VAT,)))
    state = Billed(15_998, 2_000, succeeded=False)
    assert wrong_parts(invoice, state, note_amounts(invoice, items(invoice, 13_332)), asked) == errors


def test_nothing_unpaid_is_paid_back_nor_a_top_up_credited() -> None:
    invoice = billed((1_000, Decimal(0), ()))
    whole = note_amounts(invoice, whole_items(invoice))
    unpaid = Billed(1_000, 0, succeeded=False)
    assert wrong_parts(invoice, unpaid, whole, Split(refund=1_000))["refund_amount_cents"] == [
        "cannot_refund_unpaid_invoice", "higher_than_remaining_invoice_amount",
    ]  # fmt: skip
    pending = Billed(1_000, 1_000, succeeded=False)
    assert wrong_parts(invoice, pending, whole, Split(refund=1_000)) == {
        "refund_amount_cents": ["cannot_refund_unpaid_invoice"]
    }
    top_up = replace(unpaid, is_credit=True)
    assert wrong_parts(invoice, top_up, whole, Split(credit=1_000)) == {
        "credit_amount_cents": ["cannot_credit_invoice"]
    }
    assert wrong_parts(invoice, top_up, whole, Split(offset=1_000)) == {}
    half = note_amounts(invoice, items(invoice, 500))
    assert wrong_parts(invoice, top_up, half, Split(offset=500)) == {
        "offset_amount_cents": ["not_equal_to_total_amount"]
    }


def test_a_cent_of_rounding_is_credited_where_it_cannot_be_refunded() -> None:
    state = Billed(1_000, 1_000, succeeded=True)
    assert settled_split(state, Split(refund=1_000), 1_001) == Split(credit=1, refund=1_000)
    assert split_total(Split(credit=10, refund=5), 14) == Split(credit=9, refund=5)


FEES = st.lists(
    st.tuples(
        st.integers(1, 100_000),
        st.lists(st.sampled_from([VAT, LOW, FeeTax("odd", "Odd", Decimal("23.33"))]), unique_by=lambda tax: tax.code),
    ),
    min_size=1,
    max_size=4,
)


def invoiced(fees: list[tuple[int, list[FeeTax]]], coupon: int) -> tuple[Creditable, int]:
    """An invoice as it is really calculated, and its gross total."""
    lines = tuple(
        FeeLine(cents, Decimal(cents), tuple(Tax(tax.code, tax.rate) for tax in taxes)) for cents, taxes in fees
    )
    found = calculate(
        Calculation(fees=lines, currency="EUR", coupons=(Coupon("c", available_cents=coupon, currency="EUR"),)),
        FINALIZED,
    )
    made = tuple(
        CreditableFee(number, cents, found.shares[number], tuple(taxes)) for number, (cents, taxes) in enumerate(fees)
    )
    invoice = Creditable(made, found.sub_total_excluding_taxes_amount_cents, found.taxes_amount_cents)
    return invoice, found.sub_total_including_taxes_amount_cents


@given(
    FEES,
    st.integers(1, 150_000),
    st.lists(st.lists(st.integers(0, 10_000), min_size=4, max_size=4), max_size=6),
    st.integers(0, 200_000),
)
def test_no_sequence_of_notes_exceeds_the_invoice_and_all_of_it_sums_to_the_cent(
    fees: list[tuple[int, list[FeeTax]]], coupon: int, steps: list[list[int]], paid: int
) -> None:
    invoice, gross = invoiced(fees, coupon)
    state = Billed(gross, min(paid, gross), succeeded=paid >= gross)
    given_back = Split()
    for step in [*steps, [10_000] * 4]:
        asked = [
            Item(fee, (Decimal(fee.left) * part / 10_000).quantize(Decimal("0.00001")))
            for fee, part in zip(invoice.fees, step, strict=False)
        ]
        found = note_amounts(invoice, asked)
        state = replace(state, earlier=Earlier(given_back.credit, given_back.refund, given_back.offset))
        wanted = Split(found.total_cents - found.total_cents // 2, found.total_cents // 2)
        split = settled_split(state, wanted, found.total_cents)
        assert split.total == found.total_cents == found.sub_total_cents + found.taxes_cents
        given_back = Split(
            given_back.credit + split.credit, given_back.refund + split.refund, given_back.offset + split.offset
        )
        assert given_back.refund <= state.paid_cents
        assert given_back.total <= gross
        invoice = after_note(invoice, found)
        assert all(fee.credited <= fee.amount_cents for fee in invoice.fees)
    assert given_back.total == gross
    assert not whole_items(invoice)


@given(FEES, st.integers(1, 150_000), st.data())
def test_a_whole_invoice_is_credited_by_so_much_from_all_its_fees(
    fees: list[tuple[int, list[FeeTax]]], coupon: int, data: st.DataObject
) -> None:
    invoice, gross = invoiced(fees, coupon)
    wanted = data.draw(st.integers(0, gross))
    found = note_amounts(invoice, scaled_items(invoice, wanted))
    assert abs(found.total_cents - wanted) <= 1
    if wanted == gross:
        assert found.total_cents == gross
